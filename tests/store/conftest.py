"""What tests of the store use: runs to keep, and a store of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from benchlab.store import Store
from benchlab.values.run import Run
from tests.store import runs
from tests.stores import closed_store, empty_store

__all__ = ["closed_store", "empty_store"]


@pytest.fixture
def store(closed_store: Store) -> Iterator[Store]:
    """An empty embedded store, kept open for the test, since opening is what takes time."""
    with closed_store.connect():
        yield closed_store


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """Makes a run with ``count`` samples drawn by ``seed``."""
    return runs.make_run


@pytest.fixture
def python() -> str:
    """The interpreter for processes of their own."""
    return sys.executable
