"""The numbers of each named request, as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchlab.units import format_column_ms, format_count

if TYPE_CHECKING:
    from benchlab.runs.run import Run

__all__ = ["ENDPOINT_HEAD", "endpoint_rows"]

ENDPOINT_HEAD = ("endpoint", "requests", "failed", "requests/s", "p50, ms", "p99, ms", "max, ms")


def endpoint_rows(run: Run) -> Sequence[Sequence[str]]:
    """A row per named request of the plan, under `ENDPOINT_HEAD`; none unless there are several."""
    parts = run.by_endpoint()
    if len(parts) < 2:
        return ()
    latencies = [stats.latency_ns for stats in parts.values()]
    columns = [
        format_column_ms([getattr(latency, key) if latency else 0 for latency in latencies])
        for key in ("p50", "p99", "max")
    ]
    return [
        [
            name,
            format_count(stats.count),
            format_count(stats.error_count),
            f"{stats.rate_rps:,.1f}",
            *(column[index] if stats.latency_ns else "–" for column in columns),
        ]
        for index, (name, stats) in enumerate(parts.items())
    ]
