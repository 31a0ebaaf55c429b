"""Hosts send what they measure straight to a server; whatever fails, all of it is there, once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import benchlab as bl
from benchlab import ClosedLoop, ConstantRate, Plan, Request, Run, Scenario, Store, spool
from benchlab.cli.recover import recover
from benchlab.errors import InputError, RunError, StoreError, StoreUnavailableError
from benchlab.load.supervisor.progress import Progress
from benchlab.paths import data_dir
from tests.clickhouse_front import Front, start_front
from tests.cluster.arrivals import Arrivals, arriving
from tests.cluster.chaos import PAUSE_S, Round, play
from tests.cluster.local import LENIENT, Cluster, ForkServer, start_cluster
from tests.load.servers import always, serving
from tests.stores import empty_store

__all__ = ["empty_store"]

HOSTS = 2
SMALL = {"benchlab.store.runs.write:BLOCK_SAMPLES": 50, **LENIENT}
FAILURE = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"

pytestmark = pytest.mark.usefixtures("patient")


@pytest.fixture(scope="module")
def server(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A front that is killed; other tests share theirs."""
    engine = tmp_path_factory.mktemp("direct") / "engine"
    shutil.copytree(empty_store, engine, symlinks=True)
    with start_front(engine) as front:
        yield front


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory, forks: ForkServer) -> Iterator[Cluster]:
    """A small cluster, whose hosts send blocks of few samples."""
    directory = tmp_path_factory.mktemp("direct-cluster")
    with start_cluster(directory, HOSTS, forks=forks, patches=SMALL) as running:
        yield running


@pytest.fixture(scope="module")
def arrivals() -> Iterator[Arrivals]:
    with arriving(pause_s=PAUSE_S) as running:
        yield running


@pytest.fixture
def store(server: Front, own_data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of this process and of the runs that it makes."""
    monkeypatch.setenv("BENCHLAB_DSN", server.dsn())
    yield Store()
    if server.process is None:
        server.start()


def check(store: Store, cluster: Cluster, run: Run, arrivals: Arrivals) -> None:
    """The store has the run once, and nobody else has any of it."""
    loaded = store.load(run.id)
    assert loaded.samples.records.tobytes() == run.samples.records.tobytes()
    assert loaded.connections == run.connections
    assert len(loaded.connections) > 0
    assert set(loaded.samples.column("seq").tolist()) == arrivals.seqs
    counts = store.query_df(
        "SELECT count() AS samples, uniqExact(seq) AS different,"
        " (SELECT sum(request_count) FROM endpoint_seconds WHERE run_id = {id:String}) AS sums"
        " FROM samples WHERE run_id = {id:String}",
        {"id": run.id},
    )
    assert counts.iloc[0].tolist() == [len(run.samples)] * 3
    assert [host.lost for host in loaded.hosts] == [""] * HOSTS
    assert not list(spool.runs())
    for host in cluster.hosts:
        assert not host.shares


@pytest.mark.timeout(300)
def test_samples_go_from_the_hosts_to_the_store(
    own_cluster: Cluster, arrivals: Arrivals, store: Store
) -> None:
    arrivals.all.clear()
    seen: list[Progress] = []
    plan = Plan([arrivals.request], ConstantRate(200), 2, name="direct", slo=["p99<60s"])
    run = bl.run(plan, cluster=own_cluster.address, samples="direct", on_progress=seen.append)
    check(store, own_cluster, run, arrivals)
    assert len(run.samples) == 400
    assert run.plan.workers == HOSTS
    last = seen[-1]
    assert (last.phase, last.count, last.error_count) == ("done", 400, run.samples.error_count)
    assert last.p99_ns == run.histogram().percentile_ns(0.99)
    store.save(run)  # as every program does: it is there already
    assert len(store.load(run.id).samples) == 400


@pytest.mark.timeout(300)
def test_a_condition_is_seen_without_the_samples(own_cluster: Cluster, store: Store) -> None:
    condition = "error_ratio>50% over 1s"
    with serving(always(FAILURE)) as url:
        plan = Plan([Request("GET", url)], ConstantRate(50), 300, abort_on=condition)
        run = bl.run(plan, cluster=own_cluster.address, samples="direct")
    assert run.stop_reason.startswith(f"stopped by abort_on {condition}: 100 % after")
    assert run.verdict == "interrupted"
    assert len(store.load(run.id).samples) == len(run.samples) > 0


@pytest.mark.timeout(300)
def test_the_server_is_away_for_a_while(
    own_cluster: Cluster, arrivals: Arrivals, server: Front, store: Store
) -> None:
    arrivals.all.clear()

    def look(progress: Progress) -> None:
        if progress.phase == "measuring" and progress.count and server.process is not None:
            server.kill()
        if progress.phase == "done":
            server.start()

    plan = Plan([arrivals.request], ConstantRate(200), 2, name="away")
    run = bl.run(plan, cluster=own_cluster.address, samples="direct", on_progress=look)
    check(store, own_cluster, run, arrivals)


@pytest.mark.timeout(300)
def test_the_server_is_gone_and_the_run_is_completed_later(
    own_cluster: Cluster,
    arrivals: Arrivals,
    server: Front,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrivals.all.clear()

    def look(progress: Progress) -> None:
        if progress.phase == "measuring" and progress.count and server.process is not None:
            server.kill()

    plan = Plan([arrivals.request], ConstantRate(200), 2, name="gone")
    with monkeypatch.context() as patch:
        patch.setenv("BENCHLAB_STORE_WAIT_S", "0")
        with pytest.raises(StoreUnavailableError, match="benchlab recover --cluster"):
            bl.run(plan, cluster=own_cluster.address, samples="direct", on_progress=look)
    (directory,) = spool.runs()
    with pytest.raises(RunError, match="recover --cluster"):
        spool.read_run(directory)
    server.start()
    alone = CliRunner().invoke(recover, [], standalone_mode=False)
    assert alone.return_value == 1
    assert f"--cluster {own_cluster.address}" in alone.output
    for _ in range(2):
        done = CliRunner().invoke(
            recover, ["--cluster", own_cluster.address], standalone_mode=False
        )
        assert (done.return_value, done.exception) == (0, None), done.output
    check(store, own_cluster, store.load(directory.name), arrivals)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "this",
    [
        Round("generator", host=1, samples="direct"),
        Round("dask worker", samples="direct"),
        Round("parent", samples="direct"),
    ],
    ids=lambda this: this.victim,
)
def test_nothing_is_lost_and_nothing_is_there_twice(
    own_cluster: Cluster, arrivals: Arrivals, store: Store, this: Round
) -> None:
    play(own_cluster, arrivals, this)
    found = store.query_df(
        "SELECT count() AS here, uniqExact(run_id, seq) AS different FROM samples"
    ).iloc[0]
    assert found["here"] == found["different"]


def test_what_cannot_go_straight_to_a_store_is_refused_before_the_start(
    own_cluster: Cluster, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, request = own_cluster.address, Request("GET", "http://127.0.0.1:1/")
    scenario = Scenario("http://127.0.0.1:1/", "shop", b"code")
    with pytest.raises(InputError, match=r"scenario shop.*samples=\"parent\""):
        bl.run(Plan(load=ClosedLoop(2), scenario=scenario), cluster=address, samples="direct")
    monkeypatch.setenv("BENCHLAB_DSN", "http://127.0.0.1:9/lab?connect_timeout=1")
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:9"):
        bl.run(Plan([request]), cluster=address, samples="direct")
    monkeypatch.setenv("BENCHLAB_DSN", f"chdb://{data_dir()}/store")
    with pytest.raises(InputError, match="embedded"):
        bl.run(Plan([request]), cluster=address, samples="direct")
    assert not list(spool.runs())
