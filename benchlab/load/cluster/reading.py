"""What an agent reports: what its workers have written and said since the last time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from benchlab import spool
from benchlab.errors import error_from_data, error_to_data
from benchlab.processes.events import Event
from benchlab.spool.share import share_files

__all__ = [
    "CHUNK_BYTES",
    "SMALLEST_BYTES",
    "Reading",
    "WorkerEvent",
    "chunk_bytes",
    "read_files",
]

CHUNK_BYTES = 4 << 20
"""The most that one reading holds."""

SMALLEST_BYTES = 64 << 10
"""What it may hold in any case."""

_AT_ONCE_BYTES = 64 << 20


def chunk_bytes(hosts: int) -> int:
    """What one reading may hold if a parent reads so many ``hosts`` at once: its memory is bounded.

    >>> [chunk_bytes(hosts) >> 10 for hosts in (1, 64, 1000)]
    [4096, 1024, 65]
    """
    return max(SMALLEST_BYTES, min(CHUNK_BYTES, _AT_ONCE_BYTES // hosts))


class WorkerEvent(NamedTuple):
    """An event of a worker, as it travels."""

    worker: int
    name: str
    error: dict[str, Any] | None
    reason: str

    @staticmethod
    def of(worker: int, event: Event) -> WorkerEvent:
        """``event`` of worker number ``worker``."""
        error = None if event.error is None else error_to_data(event.error)
        return WorkerEvent(worker, event.name, error, event.reason)

    @property
    def event(self) -> Event:
        """The event as the supervisor takes it."""
        error = None if self.error is None else error_from_data(self.error)
        return Event(self.name, error, self.reason)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Reading:
    """What is new on a host.

    ``chunks`` are the next bytes of files by their names: whole records. ``events`` are those after
    the ones that were seen. ``ended`` are the workers whose processes have ended; with
    ``is_complete`` nothing of them is left to be read. ``problem`` says why the host ended its load
    by itself.
    """

    chunks: dict[str, bytes] = field(default_factory=dict)
    events: tuple[WorkerEvent, ...] = ()
    ended: tuple[int, ...] = ()
    is_complete: bool = True
    problem: str = ""


def read_files(
    directory: Path,
    workers: tuple[int, ...],
    ended: tuple[int, ...],
    offsets: dict[str, int],
    limit: int = CHUNK_BYTES,
    *,
    direct: bool = False,
) -> tuple[dict[str, bytes], bool]:
    """The next bytes of the files of ``workers`` behind ``offsets``, and whether they are all.

    Of a file without an offset nothing was read. At most ``limit`` bytes are returned, and whole
    records only; beyond that, what is short and has to be whole: the names of steps, and health.
    With ``direct`` there are no records among them (`benchlab.spool.share.share_files`).
    """
    chunks: dict[str, bytes] = {}
    is_complete = True
    short = {spool.steps_path(directory), *(spool.health_path(directory, each) for each in ended)}
    for path, size in share_files(directory, workers, ended, direct=direct):
        try:
            with path.open("rb") as file:
                offset = offsets.get(path.name, 0)
                there = file.seek(0, 2) - offset
                there -= there % size
                count = there if path in short else min(there, limit - limit % size)
                file.seek(offset)
                data = file.read(count) if count > 0 else b""
        except FileNotFoundError:
            continue
        data = data[: len(data) - len(data) % size]
        if data:
            chunks[path.name] = data
            limit = max(0, limit - len(data))
        is_complete = is_complete and len(data) >= there
    return chunks, is_complete
