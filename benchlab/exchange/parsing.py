"""Read text files line by line; errors name the file and the line."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from benchlab.errors import WRONG_CONTENT, InputError
from benchlab.text import one_line
from benchlab.text_files import LONGEST_LINE, bounded_lines, csv_reader, open_bytes, open_text
from benchlab.units import NS_PER_S

__all__ = [
    "LONGEST_BYTES",
    "Place",
    "Table",
    "chunks",
    "columns",
    "content_digest",
    "csv_rows",
    "lines",
    "parse_rfc3339_ns",
    "too_long",
]

LONGEST_BYTES = LONGEST_LINE
"""The longest piece of a file that is read into memory at once."""

_LINE_ENDS = ("\n", "\r")
_MOST_IN_ROW = 100_000
_LONGEST_MESSAGE = 500
_CUT_LINES = 100  # of a last row; over more of them, a quote is open that does not belong there


class Place:
    """A position in a file: path and line. ``with place:`` adds both to errors about the content.

    Exceptions in `WRONG_CONTENT` become an `InputError`. ``with place.entry:`` is the same for an
    entry of a format whose files grow by entries, such as a row: if the file ends within the
    entry, its writer was stopped, or the file cut off later. What is before it counts, so there is
    no error, but a note.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = 0
        self.unfinished = False
        """The file ends within this line, or right behind it without a line end."""
        self.cut = False
        """The file was cut off, and is taken up to there."""
        self.entry = _Entry(self)

    @property
    def notes(self) -> list[str]:
        """What a reader of the result should know about the file."""
        if not self.cut:
            return []
        return [f"the file is cut off in line {self.line:,}: what is before it was read"]

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
        if isinstance(error, _WRONG):
            text = one_line(str(error), _LONGEST_MESSAGE)  # it may quote a whole field
            raise self.error(text or type(error).__name__) from error


_WRONG = (*WRONG_CONTENT, csv.Error)


class _Entry:
    """See `Place`."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None:
            return False
        if self._place.unfinished and isinstance(error, _WRONG):
            self._place.cut = True
            return True
        self._place.__exit__(kind, error, trace)
        return False


def lines(path: Path, place: Place) -> Iterator[str]:
    """The lines of a file without line ends; ``place`` is updated."""
    with open_text(path, "replace") as file:
        for line in _located(bounded_lines(file), place):
            place.unfinished = not line.endswith(_LINE_ENDS)
            yield line.rstrip("\r\n")


def _located(found: Iterator[str], place: Place) -> Iterator[str]:
    """These lines, numbered by ``place``. Where gzip was cut off, the file ends."""
    number = 1
    place.line = number
    try:
        with place:
            for line in found:
                yield line
                number += 1
                place.line = number
        place.line = number - 1
    except EOFError:
        place.cut = True


def too_long(piece: str, limit_bytes: int = LONGEST_BYTES) -> str:
    """The error message for a line, or another ``piece``, above the size limit."""
    return f"the {piece} is longer than {limit_bytes // 1_000_000} MB, the most that is read"


def csv_rows(path: Path, place: Place, delimiter: str = ",") -> Iterator[list[str]]:
    """The rows of a CSV file; ``place`` is updated, also across quoted line breaks."""
    with open_text(path, "replace") as file:
        source = _CsvLines(_located(bounded_lines(file), place), place, delimiter)
        reader = csv_reader(source, delimiter=delimiter)
        while True:
            source.begin_row()
            first = reader.line_num + 1
            with place:
                row = next(reader, None)
            if row is None:
                return
            if row:
                place.line = first
                ends = source.ended or not source.last.endswith(_LINE_ENDS)
                place.unfinished = ends and reader.line_num - first < _CUT_LINES
                yield row


class _CsvLines:
    """The lines of a CSV file, for `csv.reader`, which bounds neither fields nor lines of a row."""

    def __init__(self, lines: Iterator[str], place: Place, delimiter: str) -> None:
        self.last = ""
        self.ended = False
        self._lines, self._place, self._delimiter = lines, place, delimiter
        self._left = 0

    def begin_row(self) -> None:
        self._left = _MOST_IN_ROW

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._left -= 1 + (line.count(self._delimiter) if len(line) > _MOST_IN_ROW else 0)
            if self._left < 0:
                raise ValueError(f"the row has over {_MOST_IN_ROW:,} fields or lines")
            self.last = line
            yield line
        self.ended = True


class Table:
    """The rows of a CSV file with a header, each as a dict.

    A header that is repeated, as in files that were put together, is passed over.
    """

    def __init__(
        self,
        path: Path,
        place: Place,
        needed: Sequence[str],
        delimiter: str = ",",
        names: Sequence[str] = (),
        trailing: bool = False,
    ) -> None:
        """Read the header, which must have the ``needed`` names. With ``names`` there is none.

        ``trailing``: a row may have another delimiter at its end.
        """
        self._rows, self._place = csv_rows(path, place, delimiter), place
        self._trailing = trailing
        self._header = list(names) or next(self._rows, [])
        columns(self._header, needed, place)
        self.names = tuple(name.strip() for name in self._header)

    def __iter__(self) -> Iterator[dict[str, str]]:
        count = len(self.names)
        for row in self._rows:
            if self._trailing and len(row) == count + 1 and not row[-1]:
                del row[-1]
            if len(row) == count:
                if row != self._header:
                    yield dict(zip(self.names, row, strict=True))
                continue
            with self._place.entry:
                raise ValueError(f"the row has {len(row)} columns, the header {count}")


def columns(header: Sequence[str], needed: Sequence[str], place: Place) -> dict[str, int]:
    """Map each column name in a CSV header to its index.

    Raises:
        InputError: one of the ``needed`` columns is missing.
    """
    indexes = {name.strip(): index for index, name in enumerate(header)}
    missing = [name for name in needed if name not in indexes]
    if missing:
        raise place.error(
            f"the columns {', '.join(missing)} are missing; the header has"
            f" {one_line(str(list(indexes)), _LONGEST_MESSAGE)}"
        )
    return indexes


def chunks(path: Path, place: Place) -> Iterator[bytes]:
    """The bytes of a file, piece by piece. Where gzip was cut off, the file ends."""
    chunk = b""
    with open_bytes(path) as file:
        while True:
            try:
                chunk = file.read1(1 << 16)
            except EOFError:
                if not chunk:
                    raise
                place.cut = True
                return
            if not chunk:
                return
            yield chunk


def content_digest(path: Path, salt: str) -> str:
    """The id of an imported file: 16 hex digits of the hash of its decompressed content."""
    digest = hashlib.sha256(salt.encode())
    for chunk in chunks(path, Place(path)):
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
