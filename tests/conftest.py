"""What every test may use: its own data directory, and a service to measure."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from benchlab.bundled import TargetProcess, start_target
from benchlab.store.client import lock as store_lock
from tests.clickhouse_front import Front, start_front
from tests.cluster.local import (
    LENIENT,
    PATIENT,
    Cluster,
    ForkServer,
    start_cluster,
    start_fork_server,
)
from tests.lanes import LANES, is_alone, lane_of, relative_to_tests

# Tests import nbformat, and that jsonschema, which compiles these grammars if they are installed.
# It would be 1.5 s for each process of the tests, and nothing here checks an IRI.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

settings.register_profile("benchlab", deadline=None)  # how long an example takes proves nothing
settings.load_profile("benchlab")

USUAL_HANDLERS: dict[int, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGHUP: signal.SIG_DFL,
}


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers of the lanes; under nohup too, signals do what they do on a terminal."""
    for number, handler in USUAL_HANDLERS.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
    for lane, description in LANES.items():
        config.addinivalue_line("markers", f"{lane}: {description}")
    config.addinivalue_line("markers", "soak: the full length of a test that is short (make soak)")
    config.addinivalue_line("markers", "alone: measures, so only two such run at a time")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no files that ``-m`` leaves out: importing all takes a while."""
    marks = config.option.markexpr
    if marks.startswith("not benchmark"):
        return lane_of(relative_to_tests(collection_path)) == "benchmark" or None
    if collection_path.suffix != ".py":
        return None
    if marks in LANES:
        return lane_of(relative_to_tests(collection_path)) != marks or None
    if marks == "alone" or marks.startswith("alone and "):
        return not is_alone(relative_to_tests(collection_path)) or None
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test the marker of its lane."""
    for item in items:
        path = relative_to_tests(item.path)
        item.add_marker(lane_of(path))
        if is_alone(path):
            item.add_marker("alone")


_unit_test: str | None = None


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    """Fail a unit test that starts a process or the engine."""
    if _unit_test is None:
        return
    if event in {"subprocess.Popen", "os.fork", "os.posix_spawn"}:
        raise AssertionError(f"unit tests start no process: {_unit_test} starts {arguments[:1]}")
    if event == "import" and arguments[0] == "chdb":
        raise AssertionError(f"unit tests open no engine: {_unit_test}")


sys.addaudithook(_audit)


@pytest.fixture(autouse=True)
def _in_its_lane(request: pytest.FixtureRequest) -> Iterator[None]:
    """While a unit test runs, starting a process or the engine fails it."""
    global _unit_test  # noqa: PLW0603 - an audit hook can never be taken away
    _unit_test = request.node.nodeid if request.node.get_closest_marker("unit") else None
    yield
    _unit_test = None


@pytest.fixture(autouse=True, scope="module")
def _no_store_left_open() -> Iterator[None]:
    """A module that leaves a store open fails: later ones in this process could open no other."""
    yield
    left = store_lock.held_here()
    assert not left, f"a fixture or test here left {left} open"


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees or touches the user's store or spool."""
    monkeypatch.setenv("BENCHLAB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("BENCHLAB_DSN", raising=False)
    return tmp_path / "data"


@pytest.fixture(scope="session")
def target() -> Iterator[TargetProcess]:
    """The bundled target, with gRPC and without telemetry."""
    with start_target(grpc_port=0) as process:
        yield process


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A ClickHouse server as far as its HTTP interface goes, for all tests to share."""
    with start_front(
        tmp_path_factory.mktemp("front") / "engine", readers=["reader:look"]
    ) as running:
        yield running


@pytest.fixture(scope="session")
def forks() -> Iterator[ForkServer]:
    """What forks the processes of clusters, for all tests to share."""
    with start_fork_server() as running:
        yield running


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, forks: ForkServer) -> Iterator[Cluster]:
    """A Dask cluster of 4 hosts on loopback, for tests that leave it as it is."""
    directory = tmp_path_factory.mktemp("cluster")
    with start_cluster(directory, forks=forks, patches=LENIENT) as running:
        yield running


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of this process take no host for lost that only stands still for a while."""
    monkeypatch.setattr("benchlab.load.cluster.workers.USUAL_PATIENCE", PATIENT)


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
