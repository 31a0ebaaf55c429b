"""Read text files line by line; errors name the file and the line."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from benchlab.errors import WRONG_CONTENT, InputError
from benchlab.text_files import LONGEST_LINE, bounded_lines, csv_reader, open_bytes, open_text
from benchlab.units import NS_PER_S

__all__ = [
    "LONGEST_BYTES",
    "Place",
    "columns",
    "content_digest",
    "csv_rows",
    "lines",
    "parse_rfc3339_ns",
    "too_long",
]

LONGEST_BYTES = LONGEST_LINE
"""The longest piece of a file that is read into memory at once."""


class Place:
    """A position in a file: path and line. ``with place:`` adds both to errors about the content.

    Exceptions in `WRONG_CONTENT` become an `InputError`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = 0

    def error(self, problem: str) -> InputError:
        """An error whose message starts with the file and the line."""
        return InputError(problem, where=f"{self.path}:{self.line}")

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


def lines(path: Path, place: Place) -> Iterator[str]:
    """The lines of a file without line ends; ``place`` is updated."""
    with open_text(path, "replace") as file:
        found = bounded_lines(file)
        while True:
            place.line += 1
            with place:
                line = next(found, None)
            if line is None:
                return
            yield line.rstrip("\r\n")


def too_long(piece: str, limit_bytes: int = LONGEST_BYTES) -> str:
    """The error message for a line, or another ``piece``, above the size limit."""
    return f"the {piece} is longer than {limit_bytes // 1_000_000} MB, the most that is read"


def csv_rows(path: Path, place: Place) -> Iterator[list[str]]:
    """The rows of a CSV file; ``place`` is updated, also across quoted line breaks."""
    with open_text(path, "replace") as file:
        reader = csv_reader(bounded_lines(file))
        while True:
            place.line = reader.line_num + 1
            with place:
                row = next(reader, None)
            if row is None:
                return
            if row:
                yield row


def columns(header: Sequence[str], needed: Sequence[str], place: Place) -> dict[str, int]:
    """Map each column name in a CSV header to its index.

    Raises:
        InputError: one of the ``needed`` columns is missing.
    """
    indexes = {name.strip(): index for index, name in enumerate(header)}
    missing = [name for name in needed if name not in indexes]
    if missing:
        raise place.error(
            f"the columns {', '.join(missing)} are missing; the header has {list(indexes)}"
        )
    return indexes


def content_digest(path: Path, salt: str) -> str:
    """The id of an imported file: 16 hex digits of the hash of its decompressed content."""
    digest = hashlib.sha256(salt.encode())
    with open_bytes(path) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()[:16]


def parse_rfc3339_ns(text: str) -> int:
    """Parse a time such as ``2026-11-25T21:50:00.123456789+01:00`` to ns since 1970.

    Raises:
        ValueError: the text is not in that format.
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
