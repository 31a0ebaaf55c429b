"""Fixtures of the store's tests: runs to save, and a store of their own.

Most tests run twice: against the embedded engine, and against a server over HTTP. The server is
that of ``BENCHLAB_TEST_DSN`` (whose user must be able to create databases), or else the front.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchlab.runs.run import Run
from benchlab.store import Store
from tests.clickhouse_front import Front
from tests.store import stored_runs as runs
from tests.stores import closed_store as embedded_store
from tests.stores import empty_database, empty_store, new_database

__all__ = ["embedded_store", "empty_store"]


@pytest.fixture(scope="session")
def shared_database(front: Front) -> Iterator[str]:
    """The DSN of a database with its schema, for one test after the other to fill."""
    with new_database(front) as dsn:
        with Store(dsn).connect():
            pass
        yield dsn


@pytest.fixture
def served_store(shared_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The default store, on a server; nothing is in it but its schema."""
    monkeypatch.setenv("BENCHLAB_DSN", shared_database)
    yield Store()
    empty_database(shared_database)


@pytest.fixture
def new_served_store(front: Front, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The default store, a new database on a server, without its schema."""
    with new_database(front) as dsn:
        monkeypatch.setenv("BENCHLAB_DSN", dsn)
        yield Store()


@pytest.fixture
def new_embedded_store(own_data: Path) -> Store:
    """The default store, a directory that is not there yet."""
    assert not (own_data / "store").exists()
    return Store()


@pytest.fixture(params=["embedded", "served"])
def closed_store(request: pytest.FixtureRequest) -> Store:
    """The default store of this process and those it starts; it is not open."""
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.fixture(params=["embedded", "served"])
def new_store(request: pytest.FixtureRequest) -> Store:
    """The default store, its schema not made yet."""
    found: Store = request.getfixturevalue(f"new_{request.param}_store")
    return found


@pytest.fixture
def store(closed_store: Store) -> Iterator[Store]:
    """An empty store, kept open for the test, since opening is what takes time."""
    with closed_store.connect():
        yield closed_store


@pytest.fixture(scope="module", params=["embedded", "served"])
def lasting_store(
    request: pytest.FixtureRequest, empty_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store that stays open for all tests of a module; they leave it as they found it.

    The engine opens one directory at a time, so no other test of the module has a store.
    """
    if request.param == "embedded":
        directory = tmp_path_factory.mktemp("lasting") / "store"
        shutil.copytree(empty_store, directory, symlinks=True)
        store = Store(f"chdb://{directory}")
        with store.connect():
            yield store
        return
    with new_database(request.getfixturevalue("front")) as dsn:
        store = Store(dsn)
        with store.connect():
            yield store


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """Makes a run with ``count`` samples drawn by ``seed``."""
    return runs.make_run


@pytest.fixture
def python() -> str:
    """The interpreter for processes of their own."""
    return sys.executable
