"""A process of the run that the supervisor started: its pipes, its events and its end.

It is started before the run is prepared, so that it imports its modules in the meantime, and is
then assigned the run's spool directory.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from benchlab.errors import RunError
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.processes.events import Event, parse_event

__all__ = ["ChildProcess"]

_READY_WITHIN_S = 60.0
_LINE_SHOWN = 200


class ChildProcess:
    """A process of this machine that a module of benchlab is.

    ``name`` is what messages call it, and ``error`` the class of errors about the process itself.
    """

    def __init__(
        self,
        name: str,
        error: type[RunError],
        module: str,
        arguments: Sequence[str] = (),
        descriptors: Sequence[int] = (),
    ) -> None:
        """Start it, with the open ``descriptors``.

        Raises:
            OSError: it cannot be started.
        """
        self._name = name
        self._error = error
        self._directory: Path | None = None
        self._ended = False
        self._rest = b""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            pass_fds=descriptors,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,  # until it has a directory with a log file
            bufsize=0,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # a child is one core
            start_new_session=True,  # Ctrl-C in the terminal is for the supervisor alone
        )

    def log_path(self, directory: Path) -> Path:
        """Its log in the spool ``directory``."""
        raise NotImplementedError

    def assign(self, directory: Path) -> None:
        """Assign it the run in the spool ``directory``."""
        self._directory = directory
        self.tell(f"run {directory}")

    def await_ready(self, stop: StopSignal) -> Event:
        """Wait until it reports that it is ready; returns that event.

        Raises:
            BenchlabError: the error that it reports instead.
            RunError: it ended without a report, or did not report in time.
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
                    raise self._error(f"{self._name} was not ready within {_READY_WITHIN_S:.0f} s")
        if events is None and stop.level:  # the same signal ended a process that was starting
            raise KeyboardInterrupt
        if events is None:
            raise self._error(f"{self._name} could not start: {self.last_line()}")
        if events[0].error is not None:
            raise events[0].error
        return events[0]

    def tell(self, command: str) -> None:
        """Send a command; ignored if the process has ended."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(f"{command}\n".encode())

    def fileno(self) -> int:
        """The descriptor of its standard output."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def events(self) -> list[Event] | None:
        """The events since the last call; None after the process has ended.

        Raises:
            RunError: a line is not an event: something else writes to its standard output.
        """
        data = os.read(self.fileno(), 4096)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [self._event(line) for line in lines] if data else None

    def last_line(self) -> str:
        """The last line that the process, which has ended, wrote to its log; or its status."""
        assert self._process.stderr is not None
        status = self._process.wait()
        text = self._process.stderr.read().decode(errors="replace")
        if self._directory is not None:
            with suppress(FileNotFoundError):
                text += self.log_path(self._directory).read_text(errors="replace")
        last = text.strip().splitlines()[-1:]
        return last[0] if last else f"exit status {status}"

    def close(self, grace_s: float) -> int:
        """Close standard input, wait for the process and kill it if needed; close all pipes.

        Returns its exit status.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        if self._ended:
            return self._process.wait()
        self._ended = True
        self._process.stdin.close()
        if self._directory is None:
            self._process.kill()
        try:
            status = self._process.wait(timeout=grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._process.stdout.close()
        self._process.stderr.close()
        return status

    def _event(self, line: bytes) -> Event:
        try:
            return parse_event(line)
        except ValueError as exc:
            text = line.decode(errors="replace")[:_LINE_SHOWN]
            raise self._error(
                f"{self._name} wrote {text!r} to its standard output, which is for its reports"
                " alone: something that Python runs at its start (sitecustomize, a .pth file)"
                " prints; let it print to standard error"
            ) from exc
