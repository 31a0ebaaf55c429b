"""Read files of JSON lines while they are written: identify them, and split them into blocks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

from benchlab.errors import InputError

__all__ = [
    "BLOCK_BYTES",
    "Block",
    "common_end",
    "exclusively",
    "find_files",
    "first_line",
    "read_block",
    "size_of",
    "skip_hole",
    "tail_hash",
]

BLOCK_BYTES = 32 * 1024 * 1024
"""Size of a block, which is read and inserted at once; a longer line makes a longer block.

About 60,000 spans: with fewer, the engine is busy merging the parts it has just written.
"""

# logrotate adds a number or a date to the name of a rotated file.
_NAME = re.compile(r".+\.(?:json|jsonl|ndjson)(?:[.-]\d[\d.T:_-]*)?")
_FINGERPRINT_BYTES = 64 * 1024
_HOLE_STEP_BYTES = 1024 * 1024
# How lines start. Within a JSON string the quotes would be escaped.
_STARTS = (b'{"resourceSpans":', b'{"resourceMetrics":')


@dataclass(frozen=True)
class Block:
    """Complete lines of a file: its bytes from ``start`` to ``end``."""

    start: int
    end: int
    data: bytes

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Offset and content of each line that is not blank.

        A writer that was killed may have left half a line, and the next one continued on it: that
        is two lines, of which the second is complete. A file that is truncated under its writer is
        filled with NUL bytes: those before and after a line do not belong to it.
        """
        offset = self.start
        for line in self.data.split(b"\n"):
            torn = max(line.rfind(mark) for mark in _STARTS)
            pieces = ((0, line[:torn]), (torn, line[torn:])) if torn > 0 else ((0, line),)
            for at, piece in pieces:
                content = piece.lstrip(b"\0")
                start = offset + at + len(piece) - len(content)
                content = content.rstrip(b"\0")
                if content and not content.isspace():
                    yield start, content
            offset += len(line) + 1

    @cached_property  # in the ledger entries of both states
    def line_sums(self) -> list[int]:
        """The CRC-32 of the block up to the end of each line, blank or not: see `common_end`."""
        sums, total = [], 0
        for line in BytesIO(self.data):
            total = crc32(line, total)
            sums.append(total)
        return sums


def find_files(paths: Iterable[str | Path]) -> list[Path]:
    """These files, and the .json, .jsonl and .ndjson files under these directories.

    Rotated files are included: traces.jsonl.1, traces.jsonl-20261126.

    Raises:
        InputError: a path does not exist, or is neither file nor directory.
    """
    files: dict[Path, None] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = (item for item in path.rglob("*") if _NAME.fullmatch(item.name))
            files |= dict.fromkeys(sorted(item for item in inside if item.is_file()))
        elif path.is_file():
            files[path] = None
        else:
            wrong = "is not a regular file" if path.exists() else "does not exist"
            raise InputError(f"{path} {wrong}: name OTLP JSON files or directories of them")
    return list(files)


def size_of(path: Path) -> int:
    """Bytes in the file; 0 if it no longer exists."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def exclusively(file: BinaryIO) -> Iterator[None]:
    """Wait until no other benchlab ingests this file; its writer is not blocked.

    This only saves work. Ingesting each line once does not depend on it, since copies of a file
    share no lock; so a file that cannot be locked is still read (NFS locks only files that are
    open for writing).
    """
    try:
        from fcntl import LOCK_EX, LOCK_UN, flock

        flock(file, LOCK_EX)
    except (ImportError, OSError):
        yield
        return
    try:
        yield
    finally:
        flock(file, LOCK_UN)


def first_line(file: BinaryIO) -> bytes | None:
    """The first line, which identifies a file wherever it lies; None until it is complete.

    At most 64 KiB of it; a hole before it is skipped. Every first line has times and ids of its
    own.
    """
    file.seek(skip_hole(file, 0))
    line = file.readline(_FINGERPRINT_BYTES)
    return line if line.endswith(b"\n") or len(line) == _FINGERPRINT_BYTES else None


def skip_hole(file: BinaryIO, start: int) -> int:
    """The first byte from ``start`` on that is not NUL, or the end of the file.

    A file has such a hole if it was truncated while its writer continued at its old offset.
    """
    size = 1
    while True:
        file.seek(start)
        data = file.read(size)
        content = data.lstrip(b"\0")
        start += len(data) - len(content)
        if content or not data:
            return start
        size = _HOLE_STEP_BYTES


def tail_hash(file: BinaryIO, end: int) -> str:
    """A hash of the up to 64 KiB before ``end``."""
    start = max(0, end - _FINGERPRINT_BYTES)
    file.seek(start)
    return hashlib.sha256(file.read(end - start)).hexdigest()[:32]


def common_end(file: BinaryIO, start: int, line_sums: Iterable[int]) -> int:
    """The offset up to which the lines from ``start`` on have these sums."""
    file.seek(start)
    total = 0
    for line_sum in line_sums:
        line = file.readline()
        total = crc32(line, total)
        if total != line_sum or not line.endswith(b"\n"):
            break
        start += len(line)
    return start


def read_block(file: BinaryIO, start: int, end: int | None = None) -> Block | None:
    """Complete lines from ``start`` on, or exactly the bytes up to ``end``; None if there are none.

    A last line without a line feed is not read yet.
    """
    file.seek(start)
    if end is not None:
        data = file.read(end - start)
        return Block(start, end, data) if len(data) == end - start else None
    data = file.read(BLOCK_BYTES)
    cut = data.rfind(b"\n")
    if cut < 0 and len(data) == BLOCK_BYTES:
        data += file.readline()
        cut = data.rfind(b"\n")
    return Block(start, start + cut + 1, data[: cut + 1]) if cut >= 0 else None
