"""Read Artillery's report (``artillery run --output FILE``): a summary, in milliseconds.

``http.response_time`` ends with the first byte of the response, and a sketch with a relative error
of 1 % (DDSketch) gives its percentiles. (https://github.com/artilleryio/artillery,
``engine_http.js`` and ``ssms.js``)
"""

from __future__ import annotations

import re
from pathlib import Path

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

__all__ = ["read_artillery"]

_PERCENTILE = re.compile(r"p(\d\d)(\d*)")
_CODE = re.compile(r"http\.codes\.([4-9]\d\d)")
_ERROR = re.compile(r"errors\.(.+)", re.DOTALL)
_NOTES = (
    "Artillery's response time ends with the first byte of the response",
    "Artillery estimates percentiles, with an error of up to 1 %",
)


def read_artillery(path: Path, url: str | None) -> ImportedSummary:
    """Read the aggregate of all periods in a JSON file."""
    with document(path, "Artillery 2") as data:
        aggregate = data["aggregate"]
        counters, times = aggregate["counters"], aggregate["summaries"]
        latency = times.get("http.response_time") or {}
        errors = {
            f"status {m[1]}": n for name, n in counters.items() if (m := _CODE.fullmatch(name))
        }
        errors |= {m[1]: n for name, n in counters.items() if (m := _ERROR.fullmatch(name))}
        counted = {name: integer(n) for name, n in errors.items()}
        first, last = (
            aggregate.get(f"{which}MetricAt", aggregate.get(f"{which}CounterAt"))
            for which in ("first", "last")
        )
        known = first is not None and last is not None
        rate = aggregate.get("rates", {}).get("http.request_rate")
        return summary_of(
            path,
            "artillery-json",
            "Artillery",
            url=url or "",
            started_at_ns=nanoseconds(first, NS_PER_MS) if known else None,
            duration_s=max(0.0, number(last) - number(first)) / 1000 if known else None,
            count=integer(counters["http.requests"]),
            error_count=sum(counted.values()),
            rate_rps=number(rate) if rate is not None else None,
            mean_ns=nanoseconds(latency["mean"], NS_PER_MS) if "mean" in latency else None,
            min_ns=nanoseconds(latency["min"], NS_PER_MS) if latency else None,
            max_ns=nanoseconds(latency["max"], NS_PER_MS) if latency else None,
            percentiles=[
                Point(ratio(f"{match[1]}.{match[2]}"), nanoseconds(value, NS_PER_MS))
                for name, value in latency.items()
                if (match := _PERCENTILE.fullmatch(name))
            ],
            errors=counted,
            notes=_NOTES,
        )
