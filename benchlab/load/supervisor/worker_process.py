"""The supervisor's handle of a worker: the process, its pipes, and the memory shared with it.

Workers are started before the run is prepared, so that they import their modules in the meantime;
each is then assigned the run's spool directory.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from benchlab import spool
from benchlab.errors import WorkerError
from benchlab.load.events import Event, parse_event
from benchlab.load.supervisor.rescue import rescue, share_memory
from benchlab.load.supervisor.stop_signal import StopSignal

__all__ = ["WorkerHandle", "started_workers"]

_READY_WITHIN_S = 60.0
_GRACE_S = 5.0
_LINE_SHOWN = 200


class WorkerHandle(Protocol):
    """A worker on any host. Call the methods in the order below; `end` at any time."""

    def assign(self, directory: Path) -> None:
        """Assign its share of the run in the spool ``directory``."""

    def await_ready(self, stop: StopSignal) -> None:
        """Wait until the worker is ready to start.

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


class WorkerProcess:
    """A `WorkerHandle` on a process of this machine."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._directory: Path | None = None
        self._ended = False
        self._rest = b""
        self._memory = share_memory(f"benchlab-{number}")
        shared = () if self._memory is None else (self._memory,)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "benchlab.load.worker"]
            + [str(argument) for argument in (number, *shared)],
            pass_fds=shared,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,  # until the worker has a directory with a log file
            bufsize=0,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # a worker is one core
            start_new_session=True,  # Ctrl-C in the terminal is for the supervisor alone
        )

    def assign(self, directory: Path) -> None:
        """Assign its share of the run in the spool ``directory``."""
        self._directory = directory
        self.tell(f"run {directory}")

    def await_ready(self, stop: StopSignal) -> None:
        """Wait until the worker reports that it is ready.

        Raises:
            BenchlabError: the error that the worker reports instead.
            WorkerError: it ended without a report, or did not report in time.
            KeyboardInterrupt: ``stop`` was requested first.
        """
        deadline = time.monotonic() + _READY_WITHIN_S
        events: list[Event] | None = []
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            while events == []:
                if selector.select(0.1):
                    events = self.events()
                elif stop.level:
                    raise KeyboardInterrupt
                elif time.monotonic() > deadline:
                    raise WorkerError(
                        f"worker {self._number} was not ready within {_READY_WITHIN_S:.0f} s"
                    )
        if events is None and stop.level:  # the same signal ended a worker that was starting
            raise KeyboardInterrupt
        if events is None:
            status = self._process.wait()
            last = self._log().strip().splitlines()[-1:]
            text = last[0] if last else f"exit status {status}"
            raise WorkerError(f"worker {self._number} could not start: {text}")
        if events[0].error is not None:
            raise events[0].error

    def tell(self, command: str) -> None:
        """Send a command; ignored if the worker has ended."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(f"{command}\n".encode())

    def fileno(self) -> int:
        """The descriptor of the worker's standard output."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def events(self) -> list[Event] | None:
        """The events since the last call; None after the worker has ended.

        Raises:
            WorkerError: a line is not an event: something else writes to its standard output.
        """
        data = os.read(self.fileno(), 4096)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [self._event(line) for line in lines] if data else None

    def end(self, start_ns: int, warmup_ns: int) -> None:
        """Close standard input, wait for the process and kill it if needed; close all pipes.

        Records that a killed worker had measured but not written are written here.
        """
        if self._ended:
            return
        self._ended = True
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._process.stdin.close()
        if self._directory is None:
            self._process.kill()
        try:
            self._process.wait(timeout=_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._process.stderr.close()
        if self._memory is not None:
            if start_ns and self._process.returncode and self._directory is not None:
                samples = spool.samples_path(self._directory, self._number)
                with suppress(OSError):  # a full disk: the worker's missing health shows it
                    rescue(self._memory, samples, start_ns, warmup_ns)
            os.close(self._memory)

    def _event(self, line: bytes) -> Event:
        try:
            return parse_event(line)
        except ValueError as exc:
            text = line.decode(errors="replace")[:_LINE_SHOWN]
            raise WorkerError(
                f"worker {self._number} wrote {text!r} to its standard output, which is for its"
                " reports alone: something that Python runs at its start (sitecustomize, a .pth"
                " file) prints; let it print to standard error"
            ) from exc

    def _log(self) -> str:
        """What the worker, which has ended, wrote to standard error."""
        assert self._process.stderr is not None
        text = self._process.stderr.read().decode(errors="replace")
        if self._directory is not None:
            with suppress(FileNotFoundError):
                text += spool.log_path(self._directory, self._number).read_text(errors="replace")
        return text
