"""Save the records that a killed worker had measured but not written.

A worker's record buffer is in memory shared with its supervisor. If the worker is killed, by a user
or for lack of memory, the records in it survive. A mapped file would not do: writing to it may have
to wait for the disk.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from benchlab import spool
from benchlab.load.recording.recorder import to_run_clock
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind

__all__ = ["rescue", "share_memory"]


def share_memory(name: str) -> int | None:
    """The descriptor of new memory that a child process can inherit; None on other systems."""
    if not hasattr(os, "memfd_create"):
        return None
    return os.memfd_create(name)


def rescue(memory: int, path: Path, start_ns: int, warmup_ns: int) -> int:
    """Append to ``path`` the records of a dead worker that are only in ``memory``.

    Returns their number. An incomplete record is skipped, and so is one that the worker had
    written but not yet removed from its buffer.
    """
    data = os.pread(memory, os.fstat(memory).st_size, 0)
    size = SAMPLE_DTYPE.itemsize
    records = np.frombuffer(data, dtype=SAMPLE_DTYPE, count=len(data) // size)
    torn = (records["status"] == 0) & (records["error"] == ErrorKind.OK)
    records = records[(records["done_ns"] != 0) & ~torn]
    written = spool.read_records(path)
    records = records[~np.isin(records["seq"], written["seq"])]
    if len(records):
        os.truncate(path, len(written) * size)  # a torn last record would shift the others
        with path.open("ab") as file:
            file.write(to_run_clock(records, start_ns, warmup_ns).tobytes())
    return len(records)
