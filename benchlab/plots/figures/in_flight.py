"""Requests in flight over the time of a run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from benchlab.analysis.in_flight import InFlight
from benchlab.analysis.in_flight import in_flight as count_in_flight
from benchlab.analysis.timeseries import choose_bucket_s
from benchlab.plots.canvas import figure_of, heading, legend, legend_pt, no_samples, open_axes
from benchlab.plots.over_time import (
    end_s_of,
    name_faults,
    shade_faults,
    shade_warmup,
    windows_of,
)
from benchlab.plots.series import By, Drawing, Series, drawing
from benchlab.plots.style import INK, LATENCY, MUTED, dress, styled, thousands
from benchlab.runs.run import Run
from benchlab.samples.samples import Endpoints
from benchlab.units import NS_PER_S, seconds_to_ns

__all__ = ["in_flight"]

_EXACT = 1_000_000  # as if there were so many requests: any step will do, as counts are exact
_NEAR = 0.25  # a limit below four times the highest is drawn


@styled
def in_flight(
    run: Run | Sequence[Run],
    ax: Axes | None = None,
    *,
    endpoint: Endpoints | None = None,
    by: By | None = None,
) -> Figure:
    """Requests in flight over the whole run, warm-up shaded: sent, and not yet complete or failed.

    In each step the mean over its time and the most at any moment, both exact. A line at the limit
    of connections shows where requests had to wait for one, if it comes near.

    Of several series (several runs, the endpoints or targets of one with ``by=``, or what was drawn
    on ``ax`` before) the mean is drawn.
    """
    ax = open_axes(ax, (9.6, 3.2))
    with drawing(ax, "in_flight", run, endpoint, by) as drawn:
        _draw(ax, drawn)
    return figure_of(ax)


def _draw(ax: Axes, drawn: Drawing) -> None:
    end_s = end_s_of(drawn.runs)
    step_s = choose_bucket_s(end_s, _EXACT)
    filled = [series for series in drawn.series if len(series.samples) and end_s > 0]
    found = [_whole_run(series, step_s) for series in filled]
    highest = max((int(counts.max.max()) for counts, _ in found), default=0)
    limit = _limit(drawn, highest)
    labels = [series.label for series in filled]
    if drawn.only and filled:
        labels = ["mean", "most at any moment", *([_limit_label(limit)] if limit else [])]
    subject = f"{drawn.subject} · in steps of {step_s:g} s"
    heading(ax, "In flight", drawn.runs, subject, clearance_pt=legend_pt(ax, labels))
    ax.set_xlabel("time since start (s)")
    ax.set_ylabel(f"{drawn.noun}s in flight")
    if not filled:
        no_samples(ax)
        return
    if drawn.only:
        ((counts, edges),) = found
        ax.stairs(counts.mean, edges, fill=True, color=LATENCY, alpha=0.55, label=labels[0])
        ax.stairs(counts.max, edges, color=INK, linewidth=1.1, label=labels[1], baseline=None)
        if limit:
            ax.axhline(limit, color=MUTED, linewidth=1.4, linestyle=(0, (5, 2)), label=labels[2])
        top = float(max(highest, limit))
    else:
        for series, (counts, edges) in zip(filled, found, strict=True):
            color, dashes = series.look
            middle = (edges[:-1] + edges[1:]) / 2
            ax.plot(middle, counts.mean, color=color, linestyle=dashes, label=series.label)
        top = max(float(counts.mean.max()) for counts, _ in found)
    ax.set_xlim(0, end_s)
    ax.set_ylim(0, max(top * 1.1, 1))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=top > 5))
    ax.yaxis.set_major_formatter(thousands())
    shade_warmup(ax, drawn.runs)
    shade_faults(ax, drawn.runs)
    name_faults(ax, drawn.runs)
    legend(ax)
    dress(ax)


def _whole_run(series: Series, step_s: float) -> tuple[InFlight, NDArray[np.float64]]:
    """The counts in steps that never mix warm-up and measured window, and their edges in s."""
    step_ns = max(1, seconds_to_ns(step_s))
    windows = windows_of(series.run)
    parts = [count_in_flight(series.tries, *window, step_ns) for window in windows]
    starts_ns = np.concatenate([np.arange(start, end, step_ns) for start, end in windows])
    whole = InFlight(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return whole, np.append(starts_ns, series.run.window_ns[1]) / NS_PER_S


def _limit(drawn: Drawing, highest: int) -> int:
    """The limit of connections of a whole run if ``highest`` comes near; else 0."""
    if drawn.only is None or drawn.only.endpoint is not None or drawn.only.run.is_imported:
        return 0
    limit = drawn.only.run.plan.connection_limit
    return limit if highest >= limit * _NEAR else 0


def _limit_label(limit: int) -> str:
    return f"limit of {limit:,} connections"
