"""HdrHistogram's percentile tables (``.hgrm``), alone or inside wrk2's output.

The table says which latency was not exceeded by how many requests, in a unit that it does not
name: milliseconds in wrk2's output and in what HdrHistogram's tools write by default.
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
        raise ValueError(f"{value:g} is more than can be kept")
    return round(value)


# What lines around the table say, by what they begin with, and how each group is read.
_SAID: dict[str, tuple[re.Pattern[str], tuple[Callable[[str], Any], ...]]] = {
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
    """The first table in the file, and what wrk2 says around it.

    Raises:
        InputError: no table, one that decreases, or one that was cut off.
    """
    unit_ns = UNITS_NS[unit]
    place = Place(path)
    said: dict[str, list[Any]] = {}
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
            raise place.error(f"{line.strip()[:60]!r} is no row of the table")
        ended = ended or (inside and line.startswith("#"))
        inside = inside and not ended
        with place:
            _listen(line, said, unit_ns)
    if not points:
        raise InputError(f"{path} holds no percentile table (Value, Percentile, TotalCount)")
    return _summary(path, url, unit, points, said)


def _listen(line: str, said: dict[str, list[Any]], unit_ns: int) -> None:
    """Take what the line says, unless an earlier one did."""
    for name, (pattern, readers) in _SAID.items():
        if name not in said and (found := pattern.search(line)):
            said[name] = [read(text) for read, text in zip(readers, found.groups(), strict=True)]
            if name in ("mean", "max"):
                said[name][0] = _whole(said[name][0] * unit_ns)


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
    path: Path, url: str | None, unit: str, points: list[Point], said: dict[str, list[Any]]
) -> ImportedSummary:
    if "max" not in said:
        raise InputError(
            f"{path}: the table has no closing line with the maximum and the total count: it was"
            " cut off"
        )
    max_ns, total = said["max"]
    in_table = points[-1].request_count or 0
    if total != in_table:
        raise InputError(
            f"{path}: the table ends at {in_table:,} of {total:,} requests: rows are missing"
        )
    count, length, unit_s = said.get("requests", (in_table, 0.0, 0.0))
    notes = [
        "percentiles of a histogram that the tool made: where it has no row for one, the next row"
        " above stands for it, which is no less",
        f"the unit of the table is taken to be {unit}",
    ]
    if count != in_table:
        notes.append(f"{count:,} requests were made, {in_table:,} of them are in the table")
    errors = sum(said.get("socket", ())) + sum(said.get("status", ()))
    return ImportedSummary(
        id=content_digest(path, "hgrm"),
        tool="wrk2" if "running" in said else "HdrHistogram",
        format="hgrm",
        name=path.name.split(".")[0],
        url=url or "".join(said.get("running", ())),
        duration_s=length * unit_s if "requests" in said else None,
        count=count,
        error_count=errors if "requests" in said else None,
        rate_rps=said["rate"][0] if "rate" in said else None,
        mean_ns=said["mean"][0] if "mean" in said else None,
        max_ns=max_ns,
        percentiles=tuple(points),
        notes=tuple(notes),
    )
