"""Hosts far away: on networks of their own, with clocks of their own, behind links that break.

The service's own record of what arrived decides: it has one clock.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from benchlab import ConstantRate, Plan, Store, run
from benchlab.load.supervisor.progress import Progress
from benchlab.units import NS_PER_S
from tests.cluster.arrivals import Arrivals, arriving, bounds_of_start
from tests.cluster.chaos import recover_all, restore
from tests.cluster.local import Cluster, ForkServer
from tests.cluster.networks import Link, far_cluster, need_namespaces

CLOCKS_S = (0, 3600, -1)
DELAYS_S = ((0.0, 0.0), (0.02, 0.02), (0.04, 0.0))
"""There and back: the last link's offset cannot be measured well, and that must be known."""

RATE_RPS = 60.0


@pytest.fixture(scope="module")
def far(
    tmp_path_factory: pytest.TempPathFactory, forks: ForkServer
) -> Iterator[tuple[Cluster, list[Link]]]:
    need_namespaces()
    directory = tmp_path_factory.mktemp("far")
    with far_cluster(forks, directory, DELAYS_S, CLOCKS_S) as running:
        yield running


@pytest.fixture
def arrivals(far: tuple[Cluster, list[Link]]) -> Iterator[Arrivals]:
    _, links = far
    with arriving(links[0].outer) as running:
        yield running


def test_hosts_whose_clocks_differ_make_one_timeline(
    far: tuple[Cluster, list[Link]], arrivals: Arrivals
) -> None:
    cluster, links = far
    plan = Plan([arrivals.request], ConstantRate(RATE_RPS), duration_s=2, timeout_s=60)
    result = run(plan, cluster=cluster.address)

    samples = result.samples
    seqs = samples.column("seq")
    assert seqs.tolist() == list(range(120)), "each request of the plan is there once"
    assert arrivals.seqs == set(seqs.tolist())
    assert not arrivals.repeated
    intended = np.rint(seqs * (NS_PER_S / RATE_RPS)).astype(np.int64)
    assert np.abs(samples.column("intended_ns") - intended).max() <= 1, "as on one machine"
    assert samples.lag_ns.min() >= 0

    peers = {arrival.seq: arrival.peer for arrival in arrivals.all}
    bounds = []
    for host in result.hosts:
        link = next(link for link in links if link.inner in host.address)
        number = links.index(link)
        assert host.name == f"host-{number}"
        away_ns = CLOCKS_S[number] * NS_PER_S
        assert abs(host.clock_offset_ns - away_ns) <= host.clock_error_ns, "within its error"
        assert 2 * host.clock_error_ns >= sum(DELAYS_S[number]) * NS_PER_S, "and no better known"
        assert 2 * host.clock_error_ns < NS_PER_S, "the shortest of many round trips counts"
        assert host.clock_drift_ns is not None
        assert abs(host.clock_drift_ns) < NS_PER_S, "the clocks run alike"
        own = np.array([peers[seq] == link.inner for seq in seqs.tolist()])
        assert own.sum() == 40, "its share"
        earliest_ns, latest_ns = bounds_of_start(arrivals, samples.where(own))
        bounds.append((earliest_ns - host.clock_error_ns, latest_ns + host.clock_error_ns))
    assert max(earliest for earliest, _ in bounds) <= min(latest for _, latest in bounds), (
        "there is a start of the run that fits what all hosts say"
    )


def test_a_link_that_is_cut_and_healed_loses_nothing(
    far: tuple[Cluster, list[Link]], arrivals: Arrivals
) -> None:
    cluster, links = far

    def break_and_mend(progress: Progress) -> None:
        if progress.elapsed_s >= 1.5:
            links[1].heal()
        elif progress.elapsed_s >= 0.5:
            links[1].cut()

    plan = Plan([arrivals.request], ConstantRate(RATE_RPS), duration_s=3, timeout_s=60)
    result = run(plan, cluster=cluster.address, on_progress=break_and_mend)
    links[1].heal()
    if not any(host.lost for host in result.hosts):
        assert result.samples.column("seq").tolist() == list(range(180))
    else:  # this machine was so busy that the link was cut for longer than a lease
        cluster.await_free_shares()
        restore(cluster)
        recover_all(cluster)
        result = Store().load(result.id)
    seqs = result.samples.column("seq").tolist()
    assert len(set(seqs)) == len(seqs)
    assert arrivals.seqs <= set(seqs)
    assert not arrivals.repeated


@pytest.mark.timeout(300)
def test_a_host_that_is_cut_off_ends_its_load_and_keeps_what_it_measured(
    far: tuple[Cluster, list[Link]], arrivals: Arrivals
) -> None:
    cluster, links = far
    address = next(host.address for host in cluster.hosts if links[2].inner in host.address)

    def cut_off(progress: Progress) -> None:
        if progress.elapsed_s >= 0.5:
            links[2].cut()

    plan = Plan([arrivals.request], ConstantRate(RATE_RPS), duration_s=12, timeout_s=60)
    result = run(plan, cluster=cluster.address, on_progress=cut_off)
    assert result.verdict == "degraded", result.verdict_reason
    assert "33 % of the load" in str(result.invalid_reason)
    assert [host.address for host in result.hosts if host.lost] == [address]
    cluster.await_quiet()  # although nobody can tell it
    links[2].heal()
    cluster.await_free_shares()
    restore(cluster)  # a Dask worker that its scheduler is cut off from may end
    recover_all(cluster)

    again = Store().load(result.id)
    seqs = again.samples.column("seq")
    assert len(np.unique(seqs)) == len(seqs)
    assert arrivals.seqs <= set(seqs.tolist())
    assert not arrivals.repeated
    assert len(seqs) > len(result.samples), "it had gone on for a while"
    (lost,) = (host.workers for host in again.hosts if host.address == address)
    for worker in set(range(3)) - set(lost):
        assert np.count_nonzero(seqs % 3 == worker) == 240, "others are whole"
    assert again.verdict == "degraded", again.verdict_reason
    assert "33 % of the load" in str(again.invalid_reason)
