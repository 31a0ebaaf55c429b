"""HdrHistogram's percentile tables (``.hgrm``), alone or inside wrk2's output.

The table says which latency was not exceeded by how many requests, in a unit that it does not
name: milliseconds in wrk2's output and in what HdrHistogram's tools write by default.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from benchlab.errors import InputError
from benchlab.exchange.text import Place, content_digest, lines
from benchlab.units import NS_PER_MS, NS_PER_S
from benchlab.values.imported import ImportedSummary, Point

__all__ = ["UNITS_NS", "read_hgrm"]

UNITS_NS = {"ns": 1, "us": 1_000, "ms": NS_PER_MS, "s": NS_PER_S}

_HEAD = re.compile(r"\s*\"?Value\"?[\s,]+\"?Percentile\"?[\s,]+\"?TotalCount")
_ROW = re.compile(r"\s*([\d.]+)[\s,]+([\d.]+)[\s,]+(\d+)(?:[\s,]+(?:[\d.]+|inf|Infinity))?\s*")
_MEAN = re.compile(r"#\[Mean\s*=\s*([\d.]+)")
_MAX = re.compile(r"#\[Max\s*=\s*([\d.]+),\s*Total ?[cC]ount\s*=\s*([\d.]+)")
_RUNNING = re.compile(r"Running \S+ test @ (\S+)")
_REQUESTS = re.compile(r"\s*(\d+) requests in ([\d.]+)(us|ms|s|m|h),")
_SOCKET = re.compile(r"\s*Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")
_STATUS = re.compile(r"\s*Non-2xx or 3xx responses: (\d+)")
_RATE = re.compile(r"Requests/sec:\s*([\d.]+)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def read_hgrm(path: Path, url: str | None, unit: str) -> ImportedSummary:
    """The first table in the file, and what wrk2 says around it.

    Raises:
        InputError: no table, one that decreases, or one that was cut off.
    """
    unit_ns = UNITS_NS[unit]
    place = Place(path)
    text: list[str] = []
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
        text.append(line)
    if not points:
        raise InputError(f"{path} holds no percentile table (Value, Percentile, TotalCount)")
    return _summary(path, url, unit, points, "\n".join(text))


def _point(row: re.Match[str], points: list[Point], unit_ns: int) -> Point:
    point = Point(float(row[2]), round(float(row[1]) * unit_ns), int(row[3]))
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
    path: Path, url: str | None, unit: str, points: list[Point], text: str
) -> ImportedSummary:
    unit_ns = UNITS_NS[unit]
    mean, top = _MEAN.search(text), _MAX.search(text)
    if top is None:
        raise InputError(
            f"{path}: the table has no closing line with the maximum and the total count: it was"
            " cut off"
        )
    total = round(float(top[2]))
    if total != points[-1].request_count:
        raise InputError(
            f"{path}: the table ends at {points[-1].request_count:,} of {total:,} requests:"
            " rows are missing"
        )
    running, requests, rate = (found.search(text) for found in (_RUNNING, _REQUESTS, _RATE))
    errors = None
    if requests is not None:
        socket, status = _SOCKET.search(text), _STATUS.search(text)
        errors = sum(map(int, socket.groups())) if socket else 0
        errors += int(status[1]) if status else 0
    notes = [
        "percentiles of a histogram that the tool made: where it has no row for one, the next row"
        " above stands for it, which is no less",
        f"the unit of the table is taken to be {unit}",
    ]
    if requests is not None and int(requests[1]) != points[-1].request_count:
        notes.append(
            f"{int(requests[1]):,} requests were made,"
            f" {points[-1].request_count:,} of them are in the table"
        )
    return ImportedSummary(
        id=content_digest(path, "hgrm"),
        tool="wrk2" if running else "HdrHistogram",
        format="hgrm",
        name=path.name.split(".")[0],
        url=url or (running[1] if running else ""),
        duration_s=float(requests[2]) * _SECONDS[requests[3]] if requests else None,
        count=int(requests[1]) if requests else points[-1].request_count,
        error_count=errors,
        rate_rps=float(rate[1]) if rate else None,
        mean_ns=round(float(mean[1]) * unit_ns) if mean and math.isfinite(float(mean[1])) else None,
        max_ns=round(float(top[1]) * unit_ns),
        percentiles=tuple(points),
        notes=tuple(notes),
    )
