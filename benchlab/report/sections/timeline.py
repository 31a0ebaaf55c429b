"""The run over time."""

from __future__ import annotations

from benchlab import plots
from benchlab.plots.canvas import open_axes
from benchlab.report.figures import describe_latency, inline_svg
from benchlab.report.page import Section
from benchlab.runs.run import Run

__all__ = ["timeline"]

_SIZE = (10.6, 5.0)


def timeline(run: Run) -> Section:
    """Rate, latency and errors over the time of the run."""
    figure = plots.timeline(run, open_axes(None, _SIZE))
    described = f"Rate, latency and errors over the time of the run. {describe_latency(run)}"
    return Section("timeline", {"figure": inline_svg(figure, "timeline", described)})
