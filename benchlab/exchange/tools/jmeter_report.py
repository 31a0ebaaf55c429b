"""Read JMeter's tables of statistics, in milliseconds: summaries without requests.

The aggregate report as CSV (``sampler_label,…`` from its command line, ``Label,# Samples,…`` from
its window), and ``statistics.json`` of the HTML report. Both have a line for each label and one
for all. (https://github.com/apache/jmeter, ``StatGraphVisualizer.java`` and ``SummaryConsumer``)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchlab.errors import InputError
from benchlab.exchange.parsing import Place, csv_rows
from benchlab.exchange.tools.summaries import (
    document,
    integer,
    nanoseconds,
    number,
    ratio,
    summary_of,
)
from benchlab.runs.imported_summary import ImportedSummary, Point
from benchlab.units import NS_PER_MS

__all__ = ["read_aggregate_csv", "read_statistics_json"]

_NAMES = {
    "label": ("sampler_label", "Label"),
    "count": ("aggregate_report_count", "# Samples"),
    "mean": ("average", "Average"),
    "median": ("aggregate_report_median", "Median"),
    "min": ("aggregate_report_min", "Min"),
    "max": ("aggregate_report_max", "Max"),
    "errors": ("aggregate_report_error%", "Error %"),
    "rate": ("aggregate_report_rate", "Throughput"),
}
_LINE = re.compile(r"(?:aggregate_report_)?(\d+(?:\.\d+)?)%[_ ]line", re.IGNORECASE)
_RATE = re.compile(r"([\d.]+)(?:/(sec|min|hour))?")
_SECONDS = {None: 1, "sec": 1, "min": 60, "hour": 3600}
_DEFAULTS = {"pct1ResTime": 0.9, "pct2ResTime": 0.95, "pct3ResTime": 0.99}


def read_aggregate_csv(path: Path, url: str | None) -> ImportedSummary:
    """Read the line for all labels of an aggregate report."""
    place = Place(path)
    rows = csv_rows(path, place)
    header = next(rows, [])
    names: dict[str, str] = {}
    percentiles: dict[str, float] = {}
    with place:
        for column in header:
            names |= {key: column for key, forms in _NAMES.items() if column in forms}
            if line := _LINE.fullmatch(column):
                percentiles[column] = ratio(line[1])
    found: list[dict[str, str]] = []
    for row in rows:
        with place:
            found.append(dict(zip(header, row, strict=True)))
    with place:
        whole = _whole({fields[names["label"]]: fields for fields in found}, "TOTAL")
        count = integer(whole[names["count"]])
        points = [Point(at, _ns(whole[column])) for column, at in percentiles.items()]
        rate = _RATE.fullmatch(whole[names["rate"]])
        return summary_of(
            path,
            "jmeter-aggregate",
            "JMeter",
            url=url or "",
            count=count,
            error_count=round(count * ratio(whole[names["errors"]].rstrip(" %"))),
            rate_rps=number(rate[1]) / _SECONDS[rate[2]] if rate else None,
            mean_ns=_ns(whole[names["mean"]]),
            min_ns=_ns(whole[names["min"]]),
            max_ns=_ns(whole[names["max"]]),
            percentiles=[Point(0.5, _ns(whole[names["median"]])), *points],
            notes=[
                "the number of errors is that of the rounded share in the file",
                *_of_labels(len(found)),
            ],
        )


def read_statistics_json(path: Path, url: str | None) -> ImportedSummary:
    """Read the object for all labels of a ``statistics.json``."""
    with document(path, "JMeter") as data:
        whole = _whole(data, "Total")
        count = integer(whole["sampleCount"])
        points = [Point(at, _ns(whole[name])) for name, at in _DEFAULTS.items() if name in whole]
        return summary_of(
            path,
            "jmeter-statistics",
            "JMeter",
            url=url or "",
            count=count,
            error_count=integer(whole["errorCount"]),
            rate_rps=number(whole["throughput"]),
            mean_ns=_ns(whole["meanResTime"]),
            min_ns=_ns(whole["minResTime"]),
            max_ns=_ns(whole["maxResTime"]),
            percentiles=[Point(0.5, _ns(whole["medianResTime"])), *points],
            notes=[
                "the file does not say which percentiles it has: they are taken to be JMeter's"
                " defaults, 90, 95 and 99 %",
                *_of_labels(len(data)),
            ],
        )


def _whole(rows: Mapping[str, Mapping[str, Any]], total: str) -> Mapping[str, Any]:
    """The row for all labels, or the only one."""
    if total in rows:
        return rows[total]
    if len(rows) != 1:
        raise InputError(f"there are {len(rows)} labels, and no row {total!r} for all of them")
    return next(iter(rows.values()))


def _of_labels(rows: int) -> list[str]:
    return [f"the numbers are those of all {rows - 1} labels together"] if rows > 2 else []


def _ns(milliseconds: object) -> int:
    return nanoseconds(milliseconds, NS_PER_MS)
