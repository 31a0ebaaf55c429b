"""Read HdrHistogram's percentile tables (``.hgrm``), alone or inside wrk2's output.

Each row is a latency and the number of requests that did not exceed it. The table does not name
its unit: milliseconds in wrk2's output, and by default in that of HdrHistogram's tools.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchlab.errors import InputError
from benchlab.exchange.parsing import Place, content_digest, lines
from benchlab.runs.imported_summary import ImportedSummary, Point
from benchlab.units import NS_PER_MS, NS_PER_S

__all__ = ["UNITS_NS", "read_hgrm"]

UNITS_NS = {"ns": 1, "us": 1_000, "ms": NS_PER_MS, "s": NS_PER_S}

_HEAD = re.compile(r"\s*\"?Value\"?[\s,]+\"?Percentile\"?[\s,]+\"?TotalCount")
_ROW = re.compile(r"\s*([\d.]+)[\s,]+([\d.]+)[\s,]+(\d+)(?:[\s,]+(?:[\d.]+|inf|Infinity))?\s*")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def _count(text: str) -> int:
    return _whole(float(text))


def _whole(value: float) -> int:
    if not value < 1 << 63:
        raise ValueError(f"{value:g} is too large: it must fit into 63 bits")
    return round(value)


# Values in the lines around the table: the line's pattern, and a parser for each of its groups.
_FIELDS: dict[str, tuple[re.Pattern[str], tuple[Callable[[str], Any], ...]]] = {
    "mean": (re.compile(r"#\[Mean\s*=\s*([\d.]+)"), (float,)),
    "max": (
        re.compile(r"#\[Max\s*=\s*([\d.]+),\s*Total ?[cC]ount\s*=\s*([\d.]+)"),
        (float, _count),
    ),
    "running": (re.compile(r"Running \S+ test @ (\S+)"), (str,)),
    "requests": (
        re.compile(r"\s*(\d+) requests in ([\d.]+)(us|ms|s|m|h),"),
        (_count, float, _SECONDS.__getitem__),
    ),
    "socket": (
        re.compile(r"\s*Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)"),
        (_count, _count, _count, _count),
    ),
    "status": (re.compile(r"\s*Non-2xx or 3xx responses: (\d+)"), (_count,)),
    "rate": (re.compile(r"Requests/sec:\s*([\d.]+)"), (float,)),
}


def read_hgrm(path: Path, url: str | None, unit: str) -> ImportedSummary:
    """Read the first table in the file, and wrk2's results around it.

    Raises:
        InputError: there is no table, or it decreases, or it was cut off.
    """
    unit_ns = UNITS_NS[unit]
    place = Place(path)
    fields: dict[str, list[Any]] = {}
    points: list[Point] = []
    inside = ended = False
    for line in lines(path, place):
        if not ended and _HEAD.match(line):
            inside = True
            continue
        if inside and (row := _ROW.fullmatch(line)):
            with place:
                points.append(_point(row, points, unit_ns))
            continue
        if inside and line.strip() and not line.startswith("#"):
            raise place.error(f"{line.strip()[:60]!r} is not a row of the table")
        ended = ended or (inside and line.startswith("#"))
        inside = inside and not ended
        with place:
            _read_field(line, fields, unit_ns)
    if not points:
        raise InputError(f"{path} holds no percentile table (Value, Percentile, TotalCount)")
    return _summary(path, url, unit, points, fields)


def _read_field(line: str, fields: dict[str, list[Any]], unit_ns: int) -> None:
    """Add the values in the line to ``fields``, unless an earlier line had them."""
    for name, (pattern, readers) in _FIELDS.items():
        if name not in fields and (match := pattern.search(line)):
            fields[name] = [read(text) for read, text in zip(readers, match.groups(), strict=True)]
            if name in ("mean", "max"):
                fields[name][0] = _whole(fields[name][0] * unit_ns)


def _point(row: re.Match[str], points: list[Point], unit_ns: int) -> Point:
    point = Point(float(row[2]), _whole(float(row[1]) * unit_ns), _count(row[3]))
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
    path: Path, url: str | None, unit: str, points: list[Point], fields: dict[str, list[Any]]
) -> ImportedSummary:
    if "max" not in fields:
        raise InputError(
            f"{path}: the table was cut off: its last line, with the maximum and the total count,"
            " is missing"
        )
    max_ns, total = fields["max"]
    in_table = points[-1].request_count or 0
    if total != in_table:
        raise InputError(
            f"{path}: the table ends at {in_table:,} of {total:,} requests: rows are missing"
        )
    count, length, unit_s = fields.get("requests", (in_table, 0.0, 0.0))
    notes = [
        "percentiles are those of the tool's histogram: one without a row of its own is taken from"
        " the next higher row, and so is not too low",
        f"the unit of the table is taken to be {unit}",
    ]
    if count != in_table:
        notes.append(f"{count:,} requests were made, {in_table:,} of them are in the table")
    errors = sum(fields.get("socket", ())) + sum(fields.get("status", ()))
    return ImportedSummary(
        id=content_digest(path, "hgrm"),
        tool="wrk2" if "running" in fields else "HdrHistogram",
        format="hgrm",
        name=path.name.split(".")[0],
        url=url or "".join(fields.get("running", ())),
        duration_s=length * unit_s if "requests" in fields else None,
        count=count,
        error_count=errors if "requests" in fields else None,
        rate_rps=fields["rate"][0] if "rate" in fields else None,
        mean_ns=fields["mean"][0] if "mean" in fields else None,
        max_ns=max_ns,
        percentiles=tuple(points),
        notes=tuple(notes),
    )
