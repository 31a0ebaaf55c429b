"""Read fortio's result (``fortio load -json FILE``): a summary, in seconds.

fortio computes percentiles from a histogram, by interpolation inside its buckets.
(https://github.com/fortio/fortio, ``stats/stats.go`` and ``periodic/periodic.go``)
"""

from __future__ import annotations

from pathlib import Path

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

__all__ = ["read_fortio"]

_GOOD = ("2", "SERVING", "OK")  # how the codes of good responses begin: HTTP, gRPC, TCP and UDP


def read_fortio(path: Path, url: str | None) -> ImportedSummary:
    """Read the result in a JSON file."""
    with document(path, "fortio") as data:
        histogram = data["DurationHistogram"]
        count = integer(histogram["Count"])
        codes = {text(code): integer(n) for code, n in (data.get("RetCodes") or {}).items()}
        failed = {
            "no response" if code == "-1" else f"code {code}": n
            for code, n in codes.items()
            if not code.startswith(_GOOD)
        }
        errors = data.get("ErrorsDurationHistogram")
        start = text(data.get("StartTime"))
        notes = ["fortio interpolates percentiles in the buckets of its histogram"]
        if width := number(data.get("Resolution", 0)):
            notes[0] += f", which are at least {width * 1000:g} ms wide"
        return summary_of(
            path,
            "fortio-json",
            "fortio",
            url=url or text(data.get("URL")) or text(data.get("Destination")),
            started_at_ns=parse_rfc3339_ns(start) if start else None,
            duration_s=number(data["ActualDuration"]) / NS_PER_S,
            count=count,
            error_count=integer(errors["Count"]) if errors else sum(failed.values()),
            rate_rps=number(data["ActualQPS"]),
            mean_ns=nanoseconds(histogram["Avg"], NS_PER_S) if count else None,
            min_ns=nanoseconds(histogram["Min"], NS_PER_S) if count else None,
            max_ns=nanoseconds(histogram["Max"], NS_PER_S) if count else None,
            percentiles=[
                Point(ratio(point["Percentile"]), nanoseconds(point["Value"], NS_PER_S))
                for point in histogram.get("Percentiles") or ()
            ],
            errors=failed,
            notes=notes,
        )
