"""Files of JSON lines that somebody else is still writing: which file is it, what is new in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import fstat
from pathlib import Path
from typing import BinaryIO

from benchlab.errors import InputError

__all__ = ["BLOCK_BYTES", "Block", "exclusively", "file_id", "find_files", "read_block", "size_of"]

BLOCK_BYTES = 32 * 1024 * 1024
"""How much is read and inserted at once; a single longer line makes a longer block.

Some 60,000 spans: with fewer, the engine is kept busy by merging what it has just written.
"""

_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})
_FINGERPRINT_BYTES = 4096
# How lines begin. Within a string the quotes would follow backslashes.
_STARTS = (b'{"resourceSpans":', b'{"resourceMetrics":')


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a file, and where they lie in it: bytes ``start`` to ``end``."""

    start: int
    end: int
    data: bytes

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Offset and content of each line that is not blank.

        A writer that was killed may have left half a line, which the next one has gone on from:
        that is two lines, of which the second is whole.
        """
        offset = self.start
        for line in self.data.split(b"\n"):
            torn = max(line.rfind(start) for start in _STARTS)
            if torn > 0:
                yield offset, line[:torn]
                yield offset + torn, line[torn:]
            elif line and not line.isspace():
                yield offset, line
            offset += len(line) + 1


def find_files(paths: Iterable[str | Path]) -> list[Path]:
    """The files named, and the .json, .jsonl and .ndjson files under the directories named.

    Raises:
        InputError: a path that does not exist.
    """
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = (item for item in path.rglob("*") if item.suffix in _SUFFIXES)
            found |= dict.fromkeys(sorted(item for item in inside if item.is_file()))
        elif path.is_file():
            found[path] = None
        else:
            raise InputError(f"{path} does not exist: name OTLP JSON files or directories of them")
    return list(found)


def size_of(path: Path) -> int:
    """Bytes in the file; 0 when it is gone by now."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def exclusively(file: BinaryIO) -> Iterator[None]:
    """Wait until no other benchlab reads this file into a store; its writer is not held up."""
    try:
        from fcntl import LOCK_EX, LOCK_UN, flock
    except ImportError:  # no such lock on this system
        yield
        return
    flock(file, LOCK_EX)
    try:
        yield
    finally:
        flock(file, LOCK_UN)


def file_id(file: BinaryIO) -> str | None:
    """A name for this file that survives renaming; None until its first line is complete.

    Device and inode say which file it is; a hash of its first line notices when its content was
    replaced, since every first line holds times and ids of its own.
    """
    file.seek(0)
    head = file.readline(_FINGERPRINT_BYTES)
    if not head.endswith(b"\n") and len(head) < _FINGERPRINT_BYTES:
        return None
    status = fstat(file.fileno())
    return f"{status.st_dev:x}-{status.st_ino:x}-{hashlib.sha256(head).hexdigest()[:16]}"


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
