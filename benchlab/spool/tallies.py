"""The sums of what a host measured, for a parent that does not get its samples.

    <spool directory>/tally-<w>.bin     of the host whose first worker is w

A file of frames: the length of each as uint32, and its content. Frames are appended whole.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from benchlab.errors import DamagedError
from benchlab.spool.storage import open_private

__all__ = ["NewTallies", "append_tally", "tally_path"]

_LENGTH = struct.Struct("<I")
_LONGEST = 64 << 20


def tally_path(directory: Path, worker: int) -> Path:
    """The file of the host whose first worker has the number ``worker``."""
    return directory / f"tally-{worker}.bin"


def append_tally(path: Path, content: bytes) -> None:
    """Append ``content`` as a frame.

    Raises:
        OSError: it cannot be written; the file is as before.
    """
    descriptor = open_private(path, os.O_WRONLY | os.O_APPEND)
    try:
        size = os.fstat(descriptor).st_size
        data = _LENGTH.pack(len(content)) + content
        if os.write(descriptor, data) != len(data):
            os.ftruncate(descriptor, size)
            raise OSError(f"no room for {len(data)} bytes")
    finally:
        os.close(descriptor)


class NewTallies:
    """Reads the frames that are appended to files while a run goes on."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._read = dict.fromkeys(files, 0)

    def __iter__(self) -> Iterator[bytes]:
        """The content of the frames that were appended since the last time."""
        for path, offset in self._read.items():
            try:
                file = path.open("rb")
            except FileNotFoundError:
                continue
            with file:
                file.seek(offset)
                while content := _next_frame(file, path):
                    self._read[path] += _LENGTH.size + len(content)
                    yield content


def _next_frame(file: BinaryIO, path: Path) -> bytes:
    """The content of the next frame; empty if it is not there, or not all of it."""
    head = file.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return b""
    (length,) = _LENGTH.unpack(head)
    if not 0 < length <= _LONGEST:
        raise DamagedError(f"has a frame of {length} bytes", where=str(path))
    content = file.read(length)
    return content if len(content) == length else b""
