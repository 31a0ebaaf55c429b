"""Every analysis refuses a run that does not support a conclusion."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from benchlab import analysis
from benchlab.errors import InvalidRunError
from benchlab.runs.run import Run
from tests.runs.synthetic import make_run


def public_functions() -> Iterator[Callable[..., Any]]:
    for found in pkgutil.walk_packages(analysis.__path__, "benchlab.analysis."):
        module = importlib.import_module(found.name)
        for name in module.__all__:
            if inspect.isfunction(value := getattr(module, name)):
                yield value


def test_a_function_that_takes_runs_refuses_invalid_ones() -> None:
    invalid = make_run(lag_ns=15_000_000)
    for function in public_functions():
        parameters = inspect.signature(function).parameters.values()
        required = [each for each in parameters if each.default is inspect.Parameter.empty]
        if any("Run" in str(each.annotation) for each in required):
            with pytest.raises(InvalidRunError):
                function(*[invalid for _ in required])


def test_a_conclusion_is_refused_with_the_reason() -> None:
    run: Run = make_run(lag_ns=15_000_000)
    with pytest.raises(InvalidRunError, match="fell behind its schedule"):
        run.require_valid()
    make_run().require_valid()
