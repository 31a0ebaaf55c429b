"""Start a run that outlives whoever began it."""

from __future__ import annotations

from benchlab.load.cluster.asked import SamplesTo
from benchlab.load.detached.start import start_detached
from benchlab.plan.plan import Plan
from benchlab.watch.live_run import LiveRun

__all__ = ["start"]


def start(plan: Plan, *, cluster: str = "", samples: SamplesTo = "parent") -> LiveRun:
    """Start the run of ``plan`` in a process of its own, and return while it goes on.

    It outlives this process: a kernel that is restarted or dies, and a terminal that is closed,
    leave it going to its end. `benchlab.live` finds it again, and ``benchlab recover`` saves it if
    nobody else does. The process has this one's working directory and environment.

    ``cluster`` is the address of a Dask scheduler, whose Dask workers make the load, and
    ``samples`` is as for `benchlab.run`. A ``distributed.Client`` ends with this process, so it
    cannot be given.

    Raises:
        InputError: the plan cannot be carried out on this machine.
        TargetError: the service cannot be reached. No load was made.
        WorkerError: a worker process could not be started.
        RunError: the spool cannot be written, or the process could not be started.
    """
    return LiveRun(*start_detached(plan, cluster, samples))
