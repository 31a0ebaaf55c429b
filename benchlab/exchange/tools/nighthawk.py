"""Read nighthawk's result (``nighthawk_client --output-format json``): a summary.

Durations are texts in seconds. The latency is ``request_to_response``, which leaves out waiting
for a connection and connecting. (https://github.com/envoyproxy/nighthawk,
``api/client/output.proto`` and ``source/client/benchmark_client_impl.cc``)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
from benchlab.units import NS_PER_S

__all__ = ["read_nighthawk"]

_LATENCY = "benchmark_http_client.request_to_response"
_FAILURES = {
    "benchmark.http_4xx": "status 4xx",
    "benchmark.http_5xx": "status 5xx",
    "benchmark.http_xxx": "other status",
    "benchmark.stream_resets": "stream reset",
    "benchmark.pool_connection_failure": "connection failed",
    "benchmark.pool_overflow": "no connection was free",
}


def read_nighthawk(path: Path, url: str | None) -> ImportedSummary:
    """Read the result of all workers in a JSON file."""
    with document(path, "nighthawk") as data:
        results = data["results"]
        whole = next((each for each in results if each["name"] == "global"), results[-1])
        statistics = {each["id"]: each for each in whole["statistics"]}
        latency = statistics[_LATENCY]
        counters = {each["name"]: integer(each["value"]) for each in whole.get("counters") or ()}
        errors = {name: counters.get(key, 0) for key, name in _FAILURES.items()}
        responses = integer(latency["count"])
        count = counters.get("upstream_rq_total", responses)
        duration_s = (
            _seconds(whole["execution_duration"]) if "execution_duration" in whole else None
        )
        start = text(whole.get("execution_start"))
        options = data.get("options") or {}
        return summary_of(
            path,
            "nighthawk-json",
            "nighthawk",
            url=url or text(options.get("uri")),
            started_at_ns=parse_rfc3339_ns(start) if start else None,
            duration_s=duration_s,
            count=count,
            error_count=sum(errors.values()),
            rate_rps=count / duration_s if duration_s else None,
            mean_ns=_ns(latency["mean"]) if responses else None,
            min_ns=_ns(latency["min"]) if responses and "min" in latency else None,
            max_ns=_ns(latency["max"]) if responses and "max" in latency else None,
            percentiles=[_point(point) for point in latency.get("percentiles") or ()],
            errors=errors,
            notes=["waiting for a connection and connecting are not in nighthawk's latency"],
        )


def _point(row: Any) -> Point:
    at = ratio(number(row.get("percentile", 0)) * 100)
    return Point(at, _ns(row["duration"]), integer(row["count"]))


def _seconds(duration: Any) -> float:
    return number(duration.removesuffix("s"))


def _ns(duration: Any) -> int:
    return nanoseconds(_seconds(duration), NS_PER_S)
