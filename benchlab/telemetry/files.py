"""Read files of JSON lines while they are written: identify them, and split them into blocks.

A file whose JSON is laid out over several lines (pretty-printed) is read as well, document by
document. Such a file is taken to be written once, so two of them are not compared line by line.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

from benchlab.errors import WRONG_CONTENT, InputError

__all__ = [
    "BLOCK_BYTES",
    "Block",
    "common_end",
    "exclusively",
    "find_files",
    "first_line",
    "incomplete_size",
    "is_complete",
    "read_block",
    "size_of",
    "skip_hole",
    "tail_hash",
]

BLOCK_BYTES = 32 * 1024 * 1024
"""Size of a block, which is read and inserted at once; a longer line makes a longer block.

About 60,000 spans: with fewer, the engine is busy merging the parts it has just written.
"""

# logrotate adds a number or a date to the name of a rotated file, and may compress it.
_NAME = re.compile(r".+\.(?:json|jsonl|ndjson)(?:[.-]\d[\d.T:_-]*)?(?:\.gz)?")
_FINGERPRINT_BYTES = 64 * 1024
_HOLE_STEP_BYTES = 1024 * 1024
# How lines start. Within a JSON string the quotes would be escaped.
_STARTS = (b'{"resourceSpans":', b'{"resourceMetrics":')
# The start of a document that is laid out over several lines: the second is indented.
_LAID_OUT = re.compile(rb"(?:\[\s*)?[\[{][ \t\r]*\n[ \t]+\S")
_BLANK = b"\0 \t\r\n"
_BOM = b"\xef\xbb\xbf"
_LARGEST_LAID_OUT_BYTES = 256 * 1024 * 1024


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
        filled with NUL bytes: those before and after a line do not belong to it. A document over
        several lines, and each element of a list, is given as one line.
        """
        if _is_laid_out(self.data):
            for start, end in _documents(self.data):
                yield from _elements(self.start + start, self.data[start:end])
            return
        offset = self.start
        for line in self.data.split(b"\n"):
            whole = line.startswith(b"[") and is_complete(line)
            torn = 0 if whole else max(line.rfind(mark) for mark in _STARTS)
            pieces = ((0, line[:torn]), (torn, line[torn:])) if torn > 0 else ((0, line),)
            for at, piece in pieces:
                content = piece.lstrip(b"\0").removeprefix(_BOM)
                start = offset + at + len(piece) - len(content)
                content = content.rstrip(b"\0")
                if content and not content.isspace():
                    yield from _elements(start, content)
            offset += len(line) + 1

    @cached_property  # in the ledger entries of both states
    def line_sums(self) -> list[int]:
        """The CRC-32 of the block up to the end of each line, blank or not: see `common_end`."""
        sums, total = [], 0
        for line in BytesIO(self.data):
            total = _line_sum(line, total)
            sums.append(total)
        return sums


def _line_sum(line: bytes, total: int) -> int:
    """The sum ``total`` with one more line, which may lack its line feed."""
    return crc32(line if line.endswith(b"\n") else line + b"\n", total)


def is_complete(line: bytes) -> bool:
    """Whether a line without a line feed is whole: a JSON object or list to its end."""
    content = line.removeprefix(_BOM).strip(_BLANK)
    if not content.startswith((b"{", b"[")) or not content.endswith((b"}", b"]")):
        return False
    try:
        json.loads(content)
    except WRONG_CONTENT:
        return False
    return True


def _is_laid_out(data: bytes) -> bool:
    """Whether the data is JSON documents that are laid out over several lines.

    A file that has lines as well is read line by line: a document that is never completed would
    hold them up.
    """
    if _LAID_OUT.match(data.removeprefix(_BOM).lstrip(_BLANK)) is None:
        return False
    return not any(b"\n" + mark in data for mark in _STARTS)


def _documents(data: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each JSON document in ``data``, up to the first that is not complete."""
    # In Latin-1 offsets of characters are those of bytes, and what structures JSON is ASCII.
    text = data.decode("latin-1")
    decoder = json.JSONDecoder()
    end = 3 if data.startswith(_BOM) else 0
    while True:
        start = end + len(data[end:]) - len(data[end:].lstrip(_BLANK))
        try:
            _, end = decoder.raw_decode(text, start)
        except WRONG_CONTENT:
            return
        yield start, end


def _elements(offset: int, content: bytes) -> Iterator[tuple[int, bytes]]:
    """A JSON object in one line, or those of a list; anything else as it is."""
    if not content.startswith(b"[") and b"\n" not in content:
        yield offset, content
        return
    try:
        document = json.loads(content)
    except WRONG_CONTENT:
        yield offset, content
        return
    elements = document if isinstance(document, list) else [document]
    if not all(isinstance(element, dict) for element in elements):
        yield offset, content
        return
    for element in elements:
        yield offset, json.dumps(element, separators=(",", ":")).encode()


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

    At most 64 KiB of it, without the line feed; a hole before it is skipped. Every first line, and
    every first document over several lines, has times and ids of its own.
    """
    start = skip_hole(file, 0)
    file.seek(start)
    if _is_laid_out(file.read(_FINGERPRINT_BYTES)):
        file.seek(start)
        data = file.read(_LARGEST_LAID_OUT_BYTES)
        if _is_laid_out(data):
            first, end = next(_documents(data), (0, 0))
            return data[first:end][:_FINGERPRINT_BYTES] or None
    file.seek(start)
    line = file.readline(_FINGERPRINT_BYTES)
    if line.endswith(b"\n") or len(line) == _FINGERPRINT_BYTES or is_complete(line):
        return line.removesuffix(b"\n")
    return None


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
        total = _line_sum(line, total)
        if total != line_sum or not line:
            break
        start += len(line)
    return start


def incomplete_size(file: BinaryIO, start: int) -> int:
    """Bytes from ``start`` on of a line, or document over several lines, that is not complete."""
    file.seek(start)
    if _is_laid_out(file.read(_LARGEST_LAID_OUT_BYTES)):
        return file.seek(0, os.SEEK_END) - start
    file.seek(start)
    line = file.readline()
    return 0 if line.endswith(b"\n") or not line.strip(_BLANK) else len(line)


def read_block(file: BinaryIO, start: int, end: int | None = None) -> Block | None:
    """Complete lines from ``start`` on, or exactly the bytes up to ``end``; None if there are none.

    A last line without a line feed is read if it is whole, otherwise it is not read yet.
    """
    file.seek(start)
    if end is not None:
        data = file.read(end - start)
        return Block(start, end, data) if len(data) == end - start else None
    data = file.read(BLOCK_BYTES)
    if _is_laid_out(data) and _is_laid_out(longer := data + file.read(_LARGEST_LAID_OUT_BYTES)):
        data = longer
        length = max((end for _, end in _documents(data)), default=0)
    else:
        at_end = len(data) < BLOCK_BYTES
        length = data.rfind(b"\n") + 1
        if not at_end and length == 0:
            data += file.readline()
            at_end = not data.endswith(b"\n")
            length = data.rfind(b"\n") + 1
        if at_end and is_complete(data[length:]):
            length = len(data)
    return Block(start, start + length, data[:length]) if length else None
