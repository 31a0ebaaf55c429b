"""Lines of a text file with their numbers, and what is said of one that is broken."""

from __future__ import annotations

import csv
import gzip
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import IO

from benchlab.errors import InputError
from benchlab.units import NS_PER_S

__all__ = [
    "LONGEST_BYTES",
    "WRONG_CONTENT",
    "Place",
    "columns",
    "content_digest",
    "csv_rows",
    "lines",
    "opened",
    "parse_rfc3339_ns",
    "too_long",
]

LONGEST_BYTES = 64_000_000
"""The most of a file that is read as one piece, such as a line, and so has to be held."""

WRONG_CONTENT = (
    ValueError,
    TypeError,
    LookupError,
    OverflowError,
    AttributeError,
    RecursionError,  # JSON of absurd depth
)
"""What reading a value raises where it is not what its format says."""

_GZIP_MAGIC = b"\x1f\x8b"


class Place:
    """Where reading is: a file and a line. Wrong content met inside ``with place:`` is told so."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = 0

    def error(self, what: str) -> InputError:
        """An error that begins with file and line."""
        return InputError(what, where=f"{self.path}:{self.line}")

    def __enter__(self) -> Place:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, InputError):
            if error.where:
                return
            raise error.within(f"{self.path}:{self.line}") from error
        if isinstance(error, KeyError):
            raise self.error(f"the field {error} is missing") from error
        if isinstance(error, (*WRONG_CONTENT, csv.Error)):
            raise self.error(str(error) or type(error).__name__) from error


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of the file, unpacked when it is gzip's.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP_MAGIC
            file.seek(0)
            if not packed:
                yield file
                return
            with gzip.open(file) as unpacked:
                yield unpacked  # type: ignore[misc]  # it reads like a file
    except (OSError, EOFError, zlib.error) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise InputError(f"cannot read {path}: {reason}") from exc


def lines(path: Path, place: Place) -> Iterator[str]:
    """The lines of a file without their ends; ``place`` follows."""
    with opened(path) as file:
        for line in _bounded_lines(file, place):
            place.line += 1
            yield line.rstrip("\r\n")


def _bounded_lines(file: IO[bytes], place: Place) -> Iterator[str]:
    number = 0
    while raw := file.readline(LONGEST_BYTES + 1):
        number += 1
        if len(raw) > LONGEST_BYTES:
            place.line = number
            raise place.error(too_long("line"))
        yield raw.decode(errors="replace")


def too_long(piece: str, limit_bytes: int = LONGEST_BYTES) -> str:
    """What is wrong with a line, or another ``piece``, that is not read to its end."""
    return f"the {piece} is longer than {limit_bytes // 1_000_000} MB: it is not read"


def csv_rows(path: Path, place: Place) -> Iterator[list[str]]:
    """The rows of a CSV file; ``place`` follows, also through quoted line breaks."""
    with opened(path) as file:
        reader = csv.reader(_bounded_lines(file, place))
        while True:
            place.line = reader.line_num + 1
            with place:
                row = next(reader, None)
            if row is None:
                return
            if row:
                yield row


def columns(head: Sequence[str], needed: Sequence[str], place: Place) -> dict[str, int]:
    """Where each column of a CSV head is.

    Raises:
        InputError: one of the ``needed`` is not there.
    """
    found = {name.strip(): index for index, name in enumerate(head)}
    missing = [name for name in needed if name not in found]
    if missing:
        raise place.error(f"the columns {', '.join(missing)} are missing, there are {list(found)}")
    return found


def content_digest(path: Path, salt: str) -> str:
    """16 hex digits made of the file's content (unpacked): the id of what was imported."""
    digest = hashlib.sha256(salt.encode())
    with opened(path) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()[:16]


def parse_rfc3339_ns(text: str) -> int:
    """``2026-11-25T21:50:00.123456789+01:00`` as whole ns since 1970.

    Raises:
        ValueError: it is no such time.
    """
    whole, rest = text[:19], text[19:]
    fraction = ""
    if rest.startswith("."):
        end = next((i for i in range(1, len(rest)) if not rest[i].isdigit()), len(rest))
        fraction, rest = rest[1:end], rest[end:]
    return _whole_second(whole, rest) * NS_PER_S + int(fraction[:9].ljust(9, "0"))


@lru_cache(maxsize=1024)
def _whole_second(whole: str, zone: str) -> int:
    moment = datetime.fromisoformat(whole + zone)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
