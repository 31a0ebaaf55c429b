"""Write a record per connection to the spool, buffered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchlab.load.recording.record_log import RecordLog
from benchlab.samples.connections import CONNECTION_DTYPE

__all__ = ["ConnectionLog"]


class ConnectionLog(RecordLog):
    """Records connections in clock time; times in the file count from the run's start."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, CONNECTION_DTYPE)
        self.start_ns = 0

    def record(
        self, seq: int, start: int, phases: tuple[int, int, int], origin: int, error: int
    ) -> None:
        """Add a connection; ``start`` is a clock time, ``phases`` are ns for DNS, connect, TLS."""
        self.append(seq, start, *phases, origin, error)

    def _finished(self, records: NDArray[np.void]) -> NDArray[np.void]:
        records["start_ns"] -= self.start_ns
        return records
