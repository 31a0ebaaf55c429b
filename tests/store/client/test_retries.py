"""A server that is down, slow, restarted or full while a run is saved."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchlab import spool
from benchlab.errors import StoreError, StoreUnavailableError
from benchlab.runs.run import Run
from benchlab.store import Store
from benchlab.store.client import connection
from benchlab.store.runs import write
from tests.clickhouse_front import Fault, Front, start_front

MakeRun = Callable[..., Run]

COUNT = 450
TABLES = {
    "runs": "countIf(id = {run_id:String})",
    "samples": "countIf(run_id = {run_id:String})",
    "endpoint_seconds": "sumIf(request_count, run_id = {run_id:String})",
    "per_second": "sumIf(request_count, run_id = {run_id:String})",
    "benchmark_results": "countIf(run_id = {run_id:String})",
    "run_percentiles": "countIf(run_id = {run_id:String})",
}
ONCE = dict(zip(TABLES, (1, COUNT, COUNT, COUNT, 1, 1), strict=True))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A front that may be killed; other tests share theirs."""
    with start_front(tmp_path_factory.mktemp("mortal") / "engine", users=["me:hunter2"]) as front:
        yield front


@pytest.fixture
def messages() -> list[str]:
    """The messages that are reported while waiting."""
    return []


@pytest.fixture
def store(server: Front, messages: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store in an existing database, whose server must respond within five seconds."""
    monkeypatch.setattr(write, "BLOCK_SAMPLES", 100)
    monkeypatch.setattr(connection, "_MIN_PAUSE_S", 0.05)
    server.query("CREATE DATABASE IF NOT EXISTS lab")
    dsn = server.dsn("lab", "me:hunter2", "?send_receive_timeout=5")
    yield Store(dsn, wait_s=60, on_wait=messages.append)
    if server.process is None:
        server.start()
    server.fail()


@pytest.fixture
def run(make_run: MakeRun) -> Run:
    """A run whose spool is still there."""
    plan = make_run(COUNT).plan
    identity = make_run(1).id
    with spool.create(identity, plan, {}) as directory:
        return make_run(COUNT, run_id=identity, spool=directory)


def copies(server: Front, run: Run) -> dict[str, int]:
    """How often the run, or how many requests of it, each table and view holds."""
    patient = Store(server.dsn("lab", "me:hunter2"))
    columns = ", ".join(
        f"(SELECT {count} FROM {table}) AS {table}"  # noqa: S608  # constants
        for table, count in TABLES.items()
    )
    found = patient.query_df(f"SELECT {columns}", {"run_id": run.id}).iloc[0]
    return {str(name): int(value) for name, value in found.items()}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("INSERT INTO `?samples", "lose", skip=2, times=3),
        Fault("INSERT INTO `?samples", "refuse", skip=1, times=3),
        Fault("INSERT INTO `?samples", "error", skip=1, times=2),
        Fault("INSERT INTO `?samples", "error", code=201, name="QUOTA_EXCEEDED", times=2),
        Fault("INSERT INTO `?samples", "delay", seconds=7, skip=2),
        Fault("INSERT INTO `?runs", "lose", times=2),
        Fault("INSERT INTO `?runs", "delay", seconds=7),
        Fault("SELECT version", "error", code=202, name="TOO_MANY_SIMULTANEOUS_QUERIES"),
    ],
    ids=str,
)
def test_transient_failures_are_retried_and_leave_one_copy(
    server: Front, store: Store, run: Run, fault: Fault
) -> None:
    assert store.runs() is not None
    server.fail(fault)
    store.save(run)
    server.fail()
    assert copies(server, run) == ONCE
    assert run.spool is not None
    assert not run.spool.exists()
    store.save(run)
    assert copies(server, run) == ONCE
    assert store.load(run.id).samples.records.tobytes() == run.samples.records.tobytes()


@pytest.mark.parametrize("do", ["kill", "kill_after"])
@pytest.mark.parametrize("step", [0, 2, 4, "runs"])
def test_saving_survives_a_server_restart(
    server: Front, store: Store, run: Run, messages: list[str], do: str, step: int | str
) -> None:
    assert store.runs() is not None
    table = "runs" if step == "runs" else "samples"
    skip = 0 if isinstance(step, str) else step
    server.fail(Fault(f"INSERT INTO `?{table}", do, skip=skip))  # type: ignore[arg-type]

    def revive() -> None:
        server.wait()
        while not messages:
            time.sleep(0.01)  # until it was noticed
        server.start()

    thread = threading.Thread(target=revive)
    thread.start()
    store.save(run)
    thread.join()
    assert copies(server, run) == ONCE
    assert all(" trying again in " in line and "hunter2" not in line for line in messages)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("INSERT INTO `?samples", "error", times=99),
        Fault("INSERT INTO `?runs", "refuse", times=99),
        Fault("", "kill"),
    ],
    ids=str,
)
def test_after_giving_up_the_run_can_be_recovered(
    server: Front, store: Store, run: Run, fault: Fault
) -> None:
    assert store.runs() is not None
    server.fail(fault)
    hasty = Store(server.dsn("lab", "me:hunter2"), wait_s=0.3, on_wait=lambda _: None)
    with pytest.raises(StoreUnavailableError) as caught:
        hasty.save(run)
    message = str(caught.value)
    assert message.endswith(f"run {run.id} was measured and is kept: benchlab recover saves it")
    assert "hunter2" not in message
    assert "\n" not in message
    assert run.spool is not None
    assert run.spool.exists()
    if fault.do == "kill":
        server.wait()
        server.start()
    server.fail()
    store.save(run)
    assert copies(server, run) == ONCE


def test_permanent_failures_are_not_retried(
    server: Front, store: Store, run: Run, messages: list[str]
) -> None:
    server.fail(Fault("INSERT INTO `?samples", "error", code=60, name="UNKNOWN_TABLE"))
    with pytest.raises(StoreError, match="UNKNOWN_TABLE"):
        store.save(run)
    with pytest.raises(StoreError, match="authentication failed"):
        Store(server.dsn("lab", "me:wrong"), on_wait=messages.append).save(run)
    assert messages == []


def test_missing_rollups_are_inserted_again(server: Front, store: Store, make_run: MakeRun) -> None:
    """Killed between a block of samples and its rollups."""
    run, other = make_run(COUNT), make_run(COUNT)
    store.save(other)
    with store.connect() as client:
        records = run.samples.records
        write._insert_block(client, run, records[:100], f"samples:{run.id}:0:")
        client.command(f"DELETE FROM endpoint_seconds WHERE run_id = '{run.id}' AND endpoint = 1")  # noqa: S608
    store.save(run)
    assert copies(server, run) == copies(server, other) == ONCE


def test_without_a_spool_the_error_promises_no_recovery(
    server: Front, make_run: MakeRun, tmp_path: Path
) -> None:
    server.fail(Fault("", "refuse", times=99))
    with pytest.raises(StoreUnavailableError) as caught:
        Store(server.dsn("lab", "me:hunter2"), wait_s=0).save(make_run(10))
    server.fail()
    assert "recover" not in str(caught.value)
