"""Write samples to the spool: buffered, and appended block by block.

Disk space is reserved in advance, so that a full disk is noticed while there is still room for the
records of all open requests.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchlab.runs.health import ProblemKind
from benchlab.samples.samples import SAMPLE_DTYPE, Flag
from benchlab.spool.storage import open_private

__all__ = ["Record", "Recorder", "to_run_clock"]

Record = Callable[[int, int, int, int, int, int, int, int, int, int, int], None]
"""`Recorder.record`: seq, intended, sent, first byte, done, bytes in, status, endpoint, error,
flags and connection."""

_RECORD = struct.Struct("<qqqqqqHHBBH")
_SIZE = SAMPLE_DTYPE.itemsize
_BLOCK = 256  # records; writing one blocks the event loop, so it is small
_WARMUP = np.uint8(Flag.WARMUP)
_AHEAD = 1 << 19  # bytes: far more than is recorded between detecting a full disk and stopping
_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE: the file ends where its records end, whatever is reserved
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_TIMES = ("intended_ns", "sent_ns", "first_byte_ns", "done_ns")


class Recorder:
    """Records requests in clock time; times in the file count from the run's start.

    The buffer is in shared memory if that is given, so that the supervisor can save its records if
    this process is killed (`benchlab.load.supervisor.rescue`). A full buffer is converted to run
    time as a whole, which is cheaper than four subtractions per request, and appended to the file
    in one write. The file always holds whole records, each once.

    ``problem`` is set when no more disk space can be reserved. The run must then end; the reserved
    space has room for its open requests. Where space cannot be reserved (not Linux, or an
    unsuitable file system) ``problem`` is set when a write fails; records then stay in memory, and
    each later flush tries again.
    """

    __slots__ = (
        "_buffer",
        "_bytes",
        "_fd",
        "_fill",
        "_limit",
        "_memory",
        "_open_count",
        "_reserved",
        "_size",
        "_view",
        "_warmup_ns",
        "first_measured_seq",
        "problem",
        "problem_kind",
        "start_ns",
    )

    def __init__(self, path: Path, warmup_ns: int, memory: int | None = None) -> None:
        """Requests intended less than ``warmup_ns`` after ``start_ns`` are flagged as warm-up.

        So are those with a sequence number below ``first_measured_seq``.

        ``memory`` is the descriptor of shared memory for the buffer, which is private without it.
        """
        self._memory = memory
        self._buffer: bytearray | mmap.mmap
        self._fd = open_private(path, os.O_WRONLY | os.O_APPEND)
        self._size = 0
        self._reserved: int | None = 0
        self._open_count = 0
        self._fill = 0
        self._allocate(_BLOCK * _SIZE)
        self._warmup_ns = warmup_ns
        self.start_ns = 0
        self.first_measured_seq = 0
        self.problem = ""
        self.problem_kind: ProblemKind = ""
        self._reserve()

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
        connection: int,
    ) -> None:
        """Add a sample. Times are clock times in ns, ``first_byte`` is 0 without a response."""
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
            connection,
        )
        self._fill += _SIZE
        if self._fill == self._limit and not self.flush():
            self._grow()

    @property
    def pending(self) -> int:
        """Number of records that are not in the file yet."""
        return self._fill // _SIZE

    def reserve(self, open_count: int) -> None:
        """Reserve disk space for ``open_count`` requests that are open or due."""
        self._open_count = open_count
        self._reserve()

    def flush(self) -> bool:
        """Append the buffer to the file. If that fails, set ``problem`` and return False."""
        if not self._fill:
            return True
        records = self._view[: self._fill // _SIZE]
        out = to_run_clock(records, self.start_ns, self._warmup_ns)
        out["flags"][out["seq"] < self.first_measured_seq] |= _WARMUP
        data = memoryview(out.tobytes())
        written = 0
        try:
            while written < len(data):
                written += os.write(self._fd, data[written:])
        except OSError as exc:
            self.problem = f"could not write its samples: {exc.strerror}"
            self.problem_kind = "disk_full" if exc.errno in _FULL else "disk_failed"
            written -= written % _SIZE
            self._truncate(self._size + written)
        self._size += written
        rest = self._fill - written
        self._buffer[:rest] = self._buffer[written : self._fill]
        self._bytes[rest : self._fill] = 0  # a record is in the file or in the buffer, not in both
        self._fill = rest
        self._reserve()
        return not self._fill

    def close(self) -> None:
        """Flush and close the file. If the flush fails, ``pending`` records are lost."""
        self.flush()
        self._truncate(self._size)
        os.close(self._fd)

    def _reserve(self) -> None:
        """Reserve disk space for `_AHEAD` bytes and all open requests beyond the file's end."""
        if self._reserved is None:
            return
        needed = self._size + self._open_count * _SIZE + _AHEAD
        if needed <= self._reserved:
            return
        missing = needed - self._reserved + _AHEAD
        reason = _allocate_space(self._fd, self._reserved, missing)
        if reason == 0:
            self._reserved += missing
        elif reason not in {*_FULL, errno.EINTR}:
            self._reserved = None  # this system cannot reserve space
        elif reason in _FULL and not self.problem:
            self.problem = f"ended the run early: its disk is full ({os.strerror(reason)})"
            self.problem_kind = "disk_full"

    def _truncate(self, size: int) -> None:
        """Truncate the file to ``size``, which also frees the space reserved beyond."""
        os.ftruncate(self._fd, size)
        if self._reserved is not None:
            self._reserved = size

    def _grow(self) -> None:
        held = bytes(self._buffer[: self._fill])
        self._allocate(2 * self._limit)
        self._buffer[: len(held)] = held

    def _allocate(self, size: int) -> None:
        if self._memory is None:
            self._buffer = bytearray(size)
        else:
            os.ftruncate(self._memory, size)
            self._buffer = mmap.mmap(self._memory, size)
        self._view = np.frombuffer(self._buffer, dtype=SAMPLE_DTYPE)
        self._bytes = np.frombuffer(self._buffer, dtype=np.uint8)
        self._limit = size


def to_run_clock(records: NDArray[np.void], start_ns: int, warmup_ns: int) -> NDArray[np.void]:
    """Copy records, with clock times converted to time since ``start_ns``, as in the file."""
    out = records.copy()
    for name in _TIMES:
        out[name] -= start_ns
    out["first_byte_ns"][records["first_byte_ns"] == 0] = 0
    out["flags"][out["intended_ns"] < warmup_ns] |= _WARMUP
    return out


def _allocate_space(fd: int, start: int, size: int) -> int:
    """Reserve disk space for a file without changing its length; returns 0 or an error number."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "fallocate64"):
        return errno.ENOSYS
    place, length = ctypes.c_int64(start), ctypes.c_int64(size)
    if libc.fallocate64(fd, _KEEP_SIZE, place, length) == 0:
        return 0
    return ctypes.get_errno()
