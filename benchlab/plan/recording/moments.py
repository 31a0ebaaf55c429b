"""Times of log entries, and windows of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from attrs import frozen

from benchlab.errors import InputError
from benchlab.plan.shapes.arrival_times import PER_S, unit_by_size
from benchlab.units import NS_PER_S

__all__ = ["Moment", "Window", "read_clf", "read_epoch", "read_iso", "read_strftime"]

_DAY_S = 86_400
_MONTHS = {name: number for number, name in enumerate(
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
)}  # fmt: skip
_CLF = re.compile(
    r"(\d{1,2})/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d)"
    r"(?:[.,](\d{1,9})\d*)?(?: ?([+-]\d{4}|Z))?"
)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9})\d*)?"
    r"\s?(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?"
)
_MOST_NS = 2**62
_MOST_DIGITS = 40
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d+)?))?")
_BETWEEN = re.compile(r"\s*(?:/|\.\.|–|—|\s-\s|\bto\b)\s*")
_HINT = "write it as 10:00-10:05, or with dates as 2026-03-14T10:00/2026-03-14T10:05"


class Moment(NamedTuple):
    """A time in ns since 1970, and how it was written.

    ``zone_s`` is the offset of local time from UTC; ``is_whole`` says that it has no fraction of
    a second.
    """

    ns: int
    zone_s: int
    is_whole: bool


def read_clf(text: str) -> Moment | None:
    """A time as in ``14/Mar/2026:09:00:00 +0100``; None if it is none."""
    found = _CLF.fullmatch(text.strip("[] "))
    if found is None:
        return None
    day, month, year, hour, minute, second, fraction, zone = found.groups()
    if month not in _MONTHS:
        return None
    date = f"{year}-{_MONTHS[month]:02d}-{int(day):02d}"
    return _moment(date, f"{hour}:{minute}:{second}", fraction, zone)


def read_iso(text: str) -> Moment | None:
    """A time as in ``2026-03-14T09:00:00.117+01:00``, UTC without a zone; None if it is none."""
    found = _ISO.fullmatch(text.strip("[] "))
    return None if found is None else _moment(*found.groups())


def read_epoch(given: str | float, per_s: int = 0) -> Moment | None:
    """A time since 1970 in one unit, of which ``per_s`` make a second; 0 finds it by the size."""
    text = given.strip() if isinstance(given, str) else repr(given)
    try:
        value = float(text)
    except ValueError:
        return None
    if not 0 <= value < _MOST_NS:  # nor nan
        return None
    per_s = per_s or PER_S[unit_by_size(value)]
    whole, _, fraction = text.partition(".")
    # Exact, where a float is not.
    if len(whole) < _MOST_DIGITS and whole.isdecimal() and (fraction or "0").isdecimal():
        digits = fraction[:9]
        ns = int(whole) * (NS_PER_S // per_s)
        ns += int(digits or 0) * NS_PER_S // (per_s * 10 ** len(digits))
    else:
        ns = round(value * NS_PER_S / per_s)
    return Moment(ns, 0, per_s == 1 and not fraction) if ns < _MOST_NS else None


def read_strftime(text: str, form: str) -> Moment | None:
    """A time in a format of ``strftime``; None if it is none."""
    try:
        moment = datetime.strptime(text, form)  # a zone may be in the format
    except (ValueError, re.error):  # as of a format that has one part twice
        return None
    zone = moment.utcoffset() or timedelta()
    since = moment.replace(tzinfo=UTC) - zone - datetime(1970, 1, 1, tzinfo=UTC)
    ns = (since.days * _DAY_S + since.seconds) * NS_PER_S + since.microseconds * 1000
    return Moment(ns, int(zone.total_seconds()), "%f" not in form) if ns >= 0 else None


def _moment(date: str, clock: str, fraction: str | None, zone: str | None) -> Moment | None:
    try:
        second, zone_s = _whole_second(date, clock, zone or "Z")
    except ValueError:
        return None
    if not 0 <= second < _MOST_NS // NS_PER_S:
        return None
    ns = int(fraction.ljust(9, "0")) if fraction else 0
    return Moment(second * NS_PER_S + ns, zone_s, not fraction)


@lru_cache(maxsize=4096)
def _whole_second(date: str, clock: str, zone: str) -> tuple[int, int]:
    leap = clock.endswith(":60")  # of which POSIX time knows nothing
    zone = "Z" if zone in ("z", "UTC") else zone
    moment = datetime.fromisoformat(f"{date}T{clock[:-2] + '59' if leap else clock}{zone}")
    offset = moment.utcoffset() or timedelta()
    return int(moment.timestamp()) + leap, int(offset.total_seconds())


@frozen
class Window:
    """A part of the time: from a start to before an end.

    They are local times as the log writes them: ns of a day, or of the days since 1970. With
    ``daily`` the window is of a day, and may go over midnight.
    """

    start_ns: int
    end_ns: int
    daily: bool
    text: str
    is_utc: bool = False

    @classmethod
    def parse(cls, start: Any, end: Any = None) -> Window:
        """The window from ``start`` to ``end``, or in a text such as ``10:00-10:05``.

        Each is a time of the day, an ISO date and time, or a `datetime`.

        Raises:
            InputError: it is not a window.
        """
        if end is None and isinstance(start, tuple | list) and len(start) == 2:
            start, end = start
        text = f"{start}" if end is None else f"{start}/{end}"
        if end is None:
            start, end = _halves(text)
        first, last = (_edge(value, text) for value in (start, end))
        if first.daily != last.daily or (first.is_utc != last.is_utc):
            raise _unreadable(text, "has two kinds of times")
        if first.ns == last.ns or (not first.daily and first.ns > last.ns):
            raise _unreadable(text, "ends before it begins")
        return cls(first.ns, last.ns, first.daily, text, first.is_utc)

    def day_of(self, moment: Moment) -> int | None:
        """The day on which the window that has ``moment`` began; None if it is outside."""
        local = moment.ns + (0 if self.is_utc else moment.zone_s * NS_PER_S)
        if not self.daily:
            return 0 if self.start_ns <= local < self.end_ns else None
        day, since = divmod(local, _DAY_S * NS_PER_S)
        if self.start_ns < self.end_ns:
            return day if self.start_ns <= since < self.end_ns else None
        if since >= self.start_ns:
            return day
        return day - 1 if since < self.end_ns else None


class _Edge(NamedTuple):
    ns: int
    daily: bool
    is_utc: bool


def _halves(text: str) -> tuple[str, str]:
    parts = _BETWEEN.split(text.strip())
    if len(parts) != 2 and text.count("-") == 1:
        parts = text.split("-")
    if len(parts) != 2:
        raise _unreadable(text, "is not a window of time")
    return parts[0].strip(), parts[1].strip()


def _edge(value: Any, text: str) -> _Edge:
    if isinstance(value, datetime):
        given = value.isoformat()
    elif isinstance(value, str):
        given = value.strip()
    else:
        raise _unreadable(text, "is not a window of time")
    if clock := _CLOCK.fullmatch(given):
        hour, minute, second = int(clock[1]), int(clock[2]), float(clock[3] or 0)
        since = hour * 3600 + minute * 60
        if minute > 59 or second >= 60 or since + second > _DAY_S:
            raise _unreadable(text, f"has {given}, which no clock shows")
        return _Edge(since * NS_PER_S + round(second * NS_PER_S), True, False)
    found = _ISO.fullmatch(given if len(given) > 10 else f"{given}T00:00")
    moment = None if found is None else _moment(*found.groups())
    if moment is None or found is None:
        raise _unreadable(text, f"has {given[:40]!r}, which is not a time")
    return _Edge(moment.ns, False, found[4] is not None)


def _unreadable(text: str, problem: str) -> InputError:
    return InputError(problem, field="window", value=text[:80], remedy=_HINT)
