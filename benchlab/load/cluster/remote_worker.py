"""The handle of a worker on a host of a cluster."""

from __future__ import annotations

import os
import selectors
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from benchlab.errors import WorkerError
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.processes.events import Event
from benchlab.units import NS_PER_MS

if TYPE_CHECKING:
    from benchlab.load.cluster.team import Team

__all__ = ["RemoteWorker"]


class RemoteWorker:
    """A `benchlab.load.supervisor.worker_process.WorkerHandle` of worker ``number`` on a host.

    What its host reports arrives in the thread of the connection, through `put` and `close`; a pipe
    makes it visible to whoever waits for several workers. The worker has ended once the parent has
    all that it measured, or its host is lost.
    """

    def __init__(self, number: int, team: Team, ready_s: float) -> None:
        self.number = number
        self.lead_ns = 50 * NS_PER_MS
        self._team = team
        self._ready_s = ready_s
        self._events: deque[Event] = deque()
        self._read, self._write = os.pipe()
        self._is_closed = False

    def put(self, event: Event) -> None:
        """Add an event."""
        if not self._is_closed:
            self._events.append(event)
            os.write(self._write, b".")

    def close(self) -> None:
        """Note that the worker has ended. May be repeated."""
        if not self._is_closed:
            self._is_closed = True
            os.close(self._write)

    def dispose(self) -> None:
        """Close the pipe; nobody waits for it any more."""
        self.close()
        if self._read >= 0:
            os.close(self._read)
            self._read = -1

    def assign(self, directory: Path) -> None:
        """Assign its share of the run in the spool ``directory``."""
        self._team.assign(directory)

    def await_ready(self, stop: StopSignal) -> Event:
        """Wait until the worker is ready to start, and its host's clock is known.

        Raises:
            BenchlabError: the error that the worker or its host reports instead.
            KeyboardInterrupt: ``stop`` was requested first.
        """
        deadline = time.monotonic() + self._ready_s
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            while True:
                events = self.events() if selector.select(0.1) else []
                if events is None:
                    where = self._team.host_of(self.number)
                    raise WorkerError(f"worker {self.number} was lost before its start: {where}")
                for event in events:
                    if event.error is not None:
                        raise event.error
                    if event.name == "ready":
                        self.lead_ns = self._team.lead_ns
                        return event
                if stop.level:
                    raise KeyboardInterrupt
                if time.monotonic() > deadline:
                    raise WorkerError(
                        f"worker {self.number} was not ready within {self._ready_s:.0f} s"
                        f" ({self._team.host_of(self.number)})"
                    )

    def tell(self, command: str) -> None:
        """Send ``start <clock ns>``, by the parent's clock, ``stop`` or ``quit``."""
        self._team.tell(self.number, command)

    def fileno(self) -> int:
        """A descriptor that is readable when there are `events`."""
        return self._read

    def events(self) -> list[Event] | None:
        """The events since the last call; None after the worker has ended."""
        count = len(os.read(self._read, 4096))
        return [self._events.popleft() for _ in range(count)] if count else None

    def end(self, start_ns: int, warmup_ns: int) -> None:
        """End the workers of all hosts, and fetch what they have; the first call waits for it."""
        del warmup_ns  # the agent knows it
        self._team.end(was_started=bool(start_ns))
