"""How many requests took how long."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchlab.plots.canvas import figure_of, heading, legend, legend_pt, no_samples, open_axes
from benchlab.plots.scale import FLOOR_MS, log_counts, log_ms, log_shares
from benchlab.plots.series import By, Drawing, Series, drawing
from benchlab.plots.style import ERROR, INK, LATENCY, MUTED, PAPER, SMALL_PT, dress, styled
from benchlab.runs.run import Run
from benchlab.samples.samples import Endpoints, Samples
from benchlab.samples.summary import Distribution
from benchlab.units import NS_PER_MS, format_ms

__all__ = ["histogram"]

_BINS = 96


@styled
def histogram(
    run: Run | Sequence[Run],
    ax: Axes | None = None,
    *,
    endpoint: Endpoints | None = None,
    by: By | None = None,
) -> Figure:
    """Latencies of the measured window, in equal steps of the logarithm on both axes.

    The count is logarithmic too: otherwise a tail of one request in a thousand, which is what to
    look for in a histogram of latencies, would be less than a pixel high. Failed requests are drawn
    over all requests, which include them. The noise floor of the machine is marked if it is near.

    Several series are drawn as outlines, each as shares of its own requests, with its median:
    several runs, the endpoints or targets of one (``by=``), or what was drawn on ``ax`` before.
    """
    ax = open_axes(ax, (7.2, 3.9))
    with drawing(ax, "histogram", run, endpoint, by) as drawn:
        ax.set_xlabel("latency (ms)")
        if drawn.only is None:
            _draw_shares(ax, drawn)
        else:
            _draw_counts(ax, drawn, drawn.only)
    return figure_of(ax)


def _draw_counts(ax: Axes, drawn: Drawing, series: Series) -> None:
    measured, noun = series.measured, drawn.noun
    failed = measured.failed
    floor_ms = _floor_ms(series)
    labels = [f"all {noun}s"]
    labels += ["of these, failed"] if len(failed) else []
    labels += ["median floor of the machine"] if floor_ms else []
    if len(labels) == 1:
        labels = []  # no legend
    heading(ax, "Latency", drawn.runs, drawn.subject, clearance_pt=legend_pt(ax, labels))
    ax.set_ylabel(f"{noun}s (log scale)")
    distribution = series.latency
    if distribution is None:
        no_samples(ax)
        return
    edges = _edges([distribution])
    counts = _counts(measured, edges)
    ax.stairs(counts, edges, fill=True, color=LATENCY, baseline=0.5, label=f"all {noun}s")
    if len(failed):
        # Hatched, since without colours the two are nearly the same.
        ax.stairs(
            _counts(failed, edges), edges, fill=True, baseline=0.5, label="of these, failed",
            facecolor=ERROR, edgecolor=PAPER, hatch="//////", linewidth=0,
        )  # fmt: skip
    low = edges[0]
    if floor_ms:
        ax.axvline(
            floor_ms, ymax=0.97, color=MUTED, linewidth=1.6, linestyle=(0, (1, 1.5)),
            label="median floor of the machine",
        )  # fmt: skip
        low = min(low, floor_ms / 1.1)
    if labels:
        legend(ax)
    log_ms(ax, "x", low / 1.04, edges[-1] * 1.04)
    log_counts(ax, int(counts.max()))
    _mark_percentiles(ax, distribution)
    dress(ax)


def _floor_ms(series: Series) -> float | None:
    """The median of the machine's noise floor, unless it is less than a tenth of the lowest."""
    if series.run.floor is None or series.latency is None:
        return None
    floor_ns = series.run.floor.under(series.run.plan.load).p50
    return floor_ns / NS_PER_MS if series.latency.min < 10 * floor_ns else None


def _draw_shares(ax: Axes, drawn: Drawing) -> None:
    labels = [series.label for series in drawn.series]
    heading(ax, "Latency", drawn.runs, drawn.subject, clearance_pt=legend_pt(ax, labels))
    ax.set_ylabel(f"share of {drawn.noun}s of each (%, log scale)")
    filled = [series for series in drawn.series if series.latency is not None]
    if not filled:
        no_samples(ax)
        return
    edges = _edges([series.latency for series in filled if series.latency is not None])
    least = 100.0
    for series in drawn.series:
        color, dashes = series.look
        count = max(len(series.measured), 1)
        share = 100 * _counts(series.measured, edges) / count
        least = min(least, 100 / count)
        ax.stairs(share, edges, fill=True, color=color, alpha=0.08, baseline=0, linewidth=0)
        ax.stairs(
            share, edges, baseline=least / 2, label=series.label,
            color=color, linestyle=dashes, linewidth=1.5,
        )  # fmt: skip
        if series.latency is not None:
            ax.axvline(
                max(series.latency.p50 / NS_PER_MS, FLOOR_MS),
                ymin=0.93, color=color, linestyle=dashes, linewidth=2,
            )  # fmt: skip
    ax.annotate(
        "medians",
        xy=(1, 0.965),
        xycoords="axes fraction",
        ha="right",
        va="center",
        fontsize=SMALL_PT,
        color=MUTED,
    )
    log_ms(ax, "x", edges[0] / 1.04, edges[-1] * 1.04)
    log_shares(ax, least)
    legend(ax)
    dress(ax)


def _counts(samples: Samples, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    counts = np.zeros(len(edges) - 1, dtype=np.int64)
    for latency_ns in samples.in_blocks("latency_ns"):
        counts += np.histogram(np.maximum(latency_ns / NS_PER_MS, FLOOR_MS), edges)[0]
    return counts


def _edges(distributions: Sequence[Distribution]) -> NDArray[np.float64]:
    """Bin edges from the lowest to the highest, the outermost a hair beyond to hold both."""
    low = max(min(part.min for part in distributions) / NS_PER_MS, FLOOR_MS)
    high = max(max(part.max for part in distributions) / NS_PER_MS, FLOOR_MS)
    if high / low < 1.02:
        low, high = low / 1.01, high * 1.01
        return np.geomspace(low, high, 6)
    return np.geomspace(low * (1 - 1e-9), high * (1 + 1e-9), _BINS + 1)


def _mark_percentiles(ax: Axes, distribution: Distribution) -> None:
    low, high = ax.get_xlim()
    for line, (name, value_ns) in enumerate(
        (("p50", distribution.p50), ("p99", distribution.p99), ("max", distribution.max))
    ):
        value_ms = max(value_ns / NS_PER_MS, FLOOR_MS)
        height = 0.97 - 0.085 * line
        ax.axvline(value_ms, ymax=height, color=INK, linewidth=0.9, linestyle=(0, (3, 2)))
        on_right = math.log(value_ms / low) > 0.7 * math.log(high / low)
        _name_line(ax, f"{name} {format_ms(value_ns)}", value_ms, height, on_right=on_right)


def _name_line(ax: Axes, text: str, value_ms: float, height: float, *, on_right: bool) -> None:
    ax.annotate(
        text,
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
