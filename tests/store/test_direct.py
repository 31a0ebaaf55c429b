"""A run whose hosts send what they measured to the server by themselves."""

from __future__ import annotations

import pickle
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchlab import spool
from benchlab.errors import InputError, StoreError, StoreUnavailableError
from benchlab.load.cluster.delivery import Delivery, DeliveryState
from benchlab.runs.run import Run
from benchlab.samples.records import SAMPLE_DTYPE
from benchlab.spool.record_files import RECORD_FILES, RecordCount
from benchlab.store import Store
from benchlab.store.client import connection
from benchlab.store.direct import DirectShare, DirectStore
from benchlab.store.runs import exactly_once, shares, write
from benchlab.store.runs.exactly_once import insert_of_run
from tests.clickhouse_front import Fault, Front, start_front
from tests.store.spread_run import HOSTS, SpreadRun, host_records, spread_run
from tests.stores import new_database

TABLES = ("runs", "samples", "connections", "tries", "streams", "stream_events")
ORDER = {"connections": "start_ns, seq", "stream_events": "seq, number", "runs": "id"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A front that can be made to fail; other tests share theirs."""
    with start_front(tmp_path_factory.mktemp("direct") / "engine") as front:
        front.query("CREATE DATABASE lab")
        yield front


@pytest.fixture
def direct(server: Front, own_data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DirectStore]:
    monkeypatch.setattr(write, "BLOCK_SAMPLES", 40)
    monkeypatch.setattr(exactly_once, "_QUIET_S", 0.05)
    monkeypatch.setattr(connection, "_MIN_PAUSE_S", 0.05)
    direct = DirectStore(server.dsn("lab"))
    direct.check()  # as the parent does before the load
    yield direct
    server.fail()


class Hosts:
    """The hosts of a run; a new object knows nothing of what one before it has sent."""

    def __init__(self, made: SpreadRun, direct: DirectStore, alive: Sequence[int] = (0, 1)) -> None:
        self._made = made
        self._direct = direct
        self._alive = alive
        self.shares: list[DirectShare] = []

    def send(self, salt: str = "", *, ended: bool = True) -> None:
        self.shares = [
            self._direct.share(self._made.hosts[number], HOSTS[number], salt)
            for number in self._alive
        ]
        for share in self.shares:
            share.send(ended=ended, go_on=lambda: True)

    @property
    def counts(self) -> list[RecordCount]:
        return [count for share in self.shares for count in share.counts]

    def deliver(self) -> Run:
        self.send()
        return self.save()

    def save(self, parent: Path | None = None) -> Run:
        parent = parent or self._made.parent
        return self._direct.save(parent, self._made.plan, self.counts, self.send)


def rows(store: Store, table: str, run_id: str) -> list[dict[str, Any]]:
    column = "id" if table == "runs" else "run_id"
    found = store.query_df(
        f"SELECT * EXCEPT ({'saved_at' if table == 'runs' else 'run_id'}) FROM {table}"  # noqa: S608
        f" WHERE {column} = {{run_id:String}} ORDER BY {ORDER.get(table, 'seq')}",
        {"run_id": run_id},
    )
    return [{str(name): value for name, value in row.items()} for row in found.to_dict("records")]


def copies(direct: DirectStore, run_id: str) -> dict[str, int]:
    """How many rows of the run each table holds, and how many requests its rollups count."""
    columns = [
        f"(SELECT count() FROM {table} WHERE run_id = {{id:String}})"  # noqa: S608
        for table in TABLES[1:]
    ]
    found = Store(direct.dsn).query_df(
        f"SELECT (SELECT count() FROM runs WHERE id = {{id:String}}), {', '.join(columns)},"  # noqa: S608
        " (SELECT sum(request_count) FROM endpoint_seconds WHERE run_id = {id:String})",
        {"id": run_id},
    )
    return dict(zip((*TABLES, "requests"), map(int, found.iloc[0]), strict=True))


def expected(made: SpreadRun) -> dict[str, int]:
    """What `copies` should find: what the files of all hosts hold."""
    records = {
        kind.name: np.concatenate(
            [
                np.fromfile(kind.path(host, worker), kind.dtype)
                for host, workers in zip(made.hosts, HOSTS, strict=True)
                for worker in workers
            ]
        )
        for kind in RECORD_FILES
    }
    rest = [len(records[name]) for name in ("samples", "connections", "tries", "streams", "events")]
    requests = int(np.count_nonzero(records["samples"]["flags"] & 64 == 0))
    return dict(zip((*TABLES, "requests"), (1, *rest, requests), strict=True))


def test_the_rows_are_those_that_the_parent_would_have_saved(
    direct: DirectStore, front: Front, tmp_path: Path
) -> None:
    made = spread_run(tmp_path)
    hosts = Hosts(made, direct)
    hosts.send()
    sent = hosts.save()
    assert sent.spool is None
    spool.remove(made.parent)

    again = spread_run(tmp_path / "again", run_id=made.id)
    with new_database(front) as dsn:
        by_parent = Store(dsn)
        read = spool.read_run(again.gathered(), made.plan)
        by_parent.save(read)
        for table in TABLES:
            ours, parents = (
                rows(store, table, made.id) for store in (Store(direct.dsn), by_parent)
            )
            assert repr(ours) == repr(parents), table
        for view in ("per_second", "per_endpoint", "run_percentiles", "run_streams", "run_tries"):
            sql = f"SELECT * FROM {view} WHERE run_id = {{id:String}} ORDER BY ALL"  # noqa: S608
            one, other = (
                store.query_df(sql, {"id": made.id}).to_dict("records")
                for store in (by_parent, Store(direct.dsn))
            )
            assert repr(one) == repr(other), view
    loaded = Store(direct.dsn).load(made.id)
    for run in (sent, loaded):
        assert run.samples.records.tobytes() == read.samples.records.tobytes()
        assert (run.connections, run.tries) == (read.connections, read.tries)
        assert (run.streams, run.events) == (read.streams, read.events)
        assert run.to_dict() == read.to_dict()
    assert sent.plan == made.plan


def test_blocks_are_sent_as_they_fill_and_the_rest_at_the_end(
    direct: DirectStore, tmp_path: Path
) -> None:
    made = spread_run(tmp_path)
    path = spool.samples_path(made.hosts[1], 1)
    whole = path.read_bytes()
    share = direct.share(made.hosts[1], HOSTS[1])
    size = SAMPLE_DTYPE.itemsize
    seen = []
    for records in (0, 39, 40, 79, 80):
        path.write_bytes(whole[: records * size + 7])
        share.send(ended=False, go_on=lambda: True)
        seen.append(copies(direct, made.id)["samples"])
    assert seen == [0, 0, 40, 40, 80]
    path.write_bytes(whole)
    share.send(ended=False, go_on=lambda: False)
    assert copies(direct, made.id)["samples"] == 80
    share.send(ended=True, go_on=lambda: True)
    assert share.unsent == 0
    assert copies(direct, made.id)["samples"] == len(whole) // size
    assert share.counts[0].total == len(whole) // size


class Killed(BaseException):
    """What ends a process in these tests: nothing catches it."""


STEPS = [(shares, "insert_of_run"), (write, "_insert_run"), (write, "count_samples")]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_between_any_two_steps(
    direct: DirectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    left = 10**6
    for module, name in STEPS:
        real = getattr(module, name)

        def dying(*arguments: Any, _real: Callable[..., Any] = real) -> Any:
            nonlocal left
            left -= 1
            if left < 0 and moment == "before":
                raise Killed
            result = _real(*arguments)
            if left < 0:
                raise Killed
            return result

        monkeypatch.setattr(module, name, dying)
    steps = 0
    while True:
        made = spread_run(tmp_path, count=9, beside=False)
        left = steps
        try:
            Hosts(made, direct).deliver()
        except Killed:
            steps += 1
        else:
            break
        left = 10**6
        run = Hosts(made, direct).deliver()
        assert copies(direct, made.id) == expected(made), steps
        assert len(run.samples) == 9
    assert steps > 6


def test_an_insert_that_arrives_late_leaves_one_copy(
    direct: DirectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timed-out insert may arrive after the retry: its token prevents a copy."""
    made = spread_run(tmp_path)
    inserts: list[tuple[Any, ...]] = []

    def noting(client: Any, *rest: Any) -> None:
        inserts.append(rest)
        insert_of_run(client, *rest)

    monkeypatch.setattr(shares, "insert_of_run", noting)
    hosts = Hosts(made, direct)
    hosts.send()
    with Store(direct.dsn).connect() as client:
        for rest in inserts:
            insert_of_run(client, *rest)
    hosts.save()
    assert copies(direct, made.id) == expected(made)


def test_lost_acknowledgements_leave_one_copy(
    direct: DirectStore, server: Front, tmp_path: Path
) -> None:
    made = spread_run(tmp_path)
    server.fail(Fault("INSERT INTO", "lose", times=3), Fault("INSERT INTO", "refuse", times=2))
    hosts = Hosts(made, direct)
    for _ in range(10):
        try:
            hosts.send()
        except StoreError:
            continue
        break
    hosts.save()
    assert copies(direct, made.id) == expected(made)


@pytest.mark.parametrize("table", TABLES[1:])
def test_rows_of_other_content_are_replaced(
    direct: DirectStore, tmp_path: Path, table: str
) -> None:
    """Such as those that came twice because the server no longer knew their token."""
    made = spread_run(tmp_path)
    hosts = Hosts(made, direct)
    hosts.send()
    with Store(direct.dsn).connect() as client:
        client.command(
            f"INSERT INTO {table} SELECT * FROM {table}"  # noqa: S608
            " WHERE run_id = {id:String} AND seq >= 0 ORDER BY ALL LIMIT 5",
            parameters={"id": made.id},
        )
    hosts.save()
    assert copies(direct, made.id) == expected(made)


def test_rollups_that_a_crash_left_incomplete_are_made_again(
    direct: DirectStore, tmp_path: Path
) -> None:
    made = spread_run(tmp_path)
    hosts = Hosts(made, direct)
    hosts.send()
    rollups = (
        "SELECT endpoint, second, warmup, sum(request_count), sum(error_count),"
        " sum(seconds.bytes_in), max(latency_max_ns),"
        " toString(quantilesDDMerge(0.005, 0.5, 0.9, 0.95, 0.99, 0.999)(latency))"
        " FROM endpoint_seconds AS seconds WHERE run_id = {id:String}"
        " GROUP BY endpoint, second, warmup ORDER BY ALL"
    )
    with Store(direct.dsn).connect() as client:
        before = client.query(rollups, parameters={"id": made.id}).result_rows
        client.command(
            "DELETE FROM endpoint_seconds WHERE run_id = {id:String} AND endpoint = 1",
            parameters={"id": made.id},
        )
    hosts.save()
    with Store(direct.dsn).connect() as client:
        assert client.query(rollups, parameters={"id": made.id}).result_rows == before
    assert copies(direct, made.id) == expected(made)


def test_what_was_pruned_is_sent_again(direct: DirectStore, tmp_path: Path) -> None:
    made = spread_run(tmp_path)
    hosts = Hosts(made, direct)
    hosts.send()
    with Store(direct.dsn).connect() as client:
        for table in (*TABLES[1:], "endpoint_seconds"):
            client.command(
                f"DELETE FROM {table} WHERE run_id = {{id:String}}",  # noqa: S608
                parameters={"id": made.id},
            )
    hosts.save()
    assert copies(direct, made.id) == expected(made)


def test_a_lost_host_degrades_the_run_until_its_disk_is_back(
    direct: DirectStore, tmp_path: Path
) -> None:
    made = spread_run(tmp_path)
    whole = expected(made)
    late = tmp_path / "late" / made.id
    shutil.copytree(made.parent, late)
    spool.health_path(made.parent, 1).unlink()
    spool.write_hosts(made.parent, host_records(lost=[1]))
    lost = direct.share(made.hosts[1], HOSTS[1])
    turns = iter([True])
    lost.send(ended=False, go_on=lambda: next(turns, False))
    hosts = Hosts(made, direct, alive=[0])
    hosts.send()
    degraded = hosts.save()
    assert degraded.verdict == "degraded"
    assert len(degraded.samples) == whole["samples"] - 100 + 40, "what was stored is kept"
    assert Store(direct.dsn).load(made.id).verdict == "degraded"

    back = Hosts(made, direct, alive=[1])
    back.send()
    repaired = back.save(late)
    assert copies(direct, made.id) == whole
    assert repaired.verdict != "degraded"
    assert [host.lost for host in repaired.hosts] == ["", ""]
    assert Store(direct.dsn).load(made.id).to_dict() == repaired.to_dict()


def test_the_server_is_gone(
    direct: DirectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCHLAB_STORE_WAIT_S", "0")
    made = spread_run(tmp_path)
    hosts = Hosts(made, direct)
    hosts.send()
    gone = DirectStore("http://127.0.0.1:9/lab?connect_timeout=1")
    with pytest.raises(StoreUnavailableError):
        gone.share(made.hosts[0], HOSTS[0]).send(ended=True, go_on=lambda: True)
    with pytest.raises(StoreUnavailableError, match="benchlab recover --cluster"):
        gone.save(made.parent, made.plan, hosts.counts, hosts.send)
    hosts.save()
    assert copies(direct, made.id) == expected(made)


def test_a_host_whose_parent_is_away_sends_nothing(direct: DirectStore, tmp_path: Path) -> None:
    """The parent goes on without it: nothing may arrive when it has counted."""
    made, is_watched = spread_run(tmp_path), threading.Event()
    delivery = Delivery(direct, made.hosts[1], made.plan, HOSTS[1], is_watched.is_set, ended=True)
    delivery.start()
    assert delivery.state() == DeliveryState(0, delivery.state().unsent)
    is_watched.set()
    while (state := delivery.state()).counts is None:
        time.sleep(0.02)
    delivery.stop()
    assert (state.unsent, state.problem) == (0, "")
    assert copies(direct, made.id)["samples"] == 100 == state.counts[0].total


def test_an_embedded_store_is_refused(own_data: Path) -> None:
    with pytest.raises(InputError, match=r"embedded.*parent") as caught:
        DirectStore()
    assert (caught.value.field, caught.value.value) == ("samples", "direct")


def test_it_travels_and_hides_its_password() -> None:
    direct = DirectStore("http://me:hunter2@127.0.0.1:8123/lab")
    there = pickle.loads(pickle.dumps(direct))
    assert there == direct
    assert "hunter2" not in f"{there!r} {there} {there.location}"
