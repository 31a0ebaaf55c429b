"""Read HdrHistogram's percentile tables (``.hgrm``), alone or inside wrk2's output.

Each row is a latency and the number of requests that did not exceed it. The table does not name
its unit: milliseconds in wrk2's output, and by default in that of HdrHistogram's tools. vegeta's
``-type=hdrplot`` names it in the header. Lines with mean and maximum follow the table, but not
where it is CSV, nor where vegeta wrote it: there the row of 100 % must be the last.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchlab.errors import InputError
from benchlab.exchange.parsing import Place, lines
from benchlab.exchange.tools.summaries import content_of, integer, nanoseconds, summary_of
from benchlab.exchange.tools.vegeta_report import ESTIMATED
from benchlab.exchange.tools.wrk import Totals, totals_of
from benchlab.runs.imported_summary import ImportedSummary, Point
from benchlab.units import NS_PER_MS, NS_PER_S

__all__ = ["UNITS_NS", "read_hgrm"]

UNITS_NS = {"ns": 1, "us": 1_000, "ms": NS_PER_MS, "s": NS_PER_S}

_HEAD = re.compile(
    r"\s*\"?Value(?:\((?P<unit>ns|us|ms|s)\))?\"?[\s,]+\"?Percentile\"?[\s,]+\"?TotalCount"
)
_ROW = re.compile(r"\s*([\d.]+)[\s,]+([\d.]+)[\s,]+(\d+)(?:[\s,]+([\d.]+|inf|Infinity))?\s*")

_LINES_MAX = 10_000  # wrk2 prints a dozen and one for each thread

# Values in the lines below the table: the line's pattern, and a parser for each of its groups.
_FIELDS: dict[str, tuple[re.Pattern[str], tuple[Callable[[str], Any], ...]]] = {
    "mean": (re.compile(r"#\[Mean\s*=\s*([\d.]+)"), (float,)),
    "max": (
        re.compile(r"#\[Max\s*=\s*([\d.]+),\s*Total ?[cC]ount\s*=\s*([\d.]+)"),
        (float, integer),
    ),
}


def read_hgrm(path: Path, url: str | None, unit: str | None) -> ImportedSummary:
    """Read the first table in the file, and wrk2's results around it.

    Raises:
        InputError: there is no table, or it decreases, or it was cut off.
    """
    place, named = Place(path), ""
    fields: dict[str, list[Any]] = {}
    points: list[Point] = []
    around: list[str] = []
    inside = ended = to_the_end = False
    for line in lines(path, place):
        if not ended and (head := _HEAD.match(line)):
            inside, named = True, head["unit"] or ""
            continue
        unit_ns = UNITS_NS[named or unit or "ms"]
        if inside and (row := _ROW.fullmatch(line)):
            with place:
                points.append(_point(row, points, unit_ns))
            to_the_end = points[-1].ratio == 1 and row[4] is not None
            continue
        footer = line.lstrip().startswith("#")
        if inside and line.strip() and not footer:
            raise place.error(f"{line.strip()[:60]!r} is not a row of the table")
        ended = ended or (inside and footer)
        inside = inside and not ended
        with place:
            _read_field(line, fields, unit_ns)
        if not footer and len(around) < _LINES_MAX:
            around.append(line)
    if not points:
        raise InputError(f"{path} holds no percentile table (Value, Percentile, TotalCount)")
    if "max" not in fields and not to_the_end:
        raise InputError(
            f"{path}: the table was cut off: its last line, with the maximum and the total count,"
            " is missing"
        )
    with content_of(path, "wrk2"):
        totals = totals_of("\n".join([*around, ""]))
    return _summary(path, url, named, unit, points, fields, totals)


def _read_field(line: str, fields: dict[str, list[Any]], unit_ns: int) -> None:
    """Add the values in the line to ``fields``, unless an earlier line had them."""
    for name, (pattern, readers) in _FIELDS.items():
        if name not in fields and (match := pattern.search(line)):
            fields[name] = [read(text) for read, text in zip(readers, match.groups(), strict=True)]
            fields[name][0] = nanoseconds(fields[name][0], unit_ns)


def _point(row: re.Match[str], points: list[Point], unit_ns: int) -> Point:
    point = Point(float(row[2]), nanoseconds(row[1], unit_ns), integer(row[3]))
    if point.ratio > 1:
        raise ValueError(f"percentile {row[2]} is above 1")
    if points and (
        point.value_ns < points[-1].value_ns
        or point.ratio < points[-1].ratio
        or (point.request_count or 0) < (points[-1].request_count or 0)
    ):
        raise ValueError("the table decreases here")
    return point


def _summary(
    path: Path,
    url: str | None,
    named: str,
    unit: str | None,
    points: list[Point],
    fields: dict[str, list[Any]],
    totals: Totals | None,
) -> ImportedSummary:
    in_table = points[-1].request_count or 0
    max_ns, total = fields.get("max", (points[-1].value_ns, in_table))
    if total != in_table:
        raise InputError(
            f"{path}: the table ends at {in_table:,} of {total:,} requests: rows are missing"
        )
    source = ESTIMATED if named else "percentiles are those of the tool's histogram"
    notes = [
        f"{source}; one without a row of its own is taken from the next higher row, and so is not"
        " too low"
    ]
    if not named:
        notes.append(f"the unit of the table is taken to be {unit or 'ms'}")
    count = totals.count if totals else in_table
    if count != in_table:
        notes.append(f"{count:,} requests were made, {in_table:,} of them are in the table")
    tool = "vegeta" if named else "HdrHistogram"
    return summary_of(
        path,
        "hgrm",
        "wrk2" if totals else tool,
        url=url or (totals.url if totals else ""),
        duration_s=totals.duration_s if totals else None,
        count=count,
        error_count=sum(totals.errors.values()) if totals else None,
        rate_rps=totals.rate_rps if totals else None,
        mean_ns=fields["mean"][0] if "mean" in fields else None,
        max_ns=max_ns,
        percentiles=points,
        errors=totals.errors if totals else {},
        notes=notes,
    )
