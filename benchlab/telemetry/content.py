"""The content of a telemetry file as a plain file: unpacked, and in UTF-8."""

from __future__ import annotations

import codecs
import gzip
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from benchlab.errors import InputError
from benchlab.paths import data_dir
from benchlab.text_files import encoding_of, open_bytes

__all__ = ["plain_content"]

_CHUNK_BYTES = 1024 * 1024
_SMALLEST_BYTES = 64 * 1024
# Telemetry shrinks by 10 to 50 times; a file that grows by more than this is no telemetry.
_LARGEST_RATIO = 300


@contextmanager
def plain_content(path: Path) -> Iterator[BinaryIO]:
    """Open a file of JSON lines, such that offsets in it are those of UTF-8 text.

    A file that is compressed with gzip, or is UTF-16, is expanded into an unnamed temporary file
    in the data directory. Of one that ends early or is damaged this has the part before.

    Raises:
        InputError: it cannot be read, is compressed in another way, or expands to more than 300
            times its size.
    """
    with open_bytes(path) as file:
        encoding = encoding_of(file.read(4))
        file.seek(0)
        if not isinstance(file, gzip.GzipFile) and encoding == "utf-8-sig":
            yield cast("BinaryIO", file)
            return
        data_dir().mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=data_dir()) as plain:
            largest = max(path.stat().st_size, _SMALLEST_BYTES) * _LARGEST_RATIO
            decoder = codecs.getincrementaldecoder(encoding)("replace")
            for chunk in _chunks(file):
                plain.write(chunk if encoding == "utf-8-sig" else decoder.decode(chunk).encode())
                if plain.tell() > largest:
                    raise InputError(
                        f"{path} expands to more than {_LARGEST_RATIO} times its size",
                        remedy="unpack it first if it is what it should be",
                    )
            plain.seek(0)
            yield cast("BinaryIO", plain)


def _chunks(file: BufferedReader | gzip.GzipFile) -> Iterator[bytes]:
    """The content in pieces, as far as it can be decompressed."""
    while True:
        try:
            chunk = file.read1(_CHUNK_BYTES)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return
        if not chunk:
            return
        yield chunk
