"""The summary of a window of samples, as people see it."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.display.run_view import duration_table, durations_of, interval_table
from benchlab.samples.summary import Summary
from benchlab.text import plural
from benchlab.units import format_bytes, format_count, format_rate, format_ratio

__all__ = ["view"]


def view(summary: Summary) -> ResultView:
    """Counts and rates, the durations, and the intervals of the latency."""
    intended = summary.intended_rate_rps
    return ResultView(
        title="Summary",
        banner=plural(summary.count, "request"),
        level="neutral",
        sentence=f"in {summary.duration_s:.3g} s",
        facts=(
            ("achieved", format_rate(summary.rate_rps)),
            *((("intended", format_rate(intended)),) if intended is not None else ()),
            ("errors", f"{summary.error_count:,} ({format_ratio(summary.error_ratio)})"),
            *((kind, format_count(count)) for kind, count in summary.errors.items()),
            ("received", format_bytes(summary.bytes_in)),
        ),
        tables=(duration_table(durations_of(summary)), interval_table(summary)),
    )
