"""Throughput by load, and the law that was fitted to it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchlab.analysis.scalability import Scalability
from benchlab.plots.canvas import check_drawable, figure_of, heading, legend, legend_pt, open_axes
from benchlab.plots.style import INK, LATENCY, MUTED, PAPER, SERVICE, dress, styled, thousands

__all__ = ["scalability"]

_POINTS = 200
_BEYOND = 1.15
_FURTHEST = 2.0  # times the highest load: a peak beyond that is not drawn


@styled
def scalability(result: Scalability, ax: Axes | None = None) -> Figure:
    """The points with the Universal Scalability Law, its interval, its peak, and a line.

    The line is what as many users would reach who never wait for each other. Beyond the highest
    load that was measured the law is dashed.
    """
    check_drawable(
        result,
        Scalability,
        field="result",
        noun="a scalability",
        remedy="give what bl.scalability(runs) returns",
    )
    ax = open_axes(ax, (7.2, 4.1))
    highest = max(result.load)
    peak = result.peak_load
    end = highest * _BEYOND
    if peak is not None and highest < peak.value < _FURTHEST * highest:
        end = peak.value * _BEYOND
    load = np.linspace(min(1.0, *result.load), end, _POINTS)
    fitted = result.fit.throughput(load)
    subject = (
        f"alpha {result.alpha.value:.3g} · beta {result.beta.value:.3g} · gamma"
        f" {result.gamma.value:.4g} · {100 * result.level:g} % interval"
    )
    shown = ["fitted law", "linear", "measured"]
    if peak is not None:
        shown.append(f"peak at {peak.value:.3g}")
    clearance_pt = legend_pt(ax, shown)
    heading(
        ax, "Throughput by load", None, subject, clearance_pt=clearance_pt, origin=result.origin
    )
    band = result.band(load)
    if band is not None:
        ax.fill_between(load, *band, color=LATENCY, alpha=0.18, linewidth=0)
    inside = load <= highest
    ax.plot(load[inside], fitted[inside], color=LATENCY, linewidth=2, label="fitted law")
    ax.plot(load[~inside], fitted[~inside], color=LATENCY, linewidth=1.6, linestyle=(0, (3, 2)))
    top = 1.18 * max(*result.throughput, float(fitted.max()))
    ax.plot(
        load,
        result.gamma.value * load,
        color=MUTED,
        linestyle="-.",
        linewidth=1.2,
        label="linear",
    )
    if peak is not None and peak.value <= end:
        ax.axvline(peak.value, color=SERVICE, linestyle=(0, (1, 1.5)), linewidth=1.6)
        place = float(result.fit.throughput(np.array([peak.value]))[0])
        ax.plot(
            peak.value,
            place,
            marker="D",
            color=SERVICE,
            markersize=7,
            linestyle="none",
            label=f"peak at {peak.value:.3g}",
        )
    ax.plot(
        result.load,
        result.throughput,
        marker="o",
        linestyle="none",
        markersize=6,
        markerfacecolor=PAPER,
        markeredgecolor=INK,
        markeredgewidth=1.4,
        label="measured",
        zorder=4,
    )
    # Numbers come without units, so that all that is known of them is that they are as given.
    ax.set_xlabel("load (connections)" if result.runs else "load (unit as given)")
    ax.set_ylabel("throughput (requests/s)" if result.runs else "throughput (unit as given)")
    ax.set_xlim(0, end)
    ax.set_ylim(0, top)
    ax.yaxis.set_major_formatter(thousands())
    ax.xaxis.set_major_formatter(thousands())
    dress(ax, grid="both")
    legend(ax)
    return figure_of(ax)
