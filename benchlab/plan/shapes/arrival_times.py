"""Read recorded arrival times from text, such as a column of an access log."""

from __future__ import annotations

import io
import math
import re

from benchlab.errors import InputError

__all__ = ["PER_S", "read_arrivals_s", "unit_by_size"]

PER_S = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""How many of each unit make a second."""

_SPELLED = {"sec": "s", "seconds": "s", "millis": "ms", "milliseconds": "ms", "µs": "us"}
_UNIT = re.compile(
    rf"(?:^|[\W_]|(?<=[a-z])(?=[A-Z]))((?i:{'|'.join([*PER_S, *_SPELLED])}))[\W_]*\Z"
)
# Times since 1970 by their size: in a smaller unit they would be before 1974, in a larger one
# after the year 5000.
_SINCE_1970 = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"))
_ONE_NUMBER_OR_TWO = re.compile(r"\d+,\d+")
_ONE_COLUMN = "\n"  # what separates columns where there is one


def read_arrivals_s(text: str, most: int) -> list[float]:
    """The times in ``text`` in seconds since the first of them, in the order of the lines.

    The rules are those of `benchlab.Replay.parse`.

    Raises:
        InputError: a line that cannot be read, no time, or more than ``most``.
    """
    times: list[float] = []
    header: str | None = None
    delimiter, decided = _ONE_COLUMN, False
    for number, line in enumerate(io.StringIO(text.removeprefix("\ufeff"), newline=None), start=1):
        field = line.partition(delimiter)[0]
        try:
            time: float | None = float(field)
        except ValueError:
            row = line.strip()
            if not row or row.startswith("#"):
                continue
            if not decided:
                delimiter, decided = _delimiter(row, number), True
            field = _first(row, delimiter)
            time = _number(field)
            if time is None and header is None and not times:
                header = field
                continue
        if time is None or not math.isfinite(time):
            raise InputError(
                f"line {number} begins with {field.strip()[:40]!r}, which is not an arrival time:"
                " write one number of seconds per line, or CSV with it in the first column"
            )
        times.append(time)
        if len(times) > most:
            raise InputError(f"there are more than {most:,} arrival times: give a part of them")
    if not times:
        raise InputError("there are no arrival times: write one number of seconds per line")
    first = min(times)
    per_s = PER_S[_unit(header or "", first)]
    return [round((time - first) / per_s, 9) for time in times]


def _delimiter(row: str, number: int) -> str:
    """What separates the columns, by the first row that is not one plain number."""
    for mark in (";", "\t"):
        if mark in row:
            return mark
    if "," not in row or (row.startswith('"') and row.find('"', 1) == len(row) - 1):
        return _ONE_COLUMN
    if _ONE_NUMBER_OR_TWO.fullmatch(row):
        raise InputError(
            f"line {number} is {row[:40]!r}, which may be one number or two columns",
            remedy="write a decimal point, or give the columns a header",
        )
    return ","


def _first(row: str, delimiter: str) -> str:
    """The first field; a comma in it is a decimal comma."""
    quoted = row.startswith('"')
    field = row[1:].partition('"')[0] if quoted else row.partition(delimiter)[0]
    return field.strip().replace(",", ".")


def _number(field: str) -> float | None:
    try:
        return float(field)
    except ValueError:
        return None


def unit_by_size(value: float) -> str:
    """The unit of a time since 1970, by its size."""
    return next((unit for limit, unit in _SINCE_1970 if value >= limit), "s")


def _unit(header: str, first: float) -> str:
    named = _UNIT.search(header)
    if named is None:
        return unit_by_size(first)
    unit = named[1].lower()
    return _SPELLED.get(unit, unit)
