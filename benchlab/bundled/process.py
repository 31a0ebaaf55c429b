"""The bundled target as a process of its own, for notebooks and scripts."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from benchlab.errors import TargetError

__all__ = ["TargetProcess", "start_target"]

_PATIENCE_S = 60.0


class TargetProcess:
    """A running target. Stops with ``stop``, at the end of a ``with`` block, or with its parent.

    ``url`` is its base URL. ``otlp_dir`` holds its traces and metrics; they are complete once it
    has stopped.
    """

    def __init__(self, process: subprocess.Popen[bytes], url: str, otlp_dir: Path | None) -> None:
        self._process = process
        self.url = url
        self.otlp_dir = otlp_dir

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def stop(self) -> None:
        """Let the target flush its telemetry and end. May be called again."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "running" if self._process.poll() is None else "stopped"
        return f"<TargetProcess {self.url} ({state})>"


def start_target(port: int = 0, otlp_dir: Path | str | None = None) -> TargetProcess:
    """Start the bundled target on the loopback interface and wait until it answers.

    ``port`` 0 takes a free one. With ``otlp_dir`` None its telemetry goes where the standard
    ``OTEL_`` variables say, or nowhere.

    Raises:
        TargetError: it did not come up; the message has its last words.
    """
    directory = None if otlp_dir is None else Path(otlp_dir).absolute()
    options = json.dumps({"port": port, "otlp_dir": str(directory) if directory else None})
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchlab.bundled.serve", options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            bufsize=0,
            start_new_session=True,  # Ctrl-C in the terminal ends the run first, then the target
        )
        assert process.stdout is not None
        line = _first_line(process.stdout.fileno())
        if line:
            return TargetProcess(process, json.loads(line)["url"], directory)
        process.kill()
        process.communicate()  # reaps it and closes its pipes
        log.seek(0)
        words = log.read().decode(errors="replace").strip().splitlines()
    raise TargetError(f"the bundled target did not start: {words[-1] if words else 'no answer'}")


def _first_line(fd: int) -> bytes:
    deadline = time.monotonic() + _PATIENCE_S
    text = b""
    while not text.endswith(b"\n"):
        readable, _, _ = select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
        data = os.read(fd, 4096) if readable else b""
        if not data:
            return b""
        text += data
    return text
