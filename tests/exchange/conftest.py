"""Fixtures for tests of files: the sample files and an empty store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stores import closed_store, empty_store

__all__ = ["closed_store", "empty_store"]


@pytest.fixture(scope="session")
def data() -> Path:
    """The directory with the sample files of other tools."""
    return Path(__file__).parent / "data"
