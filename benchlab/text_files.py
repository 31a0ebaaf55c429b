"""Read text files that others wrote: UTF-8 or UTF-16, with a byte order mark or without.

PowerShell's ``>`` writes UTF-16, Excel and Notepad put a mark before UTF-8. Gzip is decompressed.
Nothing is read beyond a bound, however well a file is compressed.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from benchlab.errors import InputError

__all__ = [
    "LONGEST_LINE",
    "bounded_lines",
    "csv_reader",
    "decode_text",
    "encoding_of",
    "open_bytes",
    "open_text",
    "read_text",
]

LONGEST_LINE = 64_000_000
"""The most characters of a line, or a field of CSV, that are read."""

_MARKS_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_GZIP_MAGIC = b"\x1f\x8b"
# Compressed files that are not unpacked here, and what unpacks them.
_PACKED = {
    b"BZh": ("bzip2", "bunzip2"),
    b"\xfd7zXZ\x00": ("xz", "unxz"),
    b"\x28\xb5\x2f\xfd": ("Zstandard", "unzstd"),
    b"PK\x03\x04": ("zip", "unzip"),
}
_LONGEST_TEXT = 256_000_000


def encoding_of(head: bytes) -> str:
    """The codec for text that begins with ``head``, of which it takes a byte order mark away.

    UTF-16 without a mark is recognised by its first two characters, one byte of which is zero.

    >>> encoding_of(b"\\xff\\xfe{"), encoding_of(b'{\\x00"\\x00'), encoding_of(b'{"')
    ('utf-16', 'utf-16-le', 'utf-8-sig')
    """
    if head.startswith(_MARKS_UTF16):
        return "utf-16"
    zeros = [byte == 0 for byte in head[:4]]
    if zeros == [False, True, False, True]:
        return "utf-16-le"
    if zeros == [True, False, True, False]:
        return "utf-16-be"
    return "utf-8-sig"


def decode_text(data: bytes, errors: str = "strict") -> str:
    """The text in ``data``, without its byte order mark.

    Raises:
        UnicodeDecodeError: it is neither UTF-8 nor UTF-16, and ``errors`` is "strict".
    """
    return data.decode(encoding_of(data), errors)


@contextmanager
def open_bytes(path: Path) -> Iterator[io.BufferedReader | gzip.GzipFile]:
    """Open a file for reading bytes; gzip is decompressed.

    Raises:
        InputError: the file cannot be read, or is compressed in another way.
    """
    try:
        with path.open("rb") as file:
            head = file.read(6)
            file.seek(0)
            for magic, (name, command) in _PACKED.items():
                if head.startswith(magic):
                    raise InputError(
                        f"{path} is compressed with {name}",
                        remedy=f"unpack it first, with {command} for example; only gzip is read",
                    )
            if not head.startswith(_GZIP_MAGIC):
                yield file
                return
            with gzip.open(file) as unpacked:
                yield unpacked
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise InputError(f"cannot read {path}: it is damaged, as gzip: {exc}") from exc
    except OSError as exc:
        raise InputError(f"cannot read {path}: {exc.strerror or exc}") from exc


@contextmanager
def open_text(path: Path, errors: str = "strict") -> Iterator[TextIO]:
    """Open a file for reading text; line ends are kept as they are.

    Raises:
        InputError: the file cannot be read, or is compressed with something else than gzip.
        UnicodeDecodeError: when reading, it is neither UTF-8 nor UTF-16, and ``errors`` is
            "strict".
    """
    with open_bytes(path) as file:
        head = file.read(4)
        file.seek(0)
        text = io.TextIOWrapper(file, encoding_of(head), errors, newline="")
        try:
            yield text
        finally:
            text.detach()  # the file is closed by whoever opened it


def bounded_lines(file: TextIO, where: str = "") -> Iterator[str]:
    """The lines of a file, with their ends; ``where`` names the file in errors.

    Raises:
        InputError: a line is longer than `LONGEST_LINE`.
    """
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise InputError(
                f"the line is longer than {LONGEST_LINE // 1_000_000} MB, the most that is read",
                where=where,
            )
        yield line


def read_text(path: Path) -> str:
    """The text of a whole file, of at most 256 million characters.

    Raises:
        InputError: the file cannot be read, is longer, or is neither UTF-8 nor UTF-16.
    """
    try:
        with open_text(path) as file:
            text = file.read(_LONGEST_TEXT + 1)
    except UnicodeDecodeError as exc:
        raise InputError(f"{path} is neither UTF-8 nor UTF-16 text: {exc}") from exc
    if len(text) > _LONGEST_TEXT:
        raise InputError(f"{path} is longer than {_LONGEST_TEXT // 1_000_000} MB of text")
    return text


def csv_reader(lines: Iterable[str], *, delimiter: str = ",", strict: bool = False) -> Any:
    """A `csv.reader` that takes fields of up to 64 million characters, instead of 131,072.

    The limit is one for the whole process. It is only raised here, which no other reader notices.
    """
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
    return csv.reader(lines, delimiter=delimiter, strict=strict)
