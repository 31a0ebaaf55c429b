"""A child's end of the pipes: the events it reports, the commands it reads, and its log.

Standard output is for events alone. Commands are lines of standard input; its end means that the
parent is gone.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from benchlab.spool.storage import open_private

__all__ = ["CommandReader", "await_directory", "log_to", "own_output", "report"]


def own_output() -> int:
    """Duplicate standard output for events, and redirect what code prints to standard error."""
    own = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return own


def report(descriptor: int, event: bytes) -> None:
    """Write the line of an event."""
    with suppress(OSError):  # the parent is gone
        os.write(descriptor, event)


def await_directory() -> Path | None:
    """The directory in the first command, ``run <directory>``; None if the parent is gone."""
    line = b""
    while not line.endswith(b"\n"):
        data = os.read(sys.stdin.fileno(), 1)
        if not data:
            return None
        line += data
    return Path(os.fsdecode(line.removeprefix(b"run ").rstrip(b"\n")))


def log_to(path: Path) -> None:
    """Redirect standard error and standard output to the file ``path``."""
    log = open_private(path, os.O_WRONLY | os.O_APPEND)
    os.dup2(log, sys.stderr.fileno())
    os.dup2(log, sys.stdout.fileno())
    os.close(log)


class CommandReader:
    """Reads further commands as they arrive, in the running event loop.

    ``execute`` is called with each command and its argument, and ``end`` at the end of standard
    input.
    """

    def __init__(self, execute: Callable[[str, str], None], end: Callable[[], None]) -> None:
        self._execute = execute
        self._end = end
        self._rest = b""

    def start(self) -> None:
        """Read commands from now on."""
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._read)

    def _read(self) -> None:
        data = os.read(sys.stdin.fileno(), 4096)
        if not data:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._end()
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            command, _, argument = line.decode().partition(" ")
            self._execute(command, argument)
