"""Read bombardier's result (``bombardier --print r --format json``): a summary, in microseconds.

Its latencies are those of all requests, also of those without a response.
(https://github.com/codesenberg/bombardier, ``internal/test_info.go``)
"""

from __future__ import annotations

from pathlib import Path

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

__all__ = ["read_bombardier"]

_NS_PER_US = 1_000
_CLASSES = ("req1xx", "req2xx", "req3xx", "req4xx", "req5xx")


def read_bombardier(path: Path, url: str | None) -> ImportedSummary:
    """Read the result in a JSON file."""
    with document(path, "bombardier") as data:
        spec, result = data["spec"], data["result"]
        by_class = {name: integer(result.get(name, 0)) for name in _CLASSES}
        others = integer(result.get("others", 0))
        described = {
            text(error.get("description")): integer(error["count"])
            for error in result.get("errors") or ()
        }
        latency = result.get("latency") or {}
        rates = result.get("rps") or {}
        notes = (
            [] if latency.get("percentiles") else ["bombardier writes percentiles with --latencies"]
        )
        return summary_of(
            path,
            "bombardier-json",
            "bombardier",
            url=url or text(spec.get("url")),
            duration_s=number(result["timeTakenSeconds"]),
            count=sum(by_class.values()) + others,
            error_count=by_class["req4xx"] + by_class["req5xx"] + others,
            rate_rps=number(rates["mean"]) if "mean" in rates else None,
            mean_ns=nanoseconds(latency["mean"], _NS_PER_US) if latency else None,
            max_ns=nanoseconds(latency["max"], _NS_PER_US) if latency else None,
            percentiles=[
                Point(ratio(percent), nanoseconds(value, _NS_PER_US))
                for percent, value in (latency.get("percentiles") or {}).items()
            ],
            errors={
                "status 4xx": by_class["req4xx"],
                "status 5xx": by_class["req5xx"],
                "no response": others - sum(described.values()),
                **described,
            },
            notes=notes,
        )
