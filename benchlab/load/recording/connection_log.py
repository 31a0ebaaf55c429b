"""Write a record per connection to the spool, buffered."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from benchlab.samples.connections import CONNECTION_DTYPE
from benchlab.spool.storage import open_private

__all__ = ["ConnectionLog"]


class ConnectionLog:
    """Records connections in clock time; times in the file count from the run's start.

    The file stays open: a run that reaches the limit of open files must still be able to record
    that.
    """

    def __init__(self, path: Path) -> None:
        self._fd = open_private(path, os.O_WRONLY | os.O_APPEND)
        self._rows: list[tuple[int, int, int, int, int, int, int]] = []
        self.start_ns = 0

    def record(
        self, seq: int, start: int, phases: tuple[int, int, int], origin: int, error: int
    ) -> None:
        """Add a connection; ``start`` is a clock time, ``phases`` are ns for DNS, connect, TLS."""
        self._rows.append((seq, start, *phases, origin, error))

    def flush(self) -> None:
        """Append the buffered records to the file; after a failed write they stay buffered."""
        if not self._rows:
            return
        records = np.array(self._rows, dtype=CONNECTION_DTYPE)
        records["start_ns"] -= self.start_ns
        data = records.tobytes()
        size = os.fstat(self._fd).st_size
        with suppress(OSError):
            if os.write(self._fd, data) == len(data):
                self._rows.clear()
                return
        os.ftruncate(self._fd, size)  # the disk is full: the next flush tries again

    def close(self) -> None:
        """Flush and close the file."""
        self.flush()
        os.close(self._fd)
