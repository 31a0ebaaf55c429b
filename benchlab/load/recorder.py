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
    is cheaper than four subtractions per request, and appended to the file in one write. When the
    file cannot be written (a full disk), ``problem`` says why, records stay in memory, and each
    later flush tries again: the file always holds whole records, each once.
    """

    __slots__ = (
        "_buffer",
        "_fd",
        "_fill",
        "_limit",
        "_size",
        "_view",
        "_warmup_ns",
        "problem",
        "start_ns",
    )

    def __init__(self, path: Path, warmup_ns: int) -> None:
        """Requests intended less than ``warmup_ns`` after ``start_ns`` are flagged as warm-up."""
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._size = 0
        self._fill = 0
        self._allocate(_BLOCK * _SIZE)
        self._warmup_ns = warmup_ns
        self.start_ns = 0
        self.problem = ""

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
        if self._fill == self._limit and not self.flush():
            self._grow()

    @property
    def pending(self) -> int:
        """Records that are not in the file."""
        return self._fill // _SIZE

    def flush(self) -> bool:
        """Append what is buffered to the file; False, and ``problem`` set, if not all of it."""
        if not self._fill:
            return True
        records = self._view[: self._fill // _SIZE]
        out = records.copy()
        for name in _TIMES:
            out[name] -= self.start_ns
        out["first_byte_ns"][records["first_byte_ns"] == 0] = 0
        out["flags"][out["intended_ns"] < self._warmup_ns] |= _WARMUP
        data = memoryview(out.tobytes())
        written = 0
        try:
            while written < len(data):
                written += os.write(self._fd, data[written:])
        except OSError as exc:
            self.problem = f"could not write its samples: {exc.strerror}"
            written -= written % _SIZE
            os.ftruncate(self._fd, self._size + written)
        self._size += written
        self._buffer[: self._fill - written] = self._buffer[written : self._fill]
        self._fill -= written
        return not self._fill

    def close(self) -> None:
        """Flush and close the file. ``pending`` records were lost if that failed."""
        self.flush()
        os.close(self._fd)

    def _grow(self) -> None:
        held = bytes(self._buffer[: self._fill])
        self._allocate(2 * self._limit)
        self._buffer[: len(held)] = held

    def _allocate(self, size: int) -> None:
        self._buffer = bytearray(size)
        self._view = np.frombuffer(self._buffer, dtype=SAMPLE_DTYPE)
        self._limit = size
