"""Every analysis refuses a run that does not support a conclusion."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from benchlab import analysis
from benchlab.errors import InvalidRunError
from benchlab.runs.run import Run
from tests.runs.synthetic import make_run

DIAGNOSES = {"find_causes", "explanation_of"}
"""Functions that say what was wrong with a run: with an invalid one most of all."""

PARTS = {"broken_periods", "watched_objectives"}
"""Parts of an analysis that is itself among those tested."""


def public_functions() -> Iterator[Callable[..., Any]]:
    for found in pkgutil.walk_packages(analysis.__path__, "benchlab.analysis."):
        if found.ispkg:
            continue
        module = importlib.import_module(found.name)
        for name in set(getattr(module, "__all__", ())) - DIAGNOSES - PARTS:
            if inspect.isfunction(value := getattr(module, name)):
                yield value


def refuses_invalid_runs(function: Callable[..., Any]) -> bool:
    """Whether ``function`` takes no run, or raises when it is given an invalid one."""
    invalid = make_run(lag_ns=15_000_000)
    parameters = inspect.signature(function).parameters.values()
    required = [each for each in parameters if each.default is inspect.Parameter.empty]
    if not any(re.search(r"\bRun\b", str(each.annotation)) for each in required):
        return True
    try:
        function(*[_given(str(each.annotation), invalid) for each in required])
    except InvalidRunError:
        return True
    return False


def _given(annotation: str, run: Run) -> object:
    """``run`` in the form that the annotation of a parameter asks for."""
    if "tuple[Run, Run]" in annotation:
        return [(run, run)]
    return [run] if annotation.startswith("Sequence") else run


def careful(before: Run, after: Run) -> int:
    for run in (before, after):
        run.require_valid()
    return len(after.samples) - len(before.samples)


def forgetful(before: Run, after: Run, digits: int = 3) -> int:
    return round(len(after.samples) - len(before.samples), digits)


def test_the_check_finds_an_analysis_that_forgets_to_refuse() -> None:
    assert refuses_invalid_runs(careful)
    assert not refuses_invalid_runs(forgetful)


def test_a_function_that_takes_runs_refuses_invalid_ones() -> None:
    functions = list(public_functions())
    assert functions
    assert [each.__name__ for each in functions if not refuses_invalid_runs(each)] == []


def test_a_conclusion_is_refused_with_the_reason() -> None:
    run: Run = make_run(lag_ns=15_000_000)
    with pytest.raises(InvalidRunError, match="fell behind its schedule"):
        run.require_valid()
    make_run().require_valid()
