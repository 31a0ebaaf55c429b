"""What every test may use: its own data directory, and a service to measure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from benchlab.bundled import TargetProcess, start_target
from tests.clickhouse_front import Front, start_front

settings.register_profile("benchlab", deadline=None)  # how long an example takes proves nothing
settings.load_profile("benchlab")


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees or touches the user's store or spool."""
    monkeypatch.setenv("BENCHLAB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("BENCHLAB_DSN", raising=False)
    return tmp_path / "data"


@pytest.fixture(scope="session")
def target() -> Iterator[TargetProcess]:
    """The bundled target, without telemetry."""
    with start_target() as process:
        yield process


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A ClickHouse server as far as its HTTP interface goes, for all tests to share."""
    with start_front(
        tmp_path_factory.mktemp("front") / "engine", readers=["reader:look"]
    ) as running:
        yield running


def need(*programs: str) -> str:
    """The path of the first of ``programs`` that is installed.

    Skips when there is none of them, and fails where the extras are required.
    """
    found = next(filter(None, map(shutil.which, programs)), None)
    if found is None:
        names = " or ".join(programs)
        if os.environ.get("BENCHLAB_REQUIRE_EXTRAS") == "1":
            pytest.fail(f"{names} is required here and not installed")
        pytest.skip(f"{names} is not installed")
    return found
