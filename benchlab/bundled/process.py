"""Start bundled servers in processes of their own, for notebooks and scripts."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchlab.errors import TargetError
from benchlab.extras import require_extra

__all__ = [
    "BundledProcess",
    "TargetProcess",
    "start_process",
    "start_target",
]

_READY_WITHIN_S = 60.0


class BundledProcess:
    """A bundled server in a process of its own; ``url`` is its base URL.

    It ends with `stop`, at the end of a ``with`` block, or when its parent process ends.
    """

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process = process
        self.url = url

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def stop(self) -> None:
        """End the process, after it has written its output. May be called again."""
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
        return f"<{type(self).__name__} {self.url} ({state})>"


class TargetProcess(BundledProcess):
    """A running target. ``otlp_dir`` has its traces and metrics, complete once it has stopped.

    ``grpc_url`` is the base URL of its gRPC service, or empty. ``faults`` says whether faults can
    be set in it.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        url: str,
        grpc_url: str,
        otlp_dir: Path | None,
        faults: bool,
    ) -> None:
        super().__init__(process, url)
        self.grpc_url = grpc_url
        self.otlp_dir = otlp_dir
        self.faults = faults


def start_target(
    port: int = 0,
    otlp_dir: Path | str | None = None,
    *,
    grpc_port: int | None = None,
    lookup_ms: float = 0.0,
    faults: bool = False,
) -> TargetProcess:
    """Start the bundled target on the loopback interface and wait until it is ready.

    ``port`` 0 means any free port. With ``grpc_port`` it serves gRPC as well, at that port. If
    ``otlp_dir`` is None, the standard ``OTEL_`` variables decide where its telemetry goes. With
    ``lookup_ms`` it is a slower version of itself, whose requests wait so long. With ``faults``
    this machine may set faults in it.

    Raises:
        MissingPackageError: the extra "target" is not installed, or "grpc" with ``grpc_port``.
        TargetError: it did not start; the message has the last line of its log.
    """
    require_extra("target")
    if grpc_port is not None:
        require_extra("grpc")
    directory = None if otlp_dir is None else Path(otlp_dir).absolute()
    options = {
        "port": port,
        "grpc_port": grpc_port,
        "otlp_dir": str(directory) if directory else None,
        "lookup_ms": lookup_ms,
        "faults": faults,
    }
    process, announced = start_process("benchlab.bundled.serve", options, "target")
    return TargetProcess(process, announced["url"], announced["grpc_url"], directory, faults)


def start_process(
    module: str, options: dict[str, Any], name: str
) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """Run ``module``, wait for the line of JSON that it prints when it is ready, and decode it."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            bufsize=0,
            start_new_session=True,  # Ctrl-C in the terminal ends the run first, then the server
        )
        assert process.stdout is not None
        try:
            line = _first_line(process.stdout.fileno())
        except BaseException:  # Ctrl-C while it starts
            _kill(process)
            raise
        if line:
            return process, json.loads(line)
        _kill(process)
        log.seek(0)
        lines = log.read().decode(errors="replace").strip().splitlines()
    raise TargetError(f"the bundled {name} did not start: {lines[-1] if lines else 'no output'}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()  # reaps it and closes its pipes


def _first_line(fd: int) -> bytes:
    deadline = time.monotonic() + _READY_WITHIN_S
    text = b""
    with selectors.DefaultSelector() as selector:  # select() fails for descriptors above 1,023
        selector.register(fd, selectors.EVENT_READ)
        while not text.endswith(b"\n"):
            readable = selector.select(max(0.0, deadline - time.monotonic()))
            data = os.read(fd, 4096) if readable else b""
            if not data:
                return b""
            text += data
    return text
