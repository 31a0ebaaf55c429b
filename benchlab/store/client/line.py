"""First come, first served: the line of processes that wait for a lock.

A lock that is polled goes to whoever asks at the right moment, which is often the one who has just
released it; with many processes some would never have a turn. So those who wait stand in line: a
file each, named by the time they came, that they touch while they wait. The line is a courtesy and
guards nothing: a file that was not touched for a second is that of somebody who was killed or
stopped, and is passed over and taken away; on a disk that is full or read-only there is no line.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["Place", "place"]

_GONE_S = 1.0


class Place:
    """Somebody's place in the line."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def is_first(self) -> bool:
        """Whether nobody who still waits came earlier. To be asked several times a second."""
        with suppress(OSError):
            self._file.touch()
            others = (
                other for other in self._file.parent.iterdir() if other.name < self._file.name
            )
            return not any(_still_waits(other) for other in others)
        return True


@contextmanager
def place(directory: Path) -> Iterator[Place]:
    """A place at the end of the line in ``directory``, for as long as the block lasts."""
    file = directory / f"{time.time_ns():020d}-{secrets.token_hex(4)}"
    with suppress(OSError):
        directory.mkdir(exist_ok=True)
    try:
        yield Place(file)
    finally:
        with suppress(OSError):
            file.unlink()


def _still_waits(file: Path) -> bool:
    try:
        touched = file.stat().st_mtime
    except FileNotFoundError:  # has had its turn meanwhile
        return False
    if abs(time.time() - touched) < _GONE_S:
        return True
    file.unlink(missing_ok=True)  # whoever does wait makes it again, under the same name
    return False
