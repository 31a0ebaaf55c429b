"""Read files of records: in parts, or several files as one array in order of ``seq``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchlab.samples.records import BLOCK_RECORDS, OPAQUE, SAMPLE_DTYPE
from benchlab.spool.storage import allocate_records

__all__ = ["NewRecords", "read_in_order", "read_records"]

_MOST_NUMBERS = 2  # per record: workers of different speed leave gaps
_LEAST_IN_TURN = 4_096  # records of a file: to open it takes as long as to read some hundred


def read_records(
    path: Path,
    start: int = 0,
    dtype: np.dtype[np.void] = SAMPLE_DTYPE,
    count: int | None = None,
) -> NDArray[np.void]:
    """Read at most ``count`` whole records of ``path``, from record number ``start`` on.

    An incomplete last record is left out.
    """
    if not path.exists():
        return np.empty(0, dtype=dtype)
    there = path.stat().st_size // dtype.itemsize - start
    count = there if count is None else min(there, count)
    if count <= 0:
        return np.empty(0, dtype=dtype)
    return np.fromfile(path, dtype=dtype, count=count, offset=start * dtype.itemsize)


class NewRecords:
    """Reads the records that are appended to files while a run goes on."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._read = [0] * len(files)

    def __iter__(self) -> Iterator[NDArray[np.void]]:
        """The records that were appended since the last time, in blocks."""
        for index, path in enumerate(self._files):
            while len(records := read_records(path, self._read[index], count=BLOCK_RECORDS)):
                self._read[index] += len(records)
                yield records


def read_in_order(files: Sequence[Path], directory: Path) -> NDArray[np.void]:
    """The records of all files in order of ``seq``; if many, in a mapped file in ``directory``.

    Each record is put at the index of its number. If numbers are repeated, or much larger than the
    number of records, all are sorted instead, a part of the range of numbers at a time.
    """
    count, lowest, highest = 0, 0, -1
    for block in _blocks(files):
        count += len(block)
        lowest = min(lowest, int(block["seq"].min()))
        highest = max(highest, int(block["seq"].max()))
    if lowest >= 0 and highest < count * _MOST_NUMBERS:
        records = allocate_records(highest + 1, SAMPLE_DTYPE, directory)
        records["seq"][:1] = -1
        for block in _in_turn(files):
            records.view(OPAQUE)[block["seq"]] = block.view(OPAQUE)
        if _close_holes(records) == count:
            return records if count == len(records) else records[:count]
    return _sorted(files, count, (lowest, highest), directory)


def _blocks(files: Sequence[Path]) -> Iterator[NDArray[np.void]]:
    """The records of one file after the other."""
    for path in files:
        start = 0
        while len(block := read_records(path, start, count=BLOCK_RECORDS)):
            yield block
            start += len(block)


def _in_turn(files: Sequence[Path]) -> Iterator[NDArray[np.void]]:
    """The records of all files, a part of each in turn, so that their numbers are near each other.

    Else each of a thousand files would be written to all pages of the mapped file.
    """
    count = max(_LEAST_IN_TURN, BLOCK_RECORDS // max(1, len(files)))
    at = dict.fromkeys(files, 0)
    while at:
        for path, start in list(at.items()):
            if len(block := read_records(path, start, count=count)):
                yield block
                at[path] += len(block)
            else:
                del at[path]


def _sorted(
    files: Sequence[Path], count: int, numbers: tuple[int, int], directory: Path
) -> NDArray[np.void]:
    """The records of all files, which have ``numbers`` from one to another, sorted.

    Each is put into its part of the range of numbers, and each part is then sorted on its own.
    """
    lowest, highest = numbers
    bits = (count // BLOCK_RECORDS).bit_length() + 1
    shift = np.uint64(min(max(0, (highest - lowest).bit_length() - bits), 63))

    def parts_of(block: NDArray[np.void]) -> NDArray[np.int64]:
        offset = (block["seq"] - lowest).view(np.uint64)  # may need all 64 bits
        return (offset >> shift).view(np.int64)

    sizes = np.zeros(1 << bits, dtype=np.int64)
    for block in _blocks(files):
        sizes += np.bincount(parts_of(block), minlength=len(sizes))
    ends = np.cumsum(sizes)
    filled = ends - sizes
    records = allocate_records(count, SAMPLE_DTYPE, directory)
    for block in _blocks(files):
        part = parts_of(block)
        order, new = np.argsort(part, kind="stable"), np.bincount(part, minlength=len(sizes))
        place = np.repeat(filled - (np.cumsum(new) - new), new) + np.arange(len(block))
        records.view(OPAQUE)[place] = block.view(OPAQUE)[order]
        filled += new
    for start, end in zip((ends - sizes).tolist(), ends.tolist(), strict=True):
        inside = records[start:end]
        order = np.argsort(inside["seq"], kind="stable")
        inside.view(OPAQUE)[:] = inside.view(OPAQUE)[order]
    return records


def _close_holes(records: NDArray[np.void]) -> int:
    """Move the records whose index is their ``seq`` together; returns how many there are."""
    end = 0
    for start in range(0, len(records), BLOCK_RECORDS):
        block = records[start : start + BLOCK_RECORDS]
        filled = block["seq"] == np.arange(start, start + len(block))
        if end < start or not filled.all():
            block = block.view(OPAQUE)[filled].view(SAMPLE_DTYPE)
            records[end : end + len(block)] = block
        end += len(block)
    return end
