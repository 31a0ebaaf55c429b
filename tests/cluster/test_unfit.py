"""Clusters that a run cannot use, or not all of: what is not there, too old, full, or too late."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchlab import ClosedLoop, ConstantRate, Plan, run, spool
from benchlab.errors import InputError, RunError
from benchlab.load.supervisor.progress import Progress
from benchlab.version import __version__
from tests.cluster.arrivals import Arrivals, arriving
from tests.cluster.local import LENIENT, Cluster, ForkServer, Host, start_cluster
from tests.disks import fill, mounted_disk

pytestmark = pytest.mark.usefixtures("patient")


@pytest.fixture(scope="module")
def unfit(tmp_path_factory: pytest.TempPathFactory, forks: ForkServer) -> Iterator[Cluster]:
    """A scheduler without any Dask worker; tests start their own, and end them."""
    directory = tmp_path_factory.mktemp("unfit")
    with start_cluster(directory, 0, forks=forks, patches=LENIENT) as running:
        yield running


@pytest.fixture
def empty(unfit: Cluster) -> Iterator[Cluster]:
    yield unfit
    for host in unfit.hosts:
        host.kill()
    unfit.hosts.clear()


@pytest.fixture
def arrivals() -> Iterator[Arrivals]:
    with arriving() as running:
        yield running


def refused(arrivals: Arrivals, address: str) -> InputError:
    """How a run by the cluster at ``address`` is refused, before any load is made."""
    with pytest.raises(InputError) as raised:
        run(Plan(arrivals.request, ConstantRate(50), duration_s=1), cluster=address)
    assert raised.value.field == "cluster"
    assert not arrivals.all
    assert not list(spool.runs())
    return raised.value


def test_nobody_listens(arrivals: Arrivals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert refused(arrivals, f"tcp://127.0.0.1:{port}").value == f"tcp://127.0.0.1:{port}"


def test_a_scheduler_without_dask_workers(empty: Cluster, arrivals: Arrivals) -> None:
    assert refused(arrivals, empty.address).value == empty.address


def test_a_dask_worker_that_hangs_is_not_a_scheduler_that_is_gone(
    empty: Cluster, arrivals: Arrivals
) -> None:
    (host,) = empty.start_hosts([0])
    host.send(signal.SIGSTOP)
    assert "has Dask workers that do not respond" in refused(arrivals, empty.address).problem


def test_another_version_is_refused_and_both_are_named(empty: Cluster, arrivals: Arrivals) -> None:
    empty.start_hosts([0])
    (other,) = empty.start_hosts([1], patches={"benchlab:__version__": "0.0.9"})
    message = str(refused(arrivals, empty.address))
    python = ".".join(map(str, sys.version_info[:2]))
    for named in (other.address, "benchlab 0.0.9", f"benchlab {__version__}", f"Python {python}"):
        assert named in message


def test_a_dask_worker_that_joins_late_has_no_part(empty: Cluster, arrivals: Arrivals) -> None:
    empty.start_hosts([0, 1])
    late: list[Host] = []

    def join(_progress: Progress) -> None:
        if not late:
            late.extend(empty.start_hosts([2]))

    plan = Plan(arrivals.request, ConstantRate(50), duration_s=2, timeout_s=60)
    result = run(plan, cluster=empty.address, on_progress=join)
    assert result.plan.workers == 2
    assert {host.address for host in result.hosts} == {host.address for host in empty.hosts[:2]}
    assert result.samples.column("seq").tolist() == list(range(100))
    assert arrivals.seqs == set(range(100))
    assert not arrivals.repeated
    assert not late[0].shares


def test_a_host_whose_disk_fills_up_ends_the_run_with_all_samples(
    empty: Cluster, arrivals: Arrivals, tmp_path: Path
) -> None:
    arrivals.pause_s = 0.002  # a disk is full before millions of records come
    place = tmp_path / "disk"
    with mounted_disk(place):
        try:
            empty.start_hosts([0])
            (full,) = empty.start_hosts([1], disk=place / "data")

            def fill_soon(progress: Progress) -> None:
                if progress.count > 100 and not (place / "filler").exists():
                    fill(place)

            plan = Plan(arrivals.request, ClosedLoop(8), duration_s=60, timeout_s=60)
            result = run(plan, cluster=empty.address, on_progress=fill_soon)
        finally:
            for host in empty.hosts:  # nobody can unmount what is in use
                host.kill()
    assert result.verdict == "invalid", result.verdict_reason
    (worker,) = next(host.workers for host in result.hosts if host.address == full.address)
    problems = {health.worker: health.problem_kind for health in result.health.workers}
    assert problems == {worker: "disk_full", 1 - worker: ""}
    seqs = result.samples.column("seq").tolist()
    assert len(set(seqs)) == len(seqs)
    assert arrivals.seqs <= set(seqs)


def test_a_host_without_room_is_refused(empty: Cluster, arrivals: Arrivals, tmp_path: Path) -> None:
    place = tmp_path / "disk"
    with mounted_disk(place, size_mb=4):
        try:
            (full,) = empty.start_hosts([0], disk=place / "data")
            with pytest.raises(RunError, match="make room") as raised:
                run(Plan(arrivals.request, ConstantRate(50), duration_s=1), cluster=empty.address)
        finally:
            full.kill()
    assert str(raised.value).startswith(f"on the host {socket.gethostname()}: the disk of ")
    assert not arrivals.all
