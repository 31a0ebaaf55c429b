"""Writing samples to the spool: filled into a fixed buffer, appended block by block."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np

from benchlab.values.samples import SAMPLE_DTYPE, Flag

__all__ = ["Recorder"]

_RECORD = struct.Struct("<qqqqqqHHBBxx")
_SIZE = SAMPLE_DTYPE.itemsize
_BLOCK = 1024
_WARMUP = np.uint8(Flag.WARMUP)
_TIMES = ("intended_ns", "sent_ns", "first_byte_ns", "done_ns")


class Recorder:
    """Takes one record per request in clock time, and writes them in time from the run's start.

    The buffer is allocated once; a full one (or `flush`) is turned into run time as a whole, which
    is cheaper than four subtractions per request, and appended to the file in one write.
    """

    __slots__ = ("_buffer", "_fd", "_fill", "_limit", "_view", "_warmup_ns", "count", "start_ns")

    def __init__(self, path: Path, warmup_ns: int) -> None:
        """Requests intended less than ``warmup_ns`` after ``start_ns`` are flagged as warm-up."""
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._buffer = bytearray(_BLOCK * _SIZE)
        self._view = np.frombuffer(self._buffer, dtype=SAMPLE_DTYPE)
        self._limit = len(self._buffer)
        self._fill = 0
        self._warmup_ns = warmup_ns
        self.start_ns = 0
        self.count = 0

    def record(
        self,
        seq: int,
        intended: int,
        sent: int,
        first_byte: int,
        done: int,
        bytes_in: int,
        status: int,
        endpoint: int,
        error: int,
        flags: int,
    ) -> None:
        """Add a sample; the four times are clock times in ns, ``first_byte`` 0 when none came."""
        _RECORD.pack_into(
            self._buffer,
            self._fill,
            seq,
            intended,
            sent,
            first_byte,
            done,
            bytes_in,
            status,
            endpoint,
            error,
            flags,
        )
        self._fill += _SIZE
        if self._fill == self._limit:
            self.flush()

    def flush(self) -> None:
        """Append what is buffered to the file.

        Raises:
            OSError: the file cannot be written. The records stay in the buffer.
        """
        if not self._fill:
            return
        records = self._view[: self._fill // _SIZE]
        out = records.copy()
        for name in _TIMES:
            out[name] -= self.start_ns
        out["first_byte_ns"][records["first_byte_ns"] == 0] = 0
        out["flags"][out["intended_ns"] < self._warmup_ns] |= _WARMUP
        data = memoryview(out.tobytes())
        while data:
            data = data[os.write(self._fd, data) :]
        self.count += len(records)
        self._fill = 0

    def close(self) -> None:
        """Flush and close the file."""
        self.flush()
        os.close(self._fd)
