"""The supervisor's handle of a worker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from benchlab import spool
from benchlab.errors import WorkerError
from benchlab.load.supervisor.child_process import ChildProcess
from benchlab.load.supervisor.rescue import rescue, share_memory
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.plan.plan import Plan
from benchlab.processes.events import Event
from benchlab.runs.run import Run
from benchlab.units import NS_PER_MS

__all__ = ["StartedWorkers", "WorkerHandle", "started_workers"]

_GRACE_S = 5.0


class WorkerHandle(Protocol):
    """A worker on any host. Call the methods in the order below; `end` at any time.

    ``lead_ns`` is how long before the start of the load it must be told of it.
    """

    lead_ns: int

    def assign(self, directory: Path) -> None:
        """Assign its share of the run in the spool ``directory``."""

    def await_ready(self, stop: StopSignal) -> Event:
        """Wait until the worker is ready to start; returns that event.

        Raises:
            BenchlabError: the error that the worker reports instead.
            KeyboardInterrupt: ``stop`` was requested first.
        """

    def tell(self, command: str) -> None:
        """Send ``start <clock ns>``, ``stop`` or ``quit``; ignored if the worker has ended."""

    def fileno(self) -> int:
        """A descriptor that is readable when there are `events`."""

    def events(self) -> list[Event] | None:
        """The events since the last call; None after the worker has ended."""

    def end(self, start_ns: int, warmup_ns: int) -> None:
        """End the worker, by force if needed. ``start_ns`` is 0 if the run was not started."""


class StartedWorkers(NamedTuple):
    """Workers that were started for ``plan``.

    ``machines`` are the environments of the hosts of a cluster, in their order, each with its noise
    floor; there are none if the workers are on this machine. ``collect`` returns the run in a spool
    directory, once all of them have ended.
    """

    plan: Plan
    workers: Sequence[WorkerHandle]
    machines: Sequence[Mapping[str, Any]] = ()
    collect: Callable[[Path, Plan], Run] = spool.read_run


@contextmanager
def started_workers(count: int) -> Iterator[Sequence[WorkerProcess]]:
    """Start ``count`` worker processes, and end all of them on leaving the block."""
    workers: list[WorkerProcess] = []
    try:
        for number in range(count):
            try:
                workers.append(WorkerProcess(number))
            except OSError as exc:
                raise WorkerError(
                    f"worker {number} cannot be started ({exc.strerror})",
                    remedy="free memory, raise the limit of processes (ulimit -u) or use fewer",
                ) from exc
        yield workers
    finally:
        for worker in workers:
            worker.end(0, 0)


class WorkerProcess(ChildProcess):
    """A `WorkerHandle` on a process of this machine, and the memory shared with it."""

    lead_ns = 50 * NS_PER_MS

    def __init__(self, number: int) -> None:
        self._number = number
        self._memory = share_memory(f"benchlab-{number}")
        shared = () if self._memory is None else (self._memory,)
        arguments = [str(argument) for argument in (number, *shared)]
        super().__init__(f"worker {number}", WorkerError, "benchlab.load.worker", arguments, shared)

    def log_path(self, directory: Path) -> Path:
        """Its log in the spool ``directory``."""
        return spool.log_path(directory, self._number)

    def end(self, start_ns: int, warmup_ns: int) -> None:
        """Close standard input, wait for the process and kill it if needed; close all pipes.

        Records that a killed worker had measured but not written are written here.
        """
        status = self.close(_GRACE_S)
        if self._memory is not None:
            if start_ns and status and self._directory is not None:
                samples = spool.samples_path(self._directory, self._number)
                with suppress(OSError):  # a full disk: the worker's missing health shows it
                    rescue(self._memory, samples, start_ns, warmup_ns)
            os.close(self._memory)
            self._memory = None
