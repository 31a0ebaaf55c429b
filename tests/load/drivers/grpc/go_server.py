"""The server of goserver/, by grpc-go: built once into the user's cache, and run."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

__all__ = ["GoServer", "serving_in_go"]

SOURCE = Path(__file__).with_name("goserver")
_FILES = ("go.mod", "go.sum", "main.go")


@cache
def program() -> Path:
    """The server of this source, which is built if need be.

    Skips where Go is missing, and fails where the extras are required.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    source = b"".join((SOURCE / name).read_bytes() for name in _FILES)
    target = home / "benchlab" / "grpc-go" / hashlib.sha256(source).hexdigest()[:16] / "calls"
    if target.exists():
        return target
    if shutil.which("go") is None:
        reason = "the grpc-go server is built from source, and Go is missing: install Go (go.dev)"
        if os.environ.get("BENCHLAB_REQUIRE_EXTRAS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test process may be building it
        if not target.exists():
            _build(target)
    return target


def _build(target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="build-", dir=target.parent) as work:
        made = Path(work) / target.name
        # As the Collector is built, so that what both are made of is compiled once.
        command = ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(made), "."]
        environment = {**os.environ, "CGO_ENABLED": "0"}
        built = subprocess.run(
            command, cwd=SOURCE, env=environment, capture_output=True, text=True, check=False
        )
        assert built.returncode == 0, built.stderr
        made.replace(target)


class GoServer:
    """A running server. ``ends`` are its calls by the status that they ended with."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout
        self.address = f"127.0.0.1:{int(self._stdout.readline())}"
        self.ends: Counter[str] = Counter()

    def served(self) -> int:
        """How many calls have ended."""
        self._stdin.write("\n")
        self._stdin.flush()
        self._read()
        return self.ends.total()

    def stop(self) -> None:
        """End it, when it has said what it counted."""
        self._stdin.close()
        self._read()
        self._process.wait()

    def _read(self) -> None:
        self.ends = Counter(json.loads(self._stdout.readline()))


@contextmanager
def serving_in_go() -> Iterator[GoServer]:
    """Run the server on a free port."""
    with subprocess.Popen(
        [program()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        server = GoServer(process)
        try:
            yield server
        finally:
            server.stop()
