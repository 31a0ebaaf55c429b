"""Several processes that save the same run to a server at the same time."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from benchlab.runs.run import Run
from benchlab.store import Store
from benchlab.store.runs import exactly_once as insert
from benchlab.store.runs import write
from tests.clickhouse_front import Fault, Front, start_front

MakeRun = Callable[..., Run]

ROOT = Path(__file__).parents[3]
COUNT = 450
SAVERS = 3
ONCE = {
    "runs": ("countIf(id = {run_id:String})", 1),
    "samples": ("countIf(run_id = {run_id:String})", COUNT),
    "different": ("uniqExactIf(seq, run_id = {run_id:String})", COUNT),
    "connections": ("countIf(run_id = {run_id:String})", 7),
    "faults": ("countIf(run_id = {run_id:String})", 2),
    "endpoint_seconds": ("sumIf(request_count, run_id = {run_id:String})", COUNT),
    "per_second": ("sumIf(request_count, run_id = {run_id:String})", COUNT),
    "benchmark_results": ("countIf(run_id = {run_id:String})", 1),
    "run_percentiles": ("countIf(run_id = {run_id:String})", 1),
}

SAVER = """
import sys
from tests.store.stored_runs import make_run
from benchlab.store import Store
from benchlab.store.runs import write
write.BLOCK_SAMPLES = 100
store = Store(sys.argv[1])
store.runs()
print("ready", flush=True)
for line in sys.stdin:
    store.save(make_run(450, run_id=line.strip()))
    print("saved", flush=True)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A front that can be made to fail; other tests share theirs."""
    with start_front(tmp_path_factory.mktemp("at-once") / "engine") as front:
        front.query("CREATE DATABASE lab")
        yield front


@pytest.fixture
def store(server: Front, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(write, "BLOCK_SAMPLES", 100)
    monkeypatch.setattr(insert, "_QUIET_S", 0.3)
    yield Store(server.dsn("lab"), on_wait=lambda _: None)
    server.fail()


def copies(store: Store, run_id: str) -> dict[str, int]:
    """How often the run, or how many requests of it, each table and view holds."""
    columns = ", ".join(
        f"(SELECT {count} FROM {'samples' if table == 'different' else table}) AS {table}"  # noqa: S608
        for table, (count, _) in ONCE.items()
    )
    found = store.query_df(f"SELECT {columns}", {"run_id": run_id}).iloc[0]
    return {str(name): int(value) for name, value in found.items()}


EACH_ONCE = {table: count for table, (_, count) in ONCE.items()}


def save_at_once(server: Front, run: Run) -> None:
    """Save ``run`` from several threads that begin together; none may fail."""
    together, failed = threading.Barrier(SAVERS), []

    def save() -> None:
        own = Store(server.dsn("lab"), on_wait=lambda _: None)
        together.wait()
        try:
            own.save(run)
        except BaseException as exc:  # reported below
            failed.append(exc)

    threads = [threading.Thread(target=save) for _ in range(SAVERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.parametrize("count", [pytest.param(24, marks=pytest.mark.soak), 5])
def test_processes_that_save_the_same_runs_leave_one_copy_of_each(
    server: Front, store: Store, make_run: MakeRun, count: int
) -> None:
    store.runs()
    run_ids = [f"{number:016x}" for number in range(count)]
    with ExitStack() as running:
        savers = [
            running.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", SAVER, server.dsn("lab")],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=ROOT,
                )
            )
            for _ in range(SAVERS)
        ]
        assert [saver.stdout.readline() for saver in savers if saver.stdout] == ["ready\n"] * SAVERS
        for run_id in run_ids:
            for saver in savers:
                assert saver.stdin is not None
                saver.stdin.write(f"{run_id}\n")
                saver.stdin.flush()
            lines = [saver.stdout.readline() for saver in savers if saver.stdout]
            assert lines == ["saved\n"] * SAVERS
            assert copies(store, run_id) == EACH_ONCE
        for saver in savers:
            assert saver.stdin is not None
            saver.stdin.close()
    run = make_run(COUNT, run_id=run_ids[0])
    assert store.load(run.id).samples.records.tobytes() == run.samples.records.tobytes()


@pytest.mark.parametrize("table", ["samples", "connections", "faults", "runs"])
def test_a_saver_that_pauses_between_two_steps_leaves_one_copy(
    server: Front, store: Store, make_run: MakeRun, table: str
) -> None:
    run = make_run(COUNT)
    store.runs()
    server.fail(Fault(f"INSERT INTO `?{table}", "delay", seconds=0.5, times=2))
    save_at_once(server, run)
    assert copies(store, run.id) == EACH_ONCE


def test_concurrent_savers_replace_rows_with_other_content(
    server: Front, store: Store, make_run: MakeRun
) -> None:
    run = make_run(COUNT)
    with store.connect() as client:
        stray = run.samples.records[50:150]
        write._insert_block(client, run, stray, f"samples:{run.id}:0:")
    save_at_once(server, run)
    assert copies(store, run.id) == EACH_ONCE
    assert store.load(run.id).samples.records.tobytes() == run.samples.records.tobytes()


def test_concurrent_savers_save_a_pruned_run_again(
    server: Front, store: Store, make_run: MakeRun
) -> None:
    run = make_run(COUNT, started_at_ns=1_600_000_000_000_000_000)
    for _ in range(3):
        save_at_once(server, run)
        assert copies(store, run.id) == EACH_ONCE
        store.prune(3600)
        assert set(copies(store, run.id).values()) == {0}


def test_a_run_that_is_pruned_while_it_is_saved_is_complete_in_the_end(
    server: Front, store: Store, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(COUNT, started_at_ns=1_600_000_000_000_000_000)
    insert_run = write._insert_run
    pruned: list[str] = []

    def prune_before_its_row(*arguments: Any) -> None:
        if not pruned:  # its samples have been counted
            Store(server.dsn("lab")).prune(3600)
            pruned.append(run.id)
        insert_run(*arguments)

    monkeypatch.setattr(write, "_insert_run", prune_before_its_row)
    store.save(run)
    assert pruned == [run.id]
    assert copies(store, run.id) == EACH_ONCE
