from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from attrs import evolve

from benchlab import spool
from benchlab.errors import StoreError, StoreUnavailableError
from benchlab.plan.request import Request
from benchlab.runs.run import Run
from benchlab.samples.samples import Samples
from benchlab.store import Store
from benchlab.store.runs import write

MakeRun = Callable[..., Run]

ROOT = Path(__file__).parents[3]

DIE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from tests.store.stored_runs import make_run
from benchlab.store import Store
from benchlab.store.runs import write
write.BLOCK_SAMPLES = 100
insert, left = write._insert_block, int(sys.argv[2])
def dying(*args):
    global left
    if left == 0:
        os._exit(9)
    left -= 1
    insert(*args)
write._insert_block = dying
if left == 5:
    write._insert_run = lambda *args: os._exit(9)
Store().save(make_run(500, run_id="0123456789abcdef"))
"""


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "BLOCK_SAMPLES", 100)


def copies(store: Store, run: Run) -> tuple[int, int, int]:
    """Rows of the run in runs, samples and benchmark_results; its connections are there once."""
    kept = store.query_df(
        "SELECT count() AS n FROM connections WHERE run_id = {run_id:String}", {"run_id": run.id}
    )
    assert int(kept["n"][0]) in (0, len(run.connections))
    counts = []
    for table, column in (("runs", "id"), ("samples", "run_id"), ("benchmark_results", "run_id")):
        sql = f"SELECT count() AS n FROM {table} WHERE {column} = {{run_id:String}}"  # noqa: S608
        counts.append(int(store.query_df(sql, {"run_id": run.id})["n"][0]))
    return counts[0], counts[1], counts[2]


def test_saving_any_number_of_times_leaves_one_copy(store: Store, make_run: MakeRun) -> None:
    run, other = make_run(450), make_run(450)
    for _ in range(3):
        store.save(run)
    store.save(other)
    assert copies(store, run) == copies(store, other) == (1, 450, 1)
    assert store.has(run.id)
    assert not store.has(run.id[:8])


@pytest.mark.parametrize("count", [0, 1, 100, 101])
def test_sizes_around_a_block(store: Store, make_run: MakeRun, count: int) -> None:
    run = make_run(count)
    store.save(run)
    store.save(run)
    assert copies(store, run) == (1, count, 1)
    assert len(store.load(run.id).samples) == count


def test_progress_counts_samples(store: Store, make_run: MakeRun) -> None:
    seen: list[tuple[int, int]] = []
    run = make_run(250)
    store.save(run, lambda done, total: seen.append((done, total)))
    assert seen == [(0, 250), (100, 250), (200, 250), (250, 250)]


@pytest.mark.parametrize("survived", [0, 2, 5])
def test_a_process_that_dies_between_any_two_steps_loses_nothing(
    closed_store: Store, make_run: MakeRun, survived: int
) -> None:
    store = closed_store
    done = subprocess.run(
        [sys.executable, "-c", DIE, str(ROOT), str(survived)],
        check=False,
    )
    assert done.returncode == 9
    run = make_run(500, run_id="0123456789abcdef")
    with store.connect():  # opened once for all of these
        assert copies(store, run) == (0, survived * 100, 0)
        assert store.runs().empty
        assert store.query_df("SELECT * FROM run_percentiles").empty
        for _ in range(2):
            store.save(run)
        assert copies(store, run) == (1, 500, 1)
        assert store.load(run.id).samples.records.tobytes() == run.samples.records.tobytes()


@pytest.mark.parametrize("step", ["_insert_block", "_insert_run"])
def test_a_lost_acknowledgement_leaves_one_copy(
    store: Store, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The rows are in, but the saver got an error."""
    real = getattr(write, step)

    def unacknowledged(*args: object) -> None:
        real(*args)
        raise StoreError("the connection broke")

    monkeypatch.setattr(write, step, unacknowledged)
    run = make_run(300)
    with pytest.raises(StoreError):
        store.save(run)
    monkeypatch.setattr(write, step, real)
    store.save(run)
    assert copies(store, run) == (1, 300, 1)


def test_an_insert_that_arrives_late_leaves_one_copy(store: Store, make_run: MakeRun) -> None:
    """A timed-out insert may arrive after the retry has counted: its token prevents a copy."""
    run = make_run(100)
    with store.connect() as client:
        for _ in range(2):
            write._insert_block(client, run, run.samples.records, f"samples:{run.id}:0:")
    store.save(run)
    assert copies(store, run) == (1, 100, 1)


def test_stored_rows_with_other_content_are_replaced(store: Store, make_run: MakeRun) -> None:
    run = make_run(300)
    with store.connect() as client:
        stray = run.samples.records[50:150]
        write._insert_block(client, run, stray, f"samples:{run.id}:0:")
    store.save(run)
    assert copies(store, run) == (1, 300, 1)
    assert store.load(run.id).samples.records.tobytes() == run.samples.records.tobytes()


def test_samples_need_not_be_in_order(store: Store, make_run: MakeRun) -> None:
    run = make_run(250)
    shuffled = replace(run, samples=Samples(run.samples.records[::-1], ("a", "b")))
    store.save(shuffled)
    assert store.load(run.id).samples.records.tobytes() == run.samples.records.tobytes()


def test_the_spool_is_removed_only_once_the_run_is_stored(
    store: Store, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_run(1).plan
    with spool.create("00112233445566ff", plan, {}) as directory:
        pass
    run = make_run(100, run_id="00112233445566ff", spool=directory)
    with monkeypatch.context() as patch:
        patch.setattr(write, "_insert_run", lambda *_: (_ for _ in ()).throw(StoreError("full")))
        with pytest.raises(StoreError):
            store.save(run)
    assert directory.is_dir()
    store.save(run)
    assert not directory.exists()


def test_what_follows_has_the_run_and_the_same_opening(
    closed_store: Store, make_run: MakeRun
) -> None:
    plan = make_run(1).plan
    with spool.create("00112233445566aa", plan, {}) as directory:
        pass
    run = make_run(100, run_id="00112233445566aa", spool=directory)
    found: list[object] = []

    def then() -> None:
        found.append(closed_store._local.client)
        found.append([row["run_id"] for row in closed_store.rows(limit=1)])
        if len(found) == 2:
            raise StoreUnavailableError("gone for a moment")

    closed_store.save(run, then=then)
    assert found[1::2] == [[run.id], [run.id]]
    assert None not in found[::2]
    assert not directory.exists()
    assert copies(closed_store, run) == (1, 100, 1)
    with pytest.raises(StoreError) as caught:
        closed_store.save(run, then=lambda: (_ for _ in ()).throw(StoreError("no list")))
    assert str(caught.value) == "no list", "it is stored, so that nothing is left to recover"


def test_a_plan_of_any_length_is_stored(store: Store, make_run: MakeRun) -> None:
    run = make_run(1)
    (first, *rest) = run.plan.requests
    long = replace(
        run, plan=evolve(run.plan, requests=(evolve(first, body=b"x" * 12_000_000), *rest))
    )
    store.save(long)
    assert store.load(run.id).plan.requests[0].body == long.plan.requests[0].body


def test_saving_and_listing_need_no_pandas(python: str, own_data: Path) -> None:
    code = (
        "import sys; from tests.store.stored_runs import make_run;"
        "from benchlab.store import Store; store = Store();"
        "store.save(make_run(10), then=lambda: store.rows(limit=5));"
        "store.import_rows(); assert 'chdb' in sys.modules; assert 'pandas' not in sys.modules"
    )
    subprocess.run([python, "-c", code], cwd=ROOT, check=True)


def test_credentials_are_not_stored(store: Store, make_run: MakeRun) -> None:
    secret = "hunter2"
    run = make_run(10)
    request = Request(
        "POST",
        f"http://me:{secret}@127.0.0.1:8000/add?token={secret}&q=1",
        headers={"X-API-Key": secret, "X-A": "b"},
        json={"a": [1]},
    )
    run = replace(run, plan=run.plan.replace(requests=[request]))
    store.save(run)

    stored = store.query_df("SELECT * FROM runs").iloc[0]
    viewed = store.query_df("SELECT * FROM benchmark_results").iloc[0]
    listed = store.runs().iloc[0]
    for row in (stored, viewed, listed):
        assert row["url"] == "http://127.0.0.1:8000/add?token=***&q=1"
        assert secret not in str(row.to_dict())
        assert "bWU6aHVudGVyMg" not in str(row.to_dict()), "user and password in base64"

    (back,) = store.load(run.id).plan.requests
    assert back == evolve(
        request,
        url="http://127.0.0.1:8000/add?token=***&q=1",
        headers=[
            ("X-API-Key", "***"),
            ("X-A", "b"),
            ("Authorization", "***"),
            ("Content-Type", "application/json"),
        ],
    )
    assert store.load(run.id).samples.records.tobytes() == run.samples.records.tobytes()
    assert request.headers[0] == ("X-API-Key", secret), "the run itself keeps its own"


def test_a_stored_run_needs_few_bytes(
    store: Store, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "BLOCK_SAMPLES", 262_144)
    store.save(make_run(200_000))
    size = store.query_df(
        "SELECT sum(bytes_on_disk) / sum(rows) AS size FROM system.parts"
        " WHERE table = 'samples' AND database = currentDatabase() AND active"
    )["size"][0]
    assert size <= 10


def test_faults_have_rows_with_the_times_at_which_they_were_on(
    store: Store, make_run: MakeRun
) -> None:
    run = make_run(50)
    for _ in range(2):
        store.save(run)
    rows = store.query_df(
        "SELECT * EXCEPT (run_id), toUnixTimestamp64Nano(began_at) AS began,"
        " toUnixTimestamp64Nano(ended_at) AS ended FROM faults ORDER BY number"
    )
    assert list(rows["kind"]) == ["drop", "latency"]
    assert list(rows["began_ns"]) == [1_500_000, 1_234_567]
    assert list(rows["began"]) == [run.started_at_ns + ns for ns in rows["began_ns"]]
    assert rows["ended"][1] == run.started_at_ns + 2_345_678
    assert rows[["ended", "ended_ns", "ended_at"]].iloc[0].isna().all()
    assert list(rows["error"]) == ["cannot be lifted: it's", ""]
    assert store.load(run.id).faults == run.faults
