"""Load on a cluster, what its hosts add by themselves, and what they have kept of runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchlab import ConstantRate, Plan, Request, Run, Store, spool
from benchlab.calibration.cluster import calibrate_here, stored_here
from benchlab.load.supervisor.environment import capture_environment
from benchlab.load.supervisor.floor_file import read_floor, write_floor
from benchlab.runs.floor import fingerprint
from benchlab.runs.health import ProblemKind, WorkerHealth
from benchlab.runs.host_record import HostRecord
from benchlab.samples.samples import SAMPLE_DTYPE
from benchlab.units import NS_PER_S
from tests.cli.in_process import Benchlab
from tests.cluster.local import LENIENT, Cluster, ForkServer, start_cluster
from tests.load.servers import always, ok, serving
from tests.runs.floors import make_floor

ID = "00112233445566ff"
STARTED_AT_NS = 1_795_460_064_000_000_000
WORKERS = 2
COUNT = 20
pytestmark = pytest.mark.usefixtures("patient")
PLAN = Plan(
    [Request("GET", "http://127.0.0.1:1/")],
    ConstantRate(COUNT),
    duration_s=1,
    warmup_s=0,
    workers=WORKERS,
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, forks: ForkServer) -> Iterator[Cluster]:
    """Two Dask workers that share a disk, as of one user on one machine."""
    directory = tmp_path_factory.mktemp("cluster")
    with start_cluster(directory, 1, forks=forks, patches=LENIENT) as running:
        host = running.start_host(1, disk=running.hosts[0].disk)
        host.address = host.hear()
        yield running


@pytest.fixture
def disk(cluster: Cluster) -> Path:
    """The disk of both hosts."""
    return cluster.hosts[0].disk


def floor_on(disk: Path, monkeypatch: pytest.MonkeyPatch, max_rate_rps: float) -> None:
    """Store a floor of this machine on ``disk``."""
    with monkeypatch.context() as patch:
        patch.setenv("BENCHLAB_DATA_DIR", str(disk))
        host = fingerprint(capture_environment())
        write_floor(make_floor(host=host, max_rate_rps=max_rate_rps))


def test_a_run_on_a_cluster(
    cluster: Cluster, disk: Path, benchlab_here: Benchlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = ("--duration", "0.2s", "--warmup", "0s", "--no-save", "--json", "-")
    with serving(always(ok())) as url:
        done = benchlab_here("run", url, "--rate", "50", "--cluster", cluster.address, *common)
        assert "2 hosts of the cluster are not calibrated" in done.stderr
        result = json.loads(done.stdout)
        assert result["count"] == 10
        assert [host["workers"] for host in result["hosts"]] == [[0], [1]]
        assert {host["address"] for host in result["hosts"]} == {
            host.address for host in cluster.hosts
        }
        assert not any(host["lost"] for host in result["hosts"])

        floor_on(disk, monkeypatch, max_rate_rps=20.0)
        monkeypatch.setenv("BENCHLAB_CLUSTER", cluster.address)
        done = benchlab_here("run", url, "--rate", "50", *common)
        assert (
            "warning: this plan needs about 4 workers: 50 requests/s at 20 per worker by"
            " calibration"
        ) in done.stderr
        here = benchlab_here("run", url, "--rate", "50", "--cluster", "", *common)
        assert json.loads(here.stdout)["hosts"] == []


def test_a_capacity_and_an_ab_take_the_cluster_and_refuse_what_cannot_be(
    benchlab_here: Benchlab,
) -> None:
    url = "http://127.0.0.1:1/"
    for command in (
        ["run", url],
        ["ab", url, url],
        ["capacity", url, "--slo", "p99<1s"],
    ):
        done = benchlab_here(*command, "--samples", "direct")
        assert done.returncode == 2
        assert "--samples='direct' is how the hosts of a cluster send samples" in done.stderr
        done = benchlab_here(*command, "--samples", "direct", "--no-save")
        assert "--samples='direct' saves the run while it is made" in done.stderr
    done = benchlab_here("run", url, "--no-save", "--cluster", "nonsense://x")
    assert done.returncode == 2
    assert "--cluster='nonsense://x'" in done.stderr
    for name in ("calibrate", "recover"):
        done = benchlab_here(name, "--cluster")
        assert done.returncode == 2
        assert "say which: --cluster tcp://scheduler:8786, or set BENCHLAB_CLUSTER" in done.stderr


def test_the_floors_of_hosts_are_shown_and_measured_once_on_a_disk(
    cluster: Cluster, disk: Path, benchlab_here: Benchlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    (disk / "calibration.json").unlink(missing_ok=True)
    done = benchlab_here("calibrate", "--cluster", cluster.address, "--show")
    assert done.returncode == 1
    assert done.stdout.count("not calibrated: run benchlab calibrate --cluster") == 2

    done = benchlab_here("calibrate", "--cluster", cluster.address, "--quick", "--json", "-")
    assert done.returncode == 0, done.stderr
    assert "2 of 2 hosts" in done.stderr
    one, other = json.loads(done.stdout)
    assert one["floor"] == other["floor"], "hosts with the same disk are measured once"
    assert one["address"] != other["address"]

    done = benchlab_here("calibrate", "--cluster", cluster.address, "--show")
    assert done.returncode == 0
    assert f"{one['floor']['max_rate_rps']:,.0f} requests/s" in done.stdout


def test_a_neighbours_floor_is_taken_only_if_it_applies_here(
    own_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor_on(own_data, monkeypatch, 1_000.0)
    floor = read_floor()
    assert floor is not None
    assert calibrate_here(True, (floor.measured_at.isoformat(),)) == floor.to_dict()
    assert stored_here()["problem"] == ""
    write_floor(make_floor(host={**floor.host, "cpu_count": 999}))
    assert "(cpu count 999, here " in stored_here()["problem"]
    assert stored_here()["problem"].endswith("): run benchlab calibrate --cluster")


def records_of(worker: int) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """All that a worker of the plan measures."""
    records = np.zeros(COUNT // WORKERS, dtype=SAMPLE_DTYPE)
    records["seq"] = np.arange(worker, COUNT, WORKERS)
    records["intended_ns"] = records["sent_ns"] = records["seq"] * NS_PER_S // COUNT
    records["first_byte_ns"] = records["done_ns"] = records["sent_ns"] + 5_000_000
    records["status"] = 200
    return records


def spool_of_parent(complete: tuple[int, ...]) -> Path:
    """A run's spool, with the files of the workers that are ``complete`` and half of the others."""
    with spool.create(ID, PLAN, {}) as directory:
        spool.write_start(directory, STARTED_AT_NS)
        hosts = []
        for worker in range(WORKERS):
            records = records_of(worker)
            lost = "" if worker in complete else "no response for 15 s"
            kind: ProblemKind = "lost" if lost else ""
            kept = records if not lost else records[: len(records) // 2]
            kept.tofile(spool.samples_path(directory, worker))
            health = WorkerHealth(worker, problem=lost and "was lost", problem_kind=kind)
            spool.write_health(directory, health)
            hosts.append(HostRecord(f"tcp://10.0.0.{worker}:1", f"h{worker}", (worker,), lost=lost))
        spool.write_hosts(directory, hosts)
        addresses = tuple(host.address for host in hosts)
        spool.write_cluster(directory, spool.ClusterFile("tcp://s:1", addresses, complete))
        spool.write_outcome(directory, None)
    return directory


def share_of(
    disk: Path, worker: int, monkeypatch: pytest.MonkeyPatch, *, started: bool = True
) -> Path:
    """What a host keeps on its disk of the run: all that its worker measured."""
    with monkeypatch.context() as patch:
        patch.setenv("BENCHLAB_DATA_DIR", str(disk))
        with spool.create(ID, PLAN, {}) as run:
            head = (run / spool.HEAD).read_bytes()
        spool.remove(run)
        share = spool.Share(ID, worker, (worker,), WORKERS)
        with spool.create_share(share, head, PLAN.to_dict()) as directory:
            spool.forget_plan(directory)
            if started:
                spool.write_start(directory, STARTED_AT_NS)
                records_of(worker).tofile(spool.samples_path(directory, worker))
                spool.write_health(directory, WorkerHealth(worker))
    return directory


def check_saved(run: Run) -> None:
    assert sorted(run.samples.column("seq").tolist()) == list(range(COUNT))
    assert run.samples.where(run.samples.column("seq") % 2 == 1).records.tobytes() == (
        records_of(1).tobytes()
    )


@pytest.mark.usefixtures("closed_store")
def test_what_a_lost_host_kept_completes_its_run(
    cluster: Cluster, disk: Path, benchlab_here: Benchlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, share = spool_of_parent(complete=(0,)), share_of(disk, 1, monkeypatch)
    store = Store()
    degraded = spool.read_run(directory)
    assert degraded.verdict == "degraded"
    store.save(degraded)
    assert directory.is_dir(), "a host has more of it"
    assert store.load(ID).verdict == "degraded"

    done = benchlab_here("recover")
    assert done.returncode == 1
    assert "without what 1 of 2 workers on h1 measured: fetch that with" in done.stderr
    assert "benchlab recover --cluster tcp://s:1" in done.stderr
    listed = benchlab_here("recover", "--cluster", cluster.address, "--list")
    assert listed.returncode == 0
    assert f"{ID}: host " in listed.stdout
    assert "of worker 1 (of 2)" in listed.stdout
    assert share.is_dir()

    done = benchlab_here("recover", "--cluster", cluster.address)
    assert done.returncode == 0, done.stderr
    run = store.load(ID)
    check_saved(run)
    assert [host.lost for host in run.hosts] == ["", ""]
    assert run.health.workers[1].problem == ""
    assert run.verdict != "degraded"
    assert store.runs()["run_id"].tolist() == [ID]
    assert not directory.exists()
    assert not share.exists()
    assert "nothing to recover" in benchlab_here("recover", "--cluster", cluster.address).stderr


@pytest.mark.usefixtures("closed_store")
def test_a_run_whose_parent_lost_its_disk_is_made_of_the_shares(
    cluster: Cluster, disk: Path, benchlab_here: Benchlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = [share_of(disk, 0, monkeypatch)]
    done = benchlab_here("recover", "--cluster", cluster.address)
    assert done.returncode == 1
    assert "without what 1 of 2 workers measured" in done.stderr
    assert not Store().has(ID)

    shares.append(share_of(disk, 1, monkeypatch))
    assert benchlab_here("recover", "--cluster", cluster.address).returncode == 0
    run = Store().load(ID)
    check_saved(run)
    assert [host.workers for host in run.hosts] == [(0,), (1,)]
    assert not any(share.exists() for share in shares)


@pytest.mark.usefixtures("closed_store")
def test_a_run_is_saved_as_it_is_if_that_is_asked_for(benchlab_here: Benchlab) -> None:
    directory = spool_of_parent(complete=(0,))
    done = benchlab_here("recover", "--partial")
    assert done.returncode == 0
    assert "without what 1 of 2 workers on h1 measured, saved" in done.stderr
    assert not directory.exists()
    run = Store().load(ID)
    assert (run.verdict, len(run.samples)) == ("degraded", COUNT * 3 // 4)


@pytest.mark.usefixtures("closed_store")
def test_shares_of_runs_that_are_whole_or_never_began_are_deleted(
    cluster: Cluster, disk: Path, benchlab_here: Benchlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = share_of(disk, 1, monkeypatch, started=False)
    done = benchlab_here("recover", "--cluster", cluster.address)
    assert done.returncode == 0
    assert f"{ID}: deleted on 1 host, where nothing was measured" in done.stderr
    assert not share.exists()

    Store().save(spool.read_run(spool_of_parent(complete=(0, 1))))
    assert not list(spool.runs())
    share = share_of(disk, 1, monkeypatch)
    done = benchlab_here("recover", "--cluster", cluster.address)
    assert done.returncode == 0, done.stderr
    assert "was saved with all of that, which is deleted" in done.stderr
    assert not share.exists()
    check_saved(Store().load(ID))


@pytest.mark.usefixtures("closed_store")
def test_a_share_of_a_run_that_another_machine_saved_without_it_stays(
    cluster: Cluster, disk: Path, benchlab_here: Benchlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = spool_of_parent(complete=(0,))
    Store().save(replace(spool.read_run(directory), spool=None))
    spool.remove(directory)
    share = share_of(disk, 1, monkeypatch)
    done = benchlab_here("recover", "--cluster", cluster.address)
    assert done.returncode == 1
    assert "it was saved without that" in done.stderr
    assert share.exists()
    done = benchlab_here("recover", "--cluster", cluster.address, "--discard")
    assert done.returncode == 0
    assert not share.exists()


def test_one_thing_at_a_time(benchlab_here: Benchlab) -> None:
    done = benchlab_here("recover", "--partial", "--list")
    assert done.returncode == 2
    assert "--list, --discard and --partial exclude each other" in done.stderr
