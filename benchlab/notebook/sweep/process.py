"""The process of a point, as the sweep sees it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from benchlab.load.supervisor.progress import Progress
from benchlab.notebook import events
from benchlab.notebook.sweep.job import Job, Outcome, job_files

__all__ = ["PointProcess", "RunningPoint"]


class RunningPoint(Protocol):
    """A point that is being measured."""

    def poll(self) -> Outcome | None:
        """What came of it; None as long as it goes on."""

    def progress(self) -> Progress | None:
        """The progress of the run that it is making, if there is one."""

    def stop(self) -> None:
        """End it soon: a run in it ends early, and is reported."""

    def kill(self) -> None:
        """End it at once, with all that it started."""


class PointProcess:
    """A point in a process of its own, with a kernel of its own.

    The end of its standard input is the end of the sweep: when this process is gone, in whatever
    way, the point ends by itself. It also holds the ``lock`` of the sweep's directory, so that no
    other sweep begins there before that.
    """

    def __init__(self, job: Job, lock: int | None) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="benchlab-", ignore_cleanup_errors=True)
        self._events, self._outcome, self._errors = job_files(Path(self._scratch.name))
        self._progress: Progress | None = None
        self._read = 0
        self._is_killed = False
        module = "benchlab.notebook.sweep.point_process"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, self._scratch.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=() if lock is None else (lock,),
                process_group=0,  # Ctrl-C in the terminal is for the sweep alone
            )
        self._send(json.dumps(asdict(job)))

    def poll(self) -> Outcome | None:
        """What came of the point; None as long as it goes on."""
        status = self._process.poll()
        if status is None:
            return None
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        if self._outcome.exists():
            found = Outcome.from_json(self._outcome.read_text(encoding="utf-8"))
        elif self._is_killed:
            found = Outcome(interrupted=True)
        else:  # it was killed by someone else, or failed as nobody expected: the end of a traceback
            text = self._errors.read_text(encoding="utf-8", errors="replace")
            last = (text.strip().splitlines() or [f"exit status {status}"])[-1]
            found = Outcome(error=last, exit_code=1)
        self._scratch.cleanup()
        return found

    def progress(self) -> Progress | None:
        """The progress of the run that the point is making, if there is one."""
        found, self._read = events.read(self._events, self._read)
        for event in found:
            if "progress" in event:
                self._progress = Progress(**event["progress"])
            else:  # the report is written: the run has ended
                self._progress = None
        return self._progress

    def stop(self) -> None:
        """Let a run in the point end early; the point goes on to its end with that."""
        self._send("stop")

    def kill(self) -> None:
        """End the point and all that it started at once."""
        self._is_killed = True
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):  # it has ended, or is about to
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()
