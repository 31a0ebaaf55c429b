"""Fixtures of an empty embedded store: made once, copied for every test. Import both."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchlab.store import Store

__all__ = ["closed_store", "empty_store"]


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a store with its schema and nothing in it."""
    # By name: for each directory of tests that imports it, this is another fixture.
    directory = tmp_path_factory.getbasetemp() / "empty" / "store"
    if not directory.exists():
        with Store(f"chdb://{directory}").connect():
            pass
    return directory


@pytest.fixture
def closed_store(own_data: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The default store, of this test alone; nobody has it open."""
    monkeypatch.delenv("BENCHLAB_STORE_WAIT_S", raising=False)
    shutil.copytree(empty_store, own_data / "store", symlinks=True)
    return Store()
