"""How slow the slowest are: durations by percentile."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from numpy.typing import NDArray

from benchlab.plots.canvas import (
    LEGEND_PT,
    figure_of,
    heading,
    legend,
    no_samples,
    open_axes,
)
from benchlab.plots.scale import FLOOR_MS, log_ms
from benchlab.plots.style import LAG, LATENCY, SERVICE, dress, styled
from benchlab.runs.run import Run
from benchlab.text import plural
from benchlab.units import NS_PER_MS

__all__ = ["percentiles"]

_POINTS = 240
_SERIES = (
    ("latency", "latency", LATENCY, "-", 2.8),
    ("service", "service time", SERVICE, (0, (3, 1.6)), 1.6),
    ("lag", "lag of the generator", LAG, "-.", 1.4),
)


@styled
def percentiles(run: Run, ax: Axes | None = None) -> Figure:
    """Latency, service time and lag of the measured window by percentile.

    The x axis is logarithmic in 1 / (1 - p), as HdrHistogram draws it: each nine takes the same
    room. It ends where one request is left. Lag is left out if no request had any.
    """
    ax = open_axes(ax, (7.2, 3.9))
    measured = run.measured
    count = len(measured)
    subject = f"{run.name} · {plural(count, run.plan.sample_noun)}"
    heading(ax, "Latency by percentile", run, subject, clearance_pt=LEGEND_PT if count else 0)
    ax.set_xlabel(f"percentile of {run.plan.sample_noun}s")
    ax.set_ylabel("duration (ms)")
    if count == 0:
        no_samples(ax)
        return figure_of(ax)
    deepest = max(float(count), 2.0)
    inverse = np.geomspace(1, deepest, _POINTS)
    rank = np.minimum(((1 - 1 / inverse) * count).astype(np.int64), count - 1)
    low, high = math.inf, FLOOR_MS
    for name, label, color, dashes, width in _SERIES:
        ordered: NDArray[np.int64] = np.sort(getattr(measured, f"{name}_ns"))
        if name == "lag" and ordered[-1] <= 0:
            continue
        values_ms = np.maximum(ordered[rank] / NS_PER_MS, FLOOR_MS)
        ax.plot(inverse, values_ms, color=color, linestyle=dashes, linewidth=width, label=label)
        low, high = min(low, float(values_ms[0])), max(high, float(values_ms[-1]))
    ax.set_xscale("log")
    ax.set_xlim(1, deepest)
    ticks = _ticks(count)
    ax.xaxis.set_major_locator(FixedLocator([1 / (1 - ratio) for ratio in ticks]))
    ax.xaxis.set_major_formatter(FixedFormatter([f"{100 * ratio:.10g} %" for ratio in ticks]))
    ax.xaxis.set_minor_locator(NullLocator())
    log_ms(ax, "y", low / 1.15, high * 1.15)
    dress(ax, grid="both")
    legend(ax)
    return figure_of(ax)


def _ticks(count: int) -> list[float]:
    """0, 50 % and as many nines as leave at least one of ``count`` requests beyond them.

    Many nines leave no room for the 0.
    """
    nines = [1 - 10.0**-digits for digits in range(1, 13) if 10**digits <= count]
    return [*([0.0] if len(nines) < 5 else []), 0.5, *(round(ratio, 12) for ratio in nines)]
