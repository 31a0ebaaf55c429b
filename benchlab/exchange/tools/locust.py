"""Read Locust's time series (``--csv NAME`` writes ``NAME_stats_history.csv``)."""

from __future__ import annotations

from pathlib import Path

from benchlab.errors import InputError
from benchlab.exchange.parsing import Place, columns, content_digest, csv_rows
from benchlab.runs.imported_summary import ImportedSummary, Interval, Point
from benchlab.units import NS_PER_MS, NS_PER_S

__all__ = ["read_locust"]

_ALL = "Aggregated"
_NEEDED = (
    "Timestamp",
    "User Count",
    "Type",
    "Name",
    "Requests/s",
    "Failures/s",
    "Total Request Count",
    "Total Failure Count",
    "Total Median Response Time",
    "Total Average Response Time",
    "Total Min Response Time",
    "Total Max Response Time",
)
_NOTES = (
    "for the whole run the file has only median, mean, minimum and maximum: its other percentiles"
    " cover the last seconds before each line, and are in imported_timeline",
    "Locust rounds percentiles to two digits",
)


def read_locust(path: Path, url: str | None) -> ImportedSummary:
    """Read the totals in the last line for all requests, and the time series."""
    place = Place(path)
    rows = csv_rows(path, place)
    with place:
        where = columns(next(rows, []), _NEEDED, place)
    names = tuple(where)
    timeline: list[Interval] = []
    last: dict[str, str] = {}
    for row in rows:
        with place:
            if len(row) != len(names):
                raise ValueError(f"the row has {len(row)} columns, the header {len(names)}")
            fields = dict(zip(names, row, strict=True))
            timeline.append(_interval(fields))
            if fields["Name"] == _ALL and not fields["Type"]:
                last = fields
    if not last:
        raise InputError(f"{path} has no line for all requests (Name {_ALL!r})")
    count = int(last["Total Request Count"])
    start_s, end_s = timeline[0].at_s, timeline[-1].at_s
    with place:
        mean, low, high, median = (
            round(float(last[f"Total {name} Response Time"]) * NS_PER_MS) if count else None
            for name in ("Average", "Min", "Max", "Median")
        )
    return ImportedSummary(
        id=content_digest(path, "locust-history"),
        tool="Locust",
        format="locust-history",
        name=path.name.split(".")[0].removesuffix("_stats_history"),
        url=url or "",
        started_at_ns=start_s * NS_PER_S,
        duration_s=float(end_s - start_s),
        count=count,
        error_count=int(last["Total Failure Count"]),
        rate_rps=count / (end_s - start_s) if end_s > start_s else None,
        mean_ns=mean,
        min_ns=low,
        max_ns=high,
        percentiles=(Point(0.5, median),) if median is not None else (),
        timeline=tuple(timeline),
        notes=_NOTES,
    )


def _interval(fields: dict[str, str]) -> Interval:
    points = tuple(
        Point(round(float(name[:-1]) / 100, 9), round(float(value) * NS_PER_MS))
        for name, value in fields.items()
        if name.endswith("%") and value != "N/A"
    )
    method, name = fields["Type"], fields["Name"]
    return Interval(
        at_s=int(fields["Timestamp"]),
        endpoint="" if name == _ALL and not method else f"{method} {name}".strip(),
        user_count=int(fields["User Count"]),
        rate_rps=float(fields["Requests/s"]),
        failure_rate_rps=float(fields["Failures/s"]),
        request_count=int(fields["Total Request Count"]),
        error_count=int(fields["Total Failure Count"]),
        percentiles=points,
    )
