"""Files of JSON lines that somebody else is still writing: which file is it, what is new in it."""

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
"""How much is read and inserted at once; a single longer line makes a longer block.

Some 60,000 spans: with fewer, the engine is kept busy by merging what it has just written.
"""

# The numbers or dates are those that logrotate adds to the name of a file it has rotated.
_NAME = re.compile(r".+\.(?:json|jsonl|ndjson)(?:[.-]\d[\d.T:_-]*)?")
_FINGERPRINT_BYTES = 64 * 1024
_HOLE_STEP_BYTES = 1024 * 1024
# How lines begin. Within a string the quotes would follow backslashes.
_STARTS = (b'{"resourceSpans":', b'{"resourceMetrics":')


@dataclass(frozen=True)
class Block:
    """Whole lines of a file, and where they lie in it: bytes ``start`` to ``end``."""

    start: int
    end: int
    data: bytes

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Offset and content of each line that is not blank.

        A writer that was killed may have left half a line, which the next one has gone on from:
        that is two lines, of which the second is whole. NUL bytes before and after a line are what
        a file that was cut short under its writer is filled up with: they belong to no line.
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

    @cached_property  # noted when the block is begun and when it is finished
    def line_sums(self) -> list[int]:
        """After each line, blank or not, the CRC-32 of the block up to there: see `common_end`."""
        sums, total = [], 0
        for line in BytesIO(self.data):
            total = crc32(line, total)
            sums.append(total)
        return sums


def find_files(paths: Iterable[str | Path]) -> list[Path]:
    """The files named, and the .json, .jsonl and .ndjson files under the directories named.

    Those that were rotated are among them: traces.jsonl.1, traces.jsonl-20261126.

    Raises:
        InputError: a path that does not exist, or is neither file nor directory.
    """
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = (item for item in path.rglob("*") if _NAME.fullmatch(item.name))
            found |= dict.fromkeys(sorted(item for item in inside if item.is_file()))
        elif path.is_file():
            found[path] = None
        else:
            wrong = "is no regular file" if path.exists() else "does not exist"
            raise InputError(f"{path} {wrong}: name OTLP JSON files or directories of them")
    return list(found)


def size_of(path: Path) -> int:
    """Bytes in the file; 0 when it is gone by now."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def exclusively(file: BinaryIO) -> Iterator[None]:
    """Wait until no other benchlab reads this file into a store; its writer is not held up.

    It saves work. That each line is taken once does not hang on it, as copies have no lock in
    common, and so a file that cannot be locked is read without: NFS wants it open for writing.
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
    """What a file is known by, wherever it lies: how it begins; None until that is complete.

    It is the first line, or 64 KiB of a longer one, after a hole if there is one. Every first line
    holds times and ids of its own.
    """
    file.seek(skip_hole(file, 0))
    line = file.readline(_FINGERPRINT_BYTES)
    return line if line.endswith(b"\n") or len(line) == _FINGERPRINT_BYTES else None


def skip_hole(file: BinaryIO, start: int) -> int:
    """The first byte from ``start`` on that is not NUL, or the end of the file.

    A file that was cut short while its writer went on where it was, rather than at the new end,
    has such a hole.
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
    """A hash of the 64 KiB before ``end``; all before it, if that is less."""
    start = max(0, end - _FINGERPRINT_BYTES)
    file.seek(start)
    return hashlib.sha256(file.read(end - start)).hexdigest()[:32]


def common_end(file: BinaryIO, start: int, line_sums: Iterable[int]) -> int:
    """Where the lines from ``start`` on cease to be those that have these sums."""
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
    """Whole lines from ``start`` on, or exactly the bytes up to ``end``; None when there are none.

    A last line without its line feed is left for later.
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
