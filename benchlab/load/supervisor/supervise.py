"""Carry out a plan with workers: start them together, watch the run, stop it."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from benchlab import spool
from benchlab.load.supervisor.abort import AbortWatch
from benchlab.load.supervisor.fault_process import (
    FaultProcess,
    connecting_by,
    start_fault_process,
)
from benchlab.load.supervisor.measurements import NewMeasurements
from benchlab.load.supervisor.progress import OnProgress, ProgressReader
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.load.supervisor.worker_process import WorkerHandle
from benchlab.plan.plan import Plan
from benchlab.processes.events import Event
from benchlab.units import seconds_to_ns

__all__ = ["supervise"]

_POLL_EVERY_S = 0.2
_GRACE_S = 5.0


def supervise(
    plan: Plan,
    directory: Path,
    workers: Sequence[WorkerHandle],
    stop: StopSignal,
    on_progress: OnProgress | None = None,
    on_start: Callable[[Path], None] | None = None,
) -> None:
    """Carry out ``plan`` into the spool ``directory``; returns when every worker has ended.

    The faults of the plan are made by a process of their own, which is started first: it says where
    connections have to go.

    ``on_start`` is called with the directory when all workers have been started together. The run
    ends early when ``stop`` is requested, or when anybody does so through the spool.

    Raises:
        InputError: a worker cannot send a request of the plan.
        FaultError: a fault of the plan cannot be made.
        TargetError: the service's name cannot be resolved.
        WorkerError: a worker did not become ready. Later failures are in its health instead.
    """
    start_ns = 0
    faults = start_fault_process(plan)
    try:
        if faults is not None:
            faults.assign(directory)
            resolve = faults.await_ready(stop).resolve
            spool.write_plan(directory, connecting_by(plan, resolve))
        for worker in workers:
            worker.assign(directory)
        for worker in workers:
            worker.await_ready(stop)
        spool.forget_plan(directory)
        start_ns = time.monotonic_ns() + max(worker.lead_ns for worker in workers)
        spool.write_start(directory, time.time_ns() + start_ns - time.monotonic_ns())
        for worker in workers:
            worker.tell(f"start {start_ns}")
        if faults is not None:
            faults.start(start_ns)
        if on_start is not None:
            on_start(directory)
        outcome = _watch(plan, directory, workers, faults, start_ns, stop, on_progress)
        with suppress(OSError):  # a full disk: the samples show how far the run came
            spool.write_outcome(directory, *outcome)
    finally:
        for worker in workers:
            worker.end(start_ns, plan.warmup_ns)
        if faults is not None:
            faults.end()


def _watch(
    plan: Plan,
    directory: Path,
    workers: Sequence[WorkerHandle],
    faults: FaultProcess | None,
    start_ns: int,
    stop: StopSignal,
    on_progress: OnProgress | None,
) -> tuple[int | None, str]:
    """When the run was stopped, if early, and why, if by its plan: ``abort_on``, or a fault."""
    monitor = _RunMonitor(plan, directory, stop, on_progress)
    limit_s = plan.drain_s + plan.timeout_s + _GRACE_S
    limit_ns = start_ns + plan.end_ns + seconds_to_ns(limit_s)
    stopped_ns: int | None = None
    level_sent = 0
    with selectors.DefaultSelector() as selector:
        for process in _processes(workers, faults):
            selector.register(process, selectors.EVENT_READ, process)
        working = set(map(id, workers))
        while working:
            for key, _ in selector.select(_POLL_EVERY_S):
                events = key.data.events()
                if events is None:
                    selector.unregister(key.fileobj)
                    working.discard(id(key.data))
                reason = _reason_to_stop(events)
                if reason is not None and not stop.level:
                    stop.request(reason=reason)  # so that the other workers stop too
            now_ns = time.monotonic_ns()
            monitor.poll(now_ns - start_ns, phase="stopping" if level_sent else "")
            stop.reach(spool.requested_stop(directory))
            stop.abort_when_due()
            while level_sent < min(stop.level, 2):
                level_sent += 1
                if stopped_ns is None:
                    stopped_ns = max(0, now_ns - start_ns)
                for worker in workers:
                    worker.tell("stop" if level_sent == 1 else "quit")
                if faults is not None:
                    faults.tell("stop")  # and it stays: connections may go through its proxies
            if now_ns > limit_ns:
                break  # a worker hangs: end() kills it, and its missing health shows that
    monitor.poll(time.monotonic_ns() - start_ns, phase="done")
    if stopped_ns is not None and stopped_ns >= plan.end_ns:
        return None, ""  # requested while draining: the measured window is complete
    return stopped_ns, monitor.stop_reason or stop.reason


def _processes(
    workers: Sequence[WorkerHandle], faults: FaultProcess | None
) -> list[WorkerHandle | FaultProcess]:
    return [*workers] if faults is None else [*workers, faults]


def _reason_to_stop(events: Sequence[Event] | None) -> str | None:
    """The reason of a process that ends the run, empty if it gives none; None: it goes on."""
    return next((event.reason for event in events or () if event.name == "stopping"), None)


class _RunMonitor:
    """Reads the samples during the run, for ``on_progress`` and the plan's ``abort_on``."""

    def __init__(
        self, plan: Plan, directory: Path, stop: StopSignal, on_progress: OnProgress | None
    ) -> None:
        self._new = NewMeasurements(directory, plan)
        self._watch = AbortWatch(plan, merged=self._new.merged, late_ns=self._new.late_ns)
        self._reader = None if on_progress is None else ProgressReader(directory, plan)
        self._stop = stop
        self._on_progress = on_progress
        self._idle = on_progress is None and not plan.abort_on
        self.stop_reason = ""

    def poll(self, run_ns: int, phase: str) -> None:
        """Read the run's state at ``run_ns``; request a stop if a condition holds."""
        if self._idle:
            return
        for part in self._new:
            self._watch.take(part)
            if self._reader is not None:
                self._reader.take(part)
        if not phase and (reason := self._watch.fired(run_ns)):
            self.stop_reason = reason
            self._stop.request()  # a later request, by Ctrl-C, is the second one and aborts
        if self._on_progress is not None and self._reader is not None:
            self._on_progress(self._reader.state(run_ns, phase))
