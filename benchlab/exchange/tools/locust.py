"""Read Locust's time series and its totals.

``--csv NAME`` writes ``NAME_stats_history.csv``, a line each second, and ``NAME_stats.csv`` at the
end. The last line of the first comes up to a second before the end: it lacks the requests since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchlab.errors import InputError
from benchlab.exchange.parsing import Place, Table
from benchlab.exchange.tools.summaries import integer, nanoseconds, number, ratio, summary_of
from benchlab.runs.imported_summary import ImportedSummary, Interval, Point
from benchlab.units import NS_PER_MS, NS_PER_S

__all__ = ["read_locust_history", "read_locust_stats"]

_ALL = "Aggregated"
_TOTALS = (
    "Median Response Time",
    "Average Response Time",
    "Min Response Time",
    "Max Response Time",
)
_NEEDED = (
    "Timestamp",
    "User Count",
    "Type",
    "Name",
    "Requests/s",
    "Failures/s",
    "Total Request Count",
    "Total Failure Count",
    *(f"Total {name}" for name in _TOTALS),
)
_STATS_NEEDED = ("Type", "Name", "Request Count", "Failure Count", "Requests/s", *_TOTALS)
_ROUNDED = "Locust rounds percentiles to two digits"
_NOTES = (
    "requests after the last line, which comes before the end, are not counted: NAME_stats.csv,"
    " which Locust writes beside this file, has them all",
    "for the whole run the file has only median, mean, minimum and maximum: its other percentiles"
    " cover the last seconds before each line, and are in imported_timeline",
    _ROUNDED,
)
_STATS_NOTES = (
    _ROUNDED,
    "the duration is that of the requests by Locust's rate, from the first to the last",
)


def read_locust_history(path: Path, url: str | None) -> ImportedSummary:
    """Read the totals in the last line for all requests, and the time series."""
    place = Place(path)
    timeline: list[Interval] = []
    last: dict[str, str] = {}
    for fields in _table(path, place, _NEEDED):
        with place.entry:
            timeline.append(_interval(fields))
            if fields["Name"] == _ALL and not fields["Type"]:
                last = fields
    if not last:
        raise InputError(f"{path} has no line for all requests (Name {_ALL!r})")
    start_s, end_s = timeline[0].at_s, timeline[-1].at_s
    count, error_count = (integer(last[f"Total {what} Count"]) for what in ("Request", "Failure"))
    median, mean, low, high = _totals(last, "Total ", count, place)
    return summary_of(
        path,
        "locust-history",
        "Locust",
        name=path.name.split(".")[0].removesuffix("_stats_history"),
        url=url or "",
        started_at_ns=start_s * NS_PER_S,
        duration_s=float(end_s - start_s),
        count=count,
        error_count=error_count,
        rate_rps=count / (end_s - start_s) if end_s > start_s else None,
        mean_ns=mean,
        min_ns=low,
        max_ns=high,
        percentiles=(Point(0.5, median),) if median is not None else (),
        timeline=tuple(timeline),
        notes=(*_NOTES, *place.notes),
    )


def read_locust_stats(path: Path, url: str | None) -> ImportedSummary:
    """Read the line for all requests of ``NAME_stats.csv``."""
    place = Place(path)
    found: dict[str, str] = {}
    for fields in _table(path, place, _STATS_NEEDED):
        if fields["Name"] == _ALL and not fields["Type"]:
            found, line = fields, place.line
    if not found:
        raise InputError(f"{path} has no line for all requests (Name {_ALL!r})")
    place.line = line
    with place:
        count, rate_rps = integer(found["Request Count"]), number(found["Requests/s"])
        median, mean, low, high = _totals(found, "", count, place)
        points = _points(found)
        error_count = integer(found["Failure Count"])
    return summary_of(
        path,
        "locust-stats",
        "Locust",
        name=path.name.split(".")[0].removesuffix("_stats"),
        url=url or "",
        duration_s=count / rate_rps if rate_rps > 0 else None,
        count=count,
        error_count=error_count,
        rate_rps=rate_rps,
        mean_ns=mean,
        min_ns=low,
        max_ns=high,
        percentiles=points or ((Point(0.5, median),) if median is not None else ()),
        notes=(*_STATS_NOTES, *place.notes),
    )


def _table(path: Path, place: Place, needed: Sequence[str]) -> Table:
    with place:
        return Table(path, place, needed)


def _totals(fields: Mapping[str, str], prefix: str, count: int, place: Place) -> list[int | None]:
    """Median, mean, minimum and maximum in ns; None without requests."""
    with place:
        values = [_ns(fields[prefix + name]) for name in _TOTALS]
        return [value if count else None for value in values]


def _interval(fields: dict[str, str]) -> Interval:
    method, name = fields["Type"], fields["Name"]
    return Interval(
        at_s=nanoseconds(fields["Timestamp"], NS_PER_S) // NS_PER_S,
        endpoint="" if name == _ALL and not method else f"{method} {name}".strip(),
        user_count=integer(fields["User Count"]),
        rate_rps=number(fields["Requests/s"]),
        failure_rate_rps=number(fields["Failures/s"]),
        request_count=integer(fields["Total Request Count"]),
        error_count=integer(fields["Total Failure Count"]),
        percentiles=_points(fields),
    )


def _points(fields: Mapping[str, str]) -> tuple[Point, ...]:
    return tuple(
        Point(ratio(name[:-1]), _ns(value))
        for name, value in fields.items()
        if name.endswith("%") and value != "N/A"
    )


def _ns(ms: str) -> int:
    return nanoseconds(ms, NS_PER_MS)
