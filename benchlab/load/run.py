"""Carry out a plan: the functions for scripts and notebooks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from benchlab import spool
from benchlab.errors import InputError
from benchlab.ipython import running_shell
from benchlab.load.cluster.asked import Cluster, SamplesTo
from benchlab.load.open_files import check_open_files
from benchlab.load.supervisor.environment import capture_environment
from benchlab.load.supervisor.floor_file import attach_floor
from benchlab.load.supervisor.preflight import check_credentials, check_reachable
from benchlab.load.supervisor.progress import OnProgress
from benchlab.load.supervisor.reflection import with_descriptors
from benchlab.load.supervisor.stop_signal import StopSignal, stop_on_signal
from benchlab.load.supervisor.supervise import supervise
from benchlab.load.supervisor.worker_process import StartedWorkers, WorkerHandle, started_workers
from benchlab.plan.plan import Plan
from benchlab.runs.cluster import ClusterSize, machines_of, size_of, with_machines
from benchlab.runs.experiment import with_tags_of_experiment
from benchlab.runs.head import new_run_id
from benchlab.runs.run import Run

if TYPE_CHECKING:
    import asyncio

__all__ = [
    "OnSize",
    "carry_out",
    "check_plan",
    "in_kernel",
    "recorded",
    "run",
    "run_async",
    "run_until",
    "until_stopped",
    "workers_for",
]

T = TypeVar("T")
P = TypeVar("P")

Report = Callable[[P], None] | None

OnSize = Callable[[ClusterSize], None]
"""Called with what is known of the size of a cluster before it makes load."""


def run(
    plan: Plan,
    *,
    on_progress: OnProgress | None = None,
    cluster: Cluster | None = None,
    samples: SamplesTo = "parent",
) -> Run:
    """Carry out ``plan`` and return the run; works in a script and in a notebook cell.

    Worker processes generate the load. Ctrl-C, or interrupting the kernel, ends the run early: once
    lets open requests finish, twice ends it at once. Then the run holds what was measured, and its
    verdict is ``interrupted``. SIGTERM and SIGHUP do the same and end the process afterwards, as
    they would have without a run. The samples stay in the spool until they are stored, so a crash
    after this call loses nothing (``benchlab recover``).

    A notebook cell is busy until the run ends; a service inside the kernel's own event loop can
    only respond during ``await bl.run_async(plan)``. In other asynchronous code the event loop
    keeps running meanwhile (by nest_asyncio).

    With ``cluster``, the address of a Dask scheduler or a ``distributed.Client``, the workers are
    on its Dask workers, and send the same requests: as many as the plan has, dealt round robin, or
    one on each if it has one. ``samples`` come back to this process (``"parent"``), or go from each
    host straight to the store (``"direct"``). A host that is lost leaves the run without its share,
    and with the verdict ``degraded``. See docs/cluster.md.

    Raises:
        InputError: the plan cannot be carried out, or the cluster cannot be used.
        TargetError: the service cannot be reached. No load was made.
        WorkerError: a worker process could not be started.
    """
    stop = StopSignal()
    finished = run_until(
        plan, stop, on_progress, cluster=cluster, samples=samples, on_size=_warn_of_size
    )
    stop.pass_on()
    return finished


async def run_async(
    plan: Plan,
    *,
    on_progress: OnProgress | None = None,
    cluster: Cluster | None = None,
    samples: SamplesTo = "parent",
) -> Run:
    """`run` for asynchronous code: ``run = await bl.run_async(plan)``.

    Cancelling ends the run early and returns what was measured, with the verdict
    ``interrupted``. ``on_progress`` is called in the event loop's thread.
    """
    stop = StopSignal()

    def work(report: OnProgress | None) -> Run:
        return _carry_out(plan, stop, report, cluster, samples, _warn_of_size)

    finished = await _in_thread(work, stop, on_progress)
    stop.pass_on()
    return finished


def run_until(
    plan: Plan,
    stop: StopSignal,
    on_progress: OnProgress | None = None,
    *,
    cluster: Cluster | None = None,
    samples: SamplesTo = "parent",
    on_size: OnSize | None = None,
) -> Run:
    """`run`, for a caller who decides what follows when a signal has requested ``stop``.

    ``on_size`` is called before the load with what is known of the size of a ``cluster``.
    """

    def work(report: OnProgress | None) -> Run:
        return _carry_out(plan, stop, report, cluster, samples, on_size)

    return until_stopped(work, stop, on_progress)


def until_stopped(
    work: Callable[[Report[P]], T], stop: StopSignal, on_progress: Report[P] = None
) -> T:
    """Call ``work``, which ends when ``stop`` is requested, while signals request it.

    ``work`` is passed what it reports its progress to. It is called in this thread, and inside a
    running event loop in another, so that the loop keeps running.
    """
    loop = _running_loop()
    if loop is None or in_kernel():
        with _stopping_on_signals(stop):
            return work(on_progress)
    import nest_asyncio

    try:
        nest_asyncio.apply(loop)
    except ValueError as exc:
        raise InputError(
            f"bl.run cannot wait inside a {type(loop).__name__}: use await bl.run_async(plan)"
        ) from exc
    return loop.run_until_complete(_in_thread(work, stop, on_progress))


async def _in_thread(work: Callable[[Report[P]], T], stop: StopSignal, on_progress: Report[P]) -> T:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    loop = asyncio.get_running_loop()

    def forward(progress: P) -> None:
        if on_progress is not None:
            loop.call_soon_threadsafe(on_progress, progress)

    with _stopping_on_signals(stop), ThreadPoolExecutor(1, "benchlab") as thread:
        doing = loop.run_in_executor(thread, work, forward)
        while True:
            try:
                return await asyncio.shield(doing)
            except asyncio.CancelledError:
                if doing.done():
                    raise
                stop.request()


@contextmanager
def _stopping_on_signals(stop: StopSignal) -> Iterator[None]:
    """`stop_on_signal`; a run that a signal stopped before its start passes the signal on."""
    try:
        with stop_on_signal(stop):
            yield
    except KeyboardInterrupt:
        stop.pass_on()
        raise


def _running_loop() -> asyncio.AbstractEventLoop | None:
    if "asyncio" not in sys.modules:  # importing it costs half as much as numpy
        return None
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def in_kernel() -> bool:
    """Whether this is a notebook's kernel.

    Its event loop must not run inside a cell: ipykernel 7 would process the next cells' messages,
    fail on them (their context is entered already) and never respond again.
    """
    return getattr(running_shell(), "kernel", None) is not None


def check_plan(plan: Plan, *, here: bool = True) -> None:
    """Refuse what cannot be carried out, before any process is started.

    What this machine allows is checked only if workers will be ``here``.

    Raises:
        InputError: it is not a plan, or only describes requests that another tool sent; or a
            credential, code or rows are missing; or it needs more open files than there may be.
    """
    if not isinstance(plan, Plan):
        raise InputError(f"{plan!r} is not a plan: make one, such as bl.Plan(requests=[request])")
    if plan.load.is_imported:
        raise InputError(
            f"this plan describes requests that {plan.load.source} sent, but not their load: give"
            " it a load to run it, such as plan.replace(load=ClosedLoop())"
        )
    check_credentials(plan)
    if here:
        check_open_files(plan)


def _carry_out(
    plan: Plan,
    stop: StopSignal,
    on_progress: OnProgress | None,
    cluster: Cluster | None,
    samples: SamplesTo,
    on_size: OnSize | None,
) -> Run:
    check_plan(plan, here=not cluster)
    with workers_for(plan, stop, cluster, samples) as started:
        if started.machines and on_size is not None:
            on_size(size_of(started.plan, machines_of(with_machines({}, started.machines))))
        return carry_out(
            started.plan,
            started.workers,
            stop,
            on_progress,
            started.machines,
            started.collect,
        )


def _warn_of_size(size: ClusterSize) -> None:
    """Warn of a cluster that is known to be too small, where no one else can show that."""
    if size.problem:
        import warnings

        warnings.warn(size.problem, stacklevel=2)


@contextmanager
def workers_for(
    plan: Plan, stop: StopSignal, cluster: Cluster | None, samples: SamplesTo
) -> Iterator[StartedWorkers]:
    """Start workers for ``plan``, here or on a ``cluster``; end all on leaving the block.

    Raises:
        InputError: the cluster cannot be used, or the plan not on it.
        TargetError: a host of the cluster cannot reach a service. No load was made.
        WorkerError: a worker process could not be started.
        KeyboardInterrupt: ``stop`` was requested first.
    """
    if cluster:
        from benchlab.load.cluster.workers import cluster_workers

        with cluster_workers(plan, cluster, samples, stop=stop) as started:
            yield started
    elif samples != "parent":
        raise InputError(
            "is for a cluster, and there is none",
            field="samples",
            value=samples,
            remedy="give the cluster too, or leave it out",
        )
    else:
        with started_workers(plan.workers) as workers:  # they import their modules meanwhile
            yield StartedWorkers(plan, workers)


def carry_out(
    plan: Plan,
    workers: Sequence[WorkerHandle],
    stop: StopSignal,
    on_progress: OnProgress | None = None,
    machines: Sequence[Mapping[str, Any]] = (),
    collect: Callable[[Path, Plan], Run] = spool.read_run,
) -> Run:
    """Carry out ``plan``, which was checked, with ``workers`` that were started for it.

    ``machines`` are as in `recorded`: their hosts were asked whether they reach the services.
    ``collect`` is that of `StartedWorkers`.

    Raises:
        TargetError: the service cannot be reached. No load was made.
        WorkerError: a worker did not become ready.
        KeyboardInterrupt: ``stop`` was requested before the load started.
    """
    if not machines:
        check_reachable(plan)
        plan = with_descriptors(plan)
    plan = plan.replace(tags=with_tags_of_experiment(dict(plan.tags)))
    with recorded(plan, new_run_id(), workers, stop, on_progress, machines=machines) as directory:
        return collect(directory, plan)


@contextmanager
def recorded(
    plan: Plan,
    run_id: str,
    workers: Sequence[WorkerHandle],
    stop: StopSignal,
    on_progress: OnProgress | None = None,
    on_start: Callable[[Path], None] | None = None,
    *,
    machines: Sequence[Mapping[str, Any]] = (),
) -> Iterator[Path]:
    """Carry out ``plan``, whose services are reachable; then yield the run's spool directory.

    It belongs to this process until the block ends. ``on_start`` is called with it as soon as load
    is made. ``machines`` are the environments of the hosts of a cluster, if the workers are there.

    Raises:
        RunError: the spool cannot be written.
        WorkerError: a worker did not become ready.
        KeyboardInterrupt: ``stop`` was requested before the load started.
    """
    environment = capture_environment()
    environment["calibration"] = attach_floor(environment)
    if machines:
        environment = with_machines(environment, machines)
    with spool.create(run_id, plan, environment) as directory:
        try:
            supervise(plan, directory, workers, stop, on_progress, on_start)
        except BaseException:
            if not spool.was_started(directory):  # nothing was measured
                spool.remove(directory)
            raise
        yield directory
