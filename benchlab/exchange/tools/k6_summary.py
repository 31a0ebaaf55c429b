"""Read k6's summaries: ``--summary-export``, and the data of ``handleSummary`` as JSON.

There are three forms, all in milliseconds whatever ``--summary-time-unit`` says: an object per
metric with its values, the same with the values one level deeper (``handleSummary``), and a list
of metrics (``--new-machine-readable-summary``). ``http_req_duration`` leaves out waiting for a
connection and connecting. (https://github.com/grafana/k6, ``internal/js/summary.go``)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchlab.errors import InputError
from benchlab.exchange.parsing import parse_rfc3339_ns
from benchlab.exchange.tools.summaries import (
    document,
    integer,
    nanoseconds,
    number,
    ratio,
    summary_of,
    text,
)
from benchlab.runs.imported_summary import ImportedSummary, Point
from benchlab.units import NS_PER_MS, NS_PER_S

__all__ = ["read_k6_summary"]

_PERCENTILE = re.compile(r"p(?:\((\d+(?:\.\d+)?)\)|(\d+(?:\.\d+)?))")


def read_k6_summary(path: Path, url: str | None) -> ImportedSummary:
    """Read the metrics of HTTP requests in a JSON file."""
    with document(path, "k6") as data:
        metrics = _metrics(data)
        if "http_reqs" not in metrics:
            raise InputError(
                "the summary has no HTTP requests (http_reqs)",
                remedy="benchlab reads k6's HTTP metrics only",
            )
        requests, latency = metrics["http_reqs"], metrics["http_req_duration"]
        failed, checks = metrics.get("http_req_failed"), metrics.get("checks")
        count, duration_s = integer(requests["count"]), _duration_s(data)
        error_count = None
        if failed is not None:
            error_count = integer(failed.get("passes", failed.get("matches")))
        notes = ["waiting for a connection and connecting are not in k6's http_req_duration"]
        if checks and integer(checks.get("fails", 0)):
            total = integer(checks["fails"]) + integer(checks["passes"])
            notes.append(f"{integer(checks['fails']):,} of {total:,} checks failed")
        rate = requests.get("rate", count / duration_s if duration_s else None)
        ended = text(data.get("metadata", {}).get("generated_at"))
        started_at_ns = None
        if ended and duration_s is not None:
            started_at_ns = parse_rfc3339_ns(ended) - round(duration_s * NS_PER_S)
        return summary_of(
            path,
            "k6-summary",
            "k6",
            url=url or "",
            started_at_ns=started_at_ns,
            duration_s=duration_s,
            count=count,
            error_count=error_count,
            rate_rps=number(rate) if rate is not None else None,
            mean_ns=_ns(latency, "avg"),
            min_ns=_ns(latency, "min"),
            max_ns=_ns(latency, "max"),
            percentiles=_points(latency),
            notes=notes,
        )


def _metrics(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The values of each metric, from any of the three forms."""
    if "results" in data:
        return {each["name"]: each["values"] for each in data["results"]["metrics"]}
    return {name: each.get("values", each) for name, each in data["metrics"].items()}


def _duration_s(data: Mapping[str, Any]) -> float | None:
    if "results" in data:
        return number(data["config"]["duration"])
    if "state" in data:
        return number(data["state"]["testRunDurationMs"]) / 1000
    return None


def _ns(latency: Mapping[str, Any], name: str) -> int | None:
    return nanoseconds(latency[name], NS_PER_MS) if name in latency else None


def _points(latency: Mapping[str, Any]) -> list[Point]:
    points = [
        Point(ratio(match[1] or match[2]), nanoseconds(value, NS_PER_MS))
        for name, value in latency.items()
        if (match := _PERCENTILE.fullmatch(name))
    ]
    median = _ns(latency, "med")
    if median is not None and all(point.ratio != 0.5 for point in points):
        points.append(Point(0.5, median))
    return points
