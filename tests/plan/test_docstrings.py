"""The examples in docstrings run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import benchlab.plan

MODULES = [
    module.name for module in pkgutil.walk_packages(benchlab.plan.__path__, "benchlab.plan.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
