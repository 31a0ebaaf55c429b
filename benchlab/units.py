"""Parse and format durations, counts and rates, always with their unit; and moments."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from benchlab.errors import InputError

__all__ = [
    "NS_PER_MS",
    "NS_PER_S",
    "format_bytes",
    "format_column_ms",
    "format_count",
    "format_duration_s",
    "format_ms",
    "format_narrow_ms",
    "format_ns",
    "format_parts_ms",
    "format_rate",
    "format_ratio",
    "format_share",
    "format_time_s",
    "ns_from_utc",
    "ns_unit",
    "parse_duration_s",
    "parse_share",
    "parse_size_bytes",
    "seconds_to_ns",
    "utc_from_ns",
]

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000

_UNIT_S = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
}
_DURATION = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-zµ]*)\s*", re.ASCII | re.IGNORECASE)
_SIZE = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(?:([kmg])(i?)b?|b)?\s*", re.ASCII | re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS_UNITS = ((NS_PER_S, "s"), (NS_PER_MS, "ms"), (1_000, "µs"), (1, "ns"))


def parse_duration_s(text: str) -> float:
    """Seconds meant by ``500ms``, ``30s``, ``2m``, ``1h``, ``90d`` or a bare number of seconds.

    Units may be combined (``1m30s``).

    Raises:
        InputError: nothing readable, or a unit that is not ns, us, ms, s, m, h or d.
    """
    remedy = "write a number with a unit, such as 500ms, 30s or 2m"
    position, total = 0, 0.0
    stripped = text.strip()
    while position < len(stripped):
        match = _DURATION.match(stripped, position)
        if match is None:
            raise InputError(f"{text!r} is not a duration", remedy=remedy)
        number, unit = match.groups()
        if unit == "" and (position > 0 or match.end() < len(stripped)):
            raise InputError(f"{text!r} is not a duration", remedy=remedy)
        if unit.lower() not in _UNIT_S and unit != "":
            raise InputError(f"{text!r} has the unknown unit {unit!r}", remedy=remedy)
        total += float(number) * _UNIT_S[unit.lower() or "s"]
        position = match.end()
    if not stripped:
        raise InputError("the duration is empty", remedy=remedy)
    return total


def format_duration_s(seconds: float) -> str:
    """``seconds`` as `parse_duration_s` reads them: to the nanosecond, such as ``2.5s``."""
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def format_time_s(seconds: float) -> str:
    """A time in the two largest of hours, minutes and seconds.

    >>> format_time_s(8.4), format_time_s(84), format_time_s(3600), format_time_s(9000)
    ('8 s', '1 min 24 s', '1 h', '2 h 30 min')
    """
    whole = round(seconds)
    minutes, left = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    if minutes:
        return f"{minutes} min {left} s" if left else f"{minutes} min"
    return f"{left} s"


def parse_size_bytes(text: str) -> int:
    """Bytes meant by ``500``, ``1kB``, ``1.5MB`` (powers of 1000) or ``64KiB`` (of 1024).

    Raises:
        InputError: nothing readable, or an unknown unit.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise InputError(f"{text!r} is not a size", remedy="write bytes, or such as 64KiB or 1MB")
    number, letter, binary = match.groups()
    factor: int = (1024 if binary else 1000) ** " kmg".index((letter or " ").lower())
    return round(float(number) * factor)


def parse_share(text: str) -> float:
    """The share meant by ``2%`` or ``0.02``, which are the same.

    Raises:
        InputError: nothing readable, or not between 0 and 100 %.

    >>> parse_share("2%"), parse_share("0.02")
    (0.02, 0.02)
    """
    number, percent, rest = text.strip().partition("%")
    try:
        share = float(number) / 100 if percent else float(number)
    except ValueError:
        share = math.nan
    if rest or not 0 <= share <= 1:
        raise InputError(
            f"{text!r} is not a share between 0 and 100 %", remedy="write it as 2% or 0.02"
        )
    return share


def seconds_to_ns(seconds: float) -> int:
    """Whole nanoseconds nearest to ``seconds``."""
    return round(seconds * NS_PER_S)


def ns_unit(value_ns: float) -> tuple[int, str]:
    """Divisor and name of the unit in which a person reads ``value_ns`` best.

    Format a whole group of values by the unit of its largest: one unit per table column.
    """
    for divisor, name in _NS_UNITS:
        if abs(value_ns) >= divisor:
            return divisor, name
    return 1, "ns"


def format_ns(value_ns: float) -> str:
    """``value_ns`` with three significant digits and its unit, such as ``1.24 ms``."""
    divisor, name = ns_unit(value_ns)
    value = value_ns / divisor
    digits = 0 if name == "ns" else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f} {name}"


def format_column_ms(values_ns: Sequence[int | None]) -> list[str]:
    """Durations in ms with the same number of decimals, so that a column of them lines up.

    The smallest above zero keeps three significant digits; nothing is finer than a microsecond.
    What is None, since it was not measured, is a dash.
    """
    smallest = min((abs(value) for value in values_ns if value), default=0) / NS_PER_MS
    decimals = min(3, max(0, 2 - math.floor(math.log10(smallest)))) if smallest > 0 else 0
    return ["–" if value is None else f"{value / NS_PER_MS:,.{decimals}f}" for value in values_ns]


def format_narrow_ms(value_ns: int | None) -> str:
    """A duration in ms where width is scarce: seven characters up to 1,000 s; a dash for None."""
    if value_ns is None:
        return "–"
    value = value_ns / NS_PER_MS
    return f"{value:,.{3 if value < 100 else 2 if value < 1_000 else 0}f}"


def format_ms(value_ns: int) -> str:
    """A duration in ms with its unit and three significant digits, as `format_column_ms` has it.

    Durations that are shown together have one unit: ms wherever people read them.
    """
    return " ".join(format_parts_ms(value_ns))


def format_parts_ms(value_ns: int) -> tuple[str, str]:
    """The number and the unit of `format_ms`."""
    return format_column_ms([value_ns])[0], "ms"


def format_count(value: int) -> str:
    """``value`` with thousands separators."""
    return f"{value:,}"


def format_rate(rate_rps: float, noun: str = "request") -> str:
    """``rate_rps`` as requests, or ``noun``s, per second."""
    return f"{rate_rps:,.1f} {noun}s/s"


def format_ratio(ratio: float) -> str:
    """``ratio`` (0 to 1) as a percentage; a small ratio above zero never reads 0 %."""
    if 0 < ratio < 0.0001:
        return "<0.01 %"
    return f"{ratio * 100:.2f} %"


def format_share(ratio: float) -> str:
    """``ratio`` (0 to 1) as a percentage of two digits: where a part of a whole is an estimate."""
    percent = ratio * 100
    if 0 < percent < 0.1:
        return "<0.1 %"
    return f"{percent:.1f} %" if 0 < percent < 9.95 else f"{percent:.0f} %"


def format_bytes(count: float) -> str:
    """``count`` bytes in the binary unit that reads best."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024 or unit == "GiB":
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("unreachable")


def utc_from_ns(time_ns: int) -> datetime:
    """The aware moment ``time_ns`` after 1970 in UTC, cut to whole microseconds.

    Raises:
        ValueError, OverflowError, OSError: the system cannot count as far.
    """
    whole_s, rest_ns = divmod(time_ns, NS_PER_S)
    return datetime.fromtimestamp(whole_s, UTC).replace(microsecond=rest_ns // 1000)


def ns_from_utc(moment: datetime) -> int:
    """Nanoseconds from 1970 to the aware ``moment``: whole microseconds, which it has.

    >>> ns_from_utc(utc_from_ns(1_795_460_064_981_497_375))
    1795460064981497000
    """
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
