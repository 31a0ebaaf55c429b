"""Read HdrHistogram's interval logs (``.hlog``): a histogram per line, in the V2 encoding.

A line has its start and length in seconds, the highest value, and the histogram; ``Tag=NAME,``
before it names one of several series. Starts are since 1970, or where they are small, since
BaseTime or StartTime. Values have no unit in the file: HistogramLogWriter takes them for ns unless
told otherwise. A percentile is the value of rank ⌈ratio × count⌉, as in HdrHistogram for Java.
(https://github.com/HdrHistogram/HdrHistogram, ``HistogramLogWriter.java``,
``HistogramLogReader.java``)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import InputError
from benchlab.exchange.parsing import Place, lines
from benchlab.exchange.tools.hgrm import UNITS_NS
from benchlab.exchange.tools.summaries import nanoseconds, number, summary_of
from benchlab.runs.imported_summary import ImportedSummary, Interval, Point
from benchlab.samples import hdr
from benchlab.units import NS_PER_S

__all__ = ["read_hlog"]

_TIME = re.compile(r"#\[(StartTime|BaseTime):\s*([\d.]+)")
_RATIOS = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999, 1.0)
_TICKS = 5  # rows for each halving of the distance to 100 %, as HdrHistogram's own tables have
_YEAR_S = 365 * 24 * 3600
_CLOCK_END_S = 1 << 32
_TAGS_SHOWN = 5


class _Line(NamedTuple):
    start_s: float
    length_s: float
    histogram: hdr.Encoded


def read_hlog(path: Path, url: str | None, unit: str | None) -> ImportedSummary:
    """Add the histograms of all lines that have no tag, or the file's only tag.

    Raises:
        InputError: there are several tags, or a line is damaged, or there is none.
    """
    place, unit_ns = Place(path), UNITS_NS[unit or "ns"]
    found: list[_Line] = []
    times: dict[str, float] = {}
    tags: Counter[str] = Counter()
    for line in lines(path, place):
        if time := _TIME.match(line):
            with place:
                times[time[1]] = number(time[2])
        if line.startswith(("#", '"')) or not line.strip():
            continue
        tag, fields = _split(line)
        tags[tag] += 1
        if len(tags) > 1:
            continue
        with place.entry:
            if len(fields) != 4:
                raise ValueError("the line has no start, length, maximum and histogram")
            found.append(_Line(number(fields[0]), number(fields[1]), hdr.unpack(fields[3])))
    if len(tags) > 1:
        raise _several(path, tags)
    if not found:
        raise InputError(f"{path} holds no intervals")
    with place:
        return _summary(path, url, unit or "ns", unit_ns, found, times, place.notes)


def _split(line: str) -> tuple[str, list[str]]:
    """The tag of a line, and its fields."""
    tag = ""
    if line.startswith("Tag="):
        tag, _, line = line.removeprefix("Tag=").partition(",")
    return tag, [field.strip() for field in line.split(",")]


def _several(path: Path, tags: Counter[str]) -> InputError:
    names = sorted(tags)[:_TAGS_SHOWN]
    shown = ", ".join(repr(name[:40]) for name in names) + (", …" if len(tags) > len(names) else "")
    return InputError(
        f"{path} has intervals of {len(tags)} tags ({shown}), which may count the same requests",
        remedy="import one at a time: grep -e '^#' -e '^Tag=NAME,' FILE > NAME.hlog",
    )


def _summary(
    path: Path,
    url: str | None,
    unit: str,
    unit_ns: int,
    found: Sequence[_Line],
    times: dict[str, float],
    notes: Sequence[str],
) -> ImportedSummary:
    first = found[0].histogram
    if any(
        (each.histogram.digits, each.histogram.lowest) != (first.digits, first.lowest)
        for each in found
    ):
        raise ValueError("the intervals have histograms of different precision")
    counts = np.zeros(max(len(each.histogram.counts) for each in found), dtype=np.int64)
    for each in found:
        counts[: len(each.histogram.counts)] += each.histogram.counts
    whole = first._replace(counts=counts)
    total, values = int(counts.sum()), whole.highest_values()
    start_s, end_s = found[0].start_s, max(each.start_s + each.length_s for each in found)
    base_s = times.get("BaseTime", times.get("StartTime", 0.0))
    if start_s > base_s - _YEAR_S:  # the starts are since 1970 already
        base_s = 0.0
    clock = base_s + start_s > _YEAR_S and base_s + end_s < _CLOCK_END_S
    filled = np.flatnonzero(counts)
    return summary_of(
        path,
        "hlog",
        "HdrHistogram",
        url=url or "",
        started_at_ns=nanoseconds(base_s + start_s, NS_PER_S) if clock else None,
        duration_s=end_s - start_s,
        count=total,
        rate_rps=total / (end_s - start_s) if end_s > start_s else None,
        max_ns=nanoseconds(values[filled[-1]].item(), unit_ns) if total else None,
        percentiles=_points(counts, values, _levels(total), unit_ns),
        timeline=_timeline(found, base_s, unit_ns) if clock else (),
        notes=[
            f"the unit of the values is taken to be {unit}",
            f"values are known to {first.digits} significant digits, and reported as the upper edge"
            " of their bucket",
            *notes,
        ],
    )


def _levels(total: int) -> list[float]:
    """The percentiles of a table: finer towards 100 %, up to the last request."""
    levels, distance = set(_RATIOS), 1.0
    while distance * total >= 1:
        levels |= {round(1 - distance * (1 - tick / _TICKS / 2), 12) for tick in range(_TICKS)}
        distance /= 2
    return sorted(levels)


def _points(
    counts: NDArray[np.int64], values: NDArray[np.int64], levels: Sequence[float], unit_ns: int
) -> tuple[Point, ...]:
    reached = np.cumsum(counts)
    if not len(reached) or not reached[-1]:
        return ()
    ranks = np.maximum(np.ceil(np.array(levels) * reached[-1] - 1e-6), 1)
    at = np.searchsorted(reached, ranks)
    return tuple(
        Point(level, nanoseconds(values[index].item(), unit_ns), int(reached[index]))
        for level, index in zip(levels, at.tolist(), strict=True)
    )


def _timeline(found: Sequence[_Line], base_s: float, unit_ns: int) -> tuple[Interval, ...]:
    intervals: list[Interval] = []
    total = 0
    for each in found:
        count = int(each.histogram.counts.sum())
        total += count
        intervals.append(
            Interval(
                at_s=int(base_s + each.start_s),
                endpoint="",
                user_count=None,
                rate_rps=count / each.length_s if each.length_s else 0.0,
                failure_rate_rps=None,
                request_count=total,
                error_count=None,
                percentiles=_points(
                    each.histogram.counts, each.histogram.highest_values(), _RATIOS, unit_ns
                ),
            )
        )
    return tuple(intervals)
