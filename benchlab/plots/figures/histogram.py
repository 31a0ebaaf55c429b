"""How many requests took how long."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchlab.plots.canvas import (
    LEGEND_PT,
    figure_of,
    heading,
    legend,
    no_samples,
    open_axes,
)
from benchlab.plots.scale import FLOOR_MS, log_counts, log_ms
from benchlab.plots.style import ERROR, INK, LATENCY, PAPER, SMALL_PT, dress, styled
from benchlab.runs.run import Run
from benchlab.samples.samples import Samples
from benchlab.samples.summary import Distribution
from benchlab.text import plural
from benchlab.units import NS_PER_MS, format_ms

__all__ = ["histogram"]

_BINS = 96


@styled
def histogram(run: Run, ax: Axes | None = None) -> Figure:
    """Latencies of the measured window, in equal steps of the logarithm on both axes.

    The count is logarithmic too: otherwise a tail of one request in a thousand, which is what to
    look for in a histogram of latencies, would be less than a pixel high. Failed requests are drawn
    over all requests, which include them.
    """
    ax = open_axes(ax, (7.2, 3.9))
    measured, noun = run.measured, run.plan.sample_noun
    failed = measured.failed
    subject = f"{run.name} · {plural(len(measured), noun)}"
    heading(ax, "Latency", run, subject, clearance_pt=LEGEND_PT if len(failed) else 0)
    ax.set_xlabel("latency (ms)")
    ax.set_ylabel(f"{noun}s (log scale)")
    distribution = run.summary.latency_ns
    if distribution is None:
        no_samples(ax)
        return figure_of(ax)
    edges = _edges(
        *(max(value_ns / NS_PER_MS, FLOOR_MS) for value_ns in (distribution.min, distribution.max))
    )
    counts = _counts(measured, edges)
    _bars(ax, counts, edges, LATENCY, f"all {noun}s")
    if len(failed):
        _bars(ax, _counts(failed, edges), edges, ERROR, "of these, failed")
        legend(ax)
    log_ms(ax, "x", edges[0] / 1.04, edges[-1] * 1.04)
    log_counts(ax, int(counts.max()))
    _mark_percentiles(ax, distribution)
    dress(ax)
    return figure_of(ax)


def _counts(samples: Samples, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    counts = np.zeros(len(edges) - 1, dtype=np.int64)
    for latency_ns in samples.in_blocks("latency_ns"):
        counts += np.histogram(np.maximum(latency_ns / NS_PER_MS, FLOOR_MS), edges)[0]
    return counts


def _edges(low: float, high: float) -> NDArray[np.float64]:
    """Bin edges from ``low`` to ``high``, the outermost a hair beyond to hold both."""
    if high / low < 1.02:
        low, high = low / 1.01, high * 1.01
        return np.geomspace(low, high, 6)
    return np.geomspace(low * (1 - 1e-9), high * (1 + 1e-9), _BINS + 1)


def _bars(
    ax: Axes, counts: NDArray[np.int64], edges: NDArray[np.float64], color: str, label: str
) -> None:
    ax.stairs(counts, edges, fill=True, color=color, baseline=0.5, label=label, linewidth=0)


def _mark_percentiles(ax: Axes, distribution: Distribution) -> None:
    low, high = ax.get_xlim()
    for line, (name, value_ns) in enumerate(
        (("p50", distribution.p50), ("p99", distribution.p99), ("max", distribution.max))
    ):
        value_ms = max(value_ns / NS_PER_MS, FLOOR_MS)
        height = 0.97 - 0.085 * line
        ax.axvline(value_ms, ymax=height, color=INK, linewidth=0.9, linestyle=(0, (3, 2)))
        on_right = np.log(value_ms / low) > 0.7 * np.log(high / low)
        ax.annotate(
            f"{name} {format_ms(value_ns)}",
            xy=(value_ms, height),
            xycoords=("data", "axes fraction"),
            xytext=(-4 if on_right else 4, 0),
            textcoords="offset points",
            ha="right" if on_right else "left",
            va="top",
            fontsize=SMALL_PT,
            color=INK,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none"},
        )
