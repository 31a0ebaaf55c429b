"""Storage for records in memory or in a file, and replacement of files.

    allocate_records   an array of a known number of records, in memory or in a mapped file
    RecordFile         records whose number is not known beforehand, in a mapped file
    replacing          write a file completely, or leave the old one
    open_private       open a file for this user alone

Both kinds of mapped file are nameless and disappear with the last array that refers to them.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import RunError
from benchlab.samples.records import SAMPLE_DTYPE

__all__ = [
    "RecordFile",
    "allocate_records",
    "make_private",
    "open_private",
    "replace_text",
    "replacing",
]

_MOST_IN_MEMORY_BYTES = 224_000_000  # 4 million samples


def allocate_records(count: int, dtype: np.dtype[np.void], directory: Path) -> NDArray[Any]:
    """A 1-d array of ``count`` zeros: in memory or, if it is large, in a file in ``directory``.

    The system can write the pages of a mapped file out, so a run may be larger than memory. If the
    disk has no space for the file, or cannot reserve it, the array is in memory after all.
    """
    size = count * dtype.itemsize
    if size > _MOST_IN_MEMORY_BYTES and hasattr(os, "posix_fallocate"):
        with suppress(OSError), tempfile.TemporaryFile(dir=directory) as file:
            os.posix_fallocate(file.fileno(), 0, size)
            return _mapped(file, dtype, count, "r+")
    return np.zeros(count, dtype=dtype)


class RecordFile:
    """A temporary file of `SAMPLE_DTYPE` records that grows while another file is read."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="benchlab-")  # noqa: SIM115
        self.count = 0

    def close(self) -> None:
        """Close the file; arrays that `mapped` returned stay valid."""
        with suppress(OSError):  # of data that the disk had no space for
            self._file.close()

    def append(self, records: NDArray[np.void]) -> None:
        """Add a 1-d array of records.

        Raises:
            RunError: the disk has no space for them.
        """
        try:
            self._file.write(np.ascontiguousarray(records).tobytes())
            self._file.flush()
        except OSError as exc:
            raise RunError(
                f"cannot keep the samples in {tempfile.gettempdir()} while the file is read"
                f" ({exc.strerror})",
                remedy="make room there, or set TMPDIR to a directory on a larger disk",
            ) from exc
        self.count += len(records)

    def mapped(self) -> NDArray[np.void]:
        """All records, mapped from the file: pages are loaded when they are accessed."""
        if self.count == 0:
            return np.empty(0, dtype=SAMPLE_DTYPE)
        return _mapped(self._file, SAMPLE_DTYPE, self.count, "r")


def open_private(path: Path, flags: int) -> int:
    """Open ``path``, which is made if it is missing, for this user alone; returns a descriptor."""
    descriptor = os.open(path, flags | os.O_CREAT, 0o600)
    if os.fstat(descriptor).st_mode & 0o777 != 0o600:  # of another umask, or an older file
        os.fchmod(descriptor, 0o600)
    return descriptor


def make_private(directory: Path) -> None:
    """Make ``directory`` and all below it accessible to this user alone, as far as it is theirs."""
    for path in (directory, *directory.rglob("*")):
        with suppress(OSError):  # removed meanwhile, or of another user
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode) and mode & 0o077:
                path.chmod(0o700 if stat.S_ISDIR(mode) else 0o600)


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Open a file that replaces ``path`` on success; a reader sees the old file or the new one.

    Each writer has a partial file of its own, so of two at once one wins whole. On any error the
    partial file is removed and ``path`` stays as it was. A link stays, and its target is replaced.
    What is no file, such as a pipe or ``/dev/stdout``, is written to and stays what it is. A
    ``private`` file is for this user alone, whatever the umask.

    Raises:
        OSError: the file cannot be written.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    path = path.resolve()
    partial = path.with_name(f".{path.name}.{os.urandom(4).hex()}.partial")
    try:
        if private:
            opened: BinaryIO = os.fdopen(open_private(partial, os.O_WRONLY), "wb")
        else:
            opened = partial.open("wb")
        with opened as file:
            yield file
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink()


def replace_text(path: Path, text: str, *, private: bool = False) -> None:
    """Replace the file at ``path`` with ``text`` in UTF-8, as `replacing` does."""
    with replacing(path, private=private) as file:
        file.write(text.encode())


def _mapped(file: IO[bytes], dtype: np.dtype[np.void], count: int, mode: str) -> NDArray[Any]:
    return np.asarray(np.memmap(file, dtype=dtype, mode=mode, shape=(count,)))  # type: ignore[call-overload]
