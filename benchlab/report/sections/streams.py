"""Streams: times to the first byte and event, gaps between events, rates and stalls."""

from __future__ import annotations

from benchlab import plots
from benchlab.display.run_view import RunView
from benchlab.plots.canvas import open_axes
from benchlab.report.figures import HALF_WIDTH, inline_svg
from benchlab.report.page import Section
from benchlab.report.statistics import statistics_table
from benchlab.runs.run import Run
from benchlab.units import format_ms

__all__ = ["streams"]


def streams(run: Run, shown: RunView) -> Section | None:
    """The figure and the durations of streams; None without any."""
    found = run.stream_summary
    if found is None:
        return None
    first, gaps = found.first_event_ns, found.gap_ns
    described = "" if first is None else f"First event: median {format_ms(first.p50)}."
    described += "" if gaps is None else f" Gaps: median {format_ms(gaps.p50)}."
    drawn = plots.streams(run, open_axes(None, HALF_WIDTH))
    return Section(
        "streams",
        {
            "figure": inline_svg(drawn, "streams", described.strip() or "There are no events."),
            "table": statistics_table(dict(found.durations)),
            "described": shown.streams,
            "limit": found.stall_limit,
        },
    )
