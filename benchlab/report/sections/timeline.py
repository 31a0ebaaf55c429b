"""The run over time."""

from __future__ import annotations

from benchlab import plots
from benchlab.plots.canvas import open_axes
from benchlab.report.figures import describe_latency, inline_svg
from benchlab.report.page import Section
from benchlab.runs.run import Run

__all__ = ["timeline"]

_TIMELINE = (10.0, 4.8)
_HEATMAP = (10.0, 3.8)
_IN_FLIGHT = (10.0, 2.8)


def timeline(run: Run) -> Section:
    """Rate, latency and errors over the time of the run, latency as counts, requests in flight."""
    drawn = {
        "timeline": (
            plots.timeline(run, open_axes(None, _TIMELINE)),
            f"Rate, latency and errors over the time of the run. {describe_latency(run)}",
        )
    }
    if len(run.samples):
        drawn["heatmap"] = (
            plots.heatmap(run, open_axes(None, _HEATMAP)),
            f"Number of requests by time and latency. {describe_latency(run)}",
        )
        drawn["in_flight"] = (
            plots.in_flight(run, open_axes(None, _IN_FLIGHT)),
            "Requests in flight over the time of the run.",
        )
    figures = {
        key: inline_svg(figure, key, described) for key, (figure, described) in drawn.items()
    }
    return Section("timeline", {"figures": figures})
