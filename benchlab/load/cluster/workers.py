"""The workers of a plan on a cluster, from connecting to the last byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import get_args

from benchlab.errors import InputError
from benchlab.load.cluster.agent import machine_identity
from benchlab.load.cluster.asked import Cluster, SamplesTo
from benchlab.load.cluster.connect import connected
from benchlab.load.cluster.delivery import usual_sink
from benchlab.load.cluster.direct import check_direct
from benchlab.load.cluster.plan_files import files_of
from benchlab.load.cluster.team import Team
from benchlab.load.cluster.timing import USUAL_PATIENCE, Patience
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.load.supervisor.worker_process import StartedWorkers
from benchlab.plan.plan import Plan
from benchlab.plan.validation import check_choice
from benchlab.text import plural

__all__ = ["cluster_workers", "dealt", "workers_for"]


@contextmanager
def cluster_workers(
    plan: Plan,
    cluster: Cluster,
    samples: SamplesTo = "parent",
    *,
    stop: StopSignal | None = None,
    patience: Patience | None = None,
) -> Iterator[StartedWorkers]:
    """Start workers for ``plan`` on the Dask workers of ``cluster``; end all on leaving the block.

    The plan that it yields has the real number of workers and what its gRPC services say of
    themselves; every host reaches its services.

    Raises:
        InputError: the cluster cannot be used (field ``cluster``), or the plan not on it.
        TargetError: a host cannot reach a service. No load was made.
        WorkerError: a worker process could not be started.
        StoreError: the samples are to go to a store that cannot be used, here or from a host.
        MissingPackageError: the extra ``cluster`` is not installed.
        KeyboardInterrupt: ``stop`` was requested first.
    """
    check_choice("samples", samples, get_args(SamplesTo))
    sink = None
    if samples == "direct":
        check_direct(plan)
        sink = usual_sink()
        sink.check()
    files = files_of(plan)
    with connected(cluster, stop) as connection:
        plan = plan.replace(workers=workers_for(plan, len(connection.dask_workers)))
        shares = dealt(plan.workers, len(connection.dask_workers))
        team = Team(connection, shares, patience or USUAL_PATIENCE, sink)
        try:
            team.open()
            facts = [link.facts for link in team.links if link.facts is not None]
            _check_faults(plan, [each.identity for each in facts])
            plan = team.check(plan, files)
            yield StartedWorkers(
                plan,
                team.workers,
                [each.environment for each in facts],
                lambda directory, plan: team.collect(directory, plan, stop),
            )
        finally:
            team.end(was_started=False)
            team.dispose()


def workers_for(plan: Plan, hosts: int) -> int:
    """How many workers ``plan`` has on a cluster of so many hosts.

    It has as many as it says; if that is one, the default, one on each host that gets a connection.
    """
    if plan.workers > 1:
        return plan.workers
    return min(hosts, plan.load.connection_limit(plan.max_connections))


def dealt(workers: int, hosts: int) -> list[tuple[int, ...]]:
    """The numbers of the workers of each host, dealt round robin; hosts without any are left out.

    >>> dealt(5, 2)
    [(0, 2, 4), (1, 3)]
    """
    return [tuple(range(host, workers, hosts)) for host in range(min(workers, hosts))]


def _check_faults(plan: Plan, identities: Sequence[str]) -> None:
    """Refuse faults that are made where the parent is, if requests are sent from elsewhere.

    Raises:
        InputError: there are such faults.
    """
    here = [fault for fault in plan.faults if fault.where in ("proxy", "process")]
    elsewhere = [identity for identity in identities if identity != machine_identity()]
    if here and elsewhere:
        raise InputError(
            f"is made on this machine, and {plural(len(elsewhere), 'host')} of the"
            " cluster are others, whose requests it would not affect",
            field="faults",
            value=str(here[0]),
            remedy="use faults of the target itself, or run it without a cluster",
        )
