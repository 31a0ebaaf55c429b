"""How slow the slowest are: durations by percentile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from numpy.typing import NDArray

from benchlab.plots.canvas import figure_of, heading, legend, legend_pt, no_samples, open_axes
from benchlab.plots.scale import FLOOR_MS, log_ms
from benchlab.plots.series import By, Drawing, Series, drawing
from benchlab.plots.style import LAG, LATENCY, MUTED, SERVICE, Look, dress, styled
from benchlab.runs.run import Run
from benchlab.samples.curve import values_at
from benchlab.samples.samples import Endpoints
from benchlab.samples.statistics import PERCENTILES
from benchlab.units import NS_PER_MS

__all__ = ["percentiles"]

_POINTS = 240
_DURATIONS = {
    "latency": ("latency", Look(LATENCY, "-"), 2.8),
    "service": ("service time", Look(SERVICE, (0, (3, 1.6))), 1.6),
    "lag": ("lag of the generator", Look(LAG, "-."), 1.4),
}


class _Curve(NamedTuple):
    """Values by 1 / (1 - percentile), of ``count`` requests."""

    label: str
    look: Look
    width: float
    inverse: NDArray[np.float64]
    values_ms: NDArray[np.float64]


@styled
def percentiles(
    run: Run | Sequence[Run],
    ax: Axes | None = None,
    *,
    endpoint: Endpoints | None = None,
    by: By | None = None,
) -> Figure:
    """Latency, service time and lag of the measured window by percentile.

    The x axis is logarithmic in 1 / (1 - p), as HdrHistogram draws it: each nine takes the same
    room. It ends where one request is left. Lag is left out if no request had any, and the noise
    floor of the machine if it is less than a tenth of the median.

    Of several series (several runs, the endpoints or targets of one with ``by=``, or what was drawn
    on ``ax`` before) the latency is drawn.
    """
    ax = open_axes(ax, (7.2, 3.9))
    with drawing(ax, "percentiles", run, endpoint, by) as drawn:
        _draw(ax, drawn)
    return figure_of(ax)


def _draw(ax: Axes, drawn: Drawing) -> None:
    filled = [series for series in drawn.series if len(series.measured)]
    curves = [curve for series in filled for curve in _curves(series, alone=bool(drawn.only))]
    labels = [curve.label for curve in curves]
    title = "Latency by percentile"
    heading(ax, title, drawn.runs, drawn.subject, clearance_pt=legend_pt(ax, labels))
    ax.set_xlabel(f"percentile of {drawn.noun}s")
    ax.set_ylabel("duration (ms)" if drawn.only else "latency (ms)")
    if not curves:
        no_samples(ax)
        return
    for label, (color, dashes), width, inverse, values_ms in curves:
        ax.plot(inverse, values_ms, color=color, linestyle=dashes, linewidth=width, label=label)
    most = max(len(series.measured) for series in filled)
    ax.set_xscale("log")
    ax.set_xlim(1, max(float(most), 2.0))
    ticks = _ticks(most)
    ax.xaxis.set_major_locator(FixedLocator([1 / (1 - ratio) for ratio in ticks]))
    ax.xaxis.set_major_formatter(FixedFormatter([f"{100 * ratio:.10g} %" for ratio in ticks]))
    ax.xaxis.set_minor_locator(NullLocator())
    low = min(float(curve.values_ms[0]) for curve in curves)
    high = max(float(curve.values_ms[-1]) for curve in curves)
    log_ms(ax, "y", low / 1.15, high * 1.15)
    dress(ax, grid="both")
    legend(ax)


def _curves(series: Series, *, alone: bool) -> Iterator[_Curve]:
    """The latency; of a series that is alone, also the other durations and the floor."""
    count = len(series.measured)
    inverse = np.geomspace(1, max(count, 2), _POINTS)
    ranks = np.minimum(((1 - 1 / inverse) * count).astype(np.int64), count - 1)

    def values_ms(name: str) -> NDArray[np.float64]:
        found = values_at(series.measured.in_blocks(f"{name}_ns"), count, ranks)
        return np.maximum(found / NS_PER_MS, FLOOR_MS)

    if not alone:
        yield _Curve(series.label, series.look, 1.8, inverse, values_ms("latency"))
        return
    for name, (label, look, width) in _DURATIONS.items():
        if (found := values_ms(name))[-1] > FLOOR_MS or name != "lag":
            yield _Curve(label, look, width, inverse, found)
    floor = series.run.floor
    if floor is None or series.latency is None:
        return
    beneath = floor.under(series.run.plan.load)
    if beneath.p50 * 10 > series.latency.p50:
        ratios = np.array([ratio for ratio in PERCENTILES.values() if 1 / (1 - ratio) <= count])
        found = np.array([getattr(beneath, name) for name in PERCENTILES][: len(ratios)])
        look = Look(MUTED, (0, (1, 1.5)))
        yield _Curve("floor of the machine", look, 1.4, 1 / (1 - ratios), found / NS_PER_MS)


def _ticks(count: int) -> list[float]:
    """0, 50 % and as many nines as leave at least one of ``count`` requests beyond them.

    Many nines leave no room for the 0.
    """
    nines = [1 - 10.0**-digits for digits in range(1, 13) if 10**digits <= count]
    return [*([0.0] if len(nines) < 5 else []), 0.5, *(round(ratio, 12) for ratio in nines)]
