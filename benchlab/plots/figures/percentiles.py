"""How slow the slowest are: durations by percentile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from numpy.typing import NDArray

from benchlab.plots.canvas import figure_of, heading, legend, legend_pt, no_samples, open_axes
from benchlab.plots.scale import FLOOR_MS, log_ms
from benchlab.plots.series import By, Drawing, Series, drawing
from benchlab.plots.style import INK, LAG, LATENCY, MUTED, SERVICE, Look, dress, styled
from benchlab.runs.run import Run
from benchlab.samples.curve import values_at
from benchlab.samples.percentile_interval import PercentileInterval, percentile_intervals
from benchlab.samples.samples import Endpoints
from benchlab.samples.statistics import PERCENTILES
from benchlab.units import NS_PER_MS

__all__ = ["percentiles"]

_POINTS = 240
_LEVEL = 0.95
_MOST_WITH_INTERVALS = 3  # series; of more, the bars would hide the curves
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
    room. It ends where one request is left. Bars are the 95 % intervals of latency percentiles, as
    `Run.percentile_interval` has them, with an arrow where only a lower bound can be given
    and none where nothing can be said. Lag is left out if no request had any, and the noise floor
    of the machine if it is less than a tenth of the median.

    Of several series (several runs, the endpoints or targets of one with ``by=``, or what was drawn
    on ``ax`` before) the latency is drawn, and the intervals of up to three.
    """
    ax = open_axes(ax, (7.2, 3.9))
    with drawing(ax, "percentiles", run, endpoint, by) as drawn:
        _draw(ax, drawn)
    return figure_of(ax)


def _draw(ax: Axes, drawn: Drawing) -> None:
    filled = [series for series in drawn.series if len(series.measured)]
    curves = [curve for series in filled for curve in _curves(series, alone=bool(drawn.only))]
    labels = [curve.label for curve in curves]
    barred = filled if len(filled) <= _MOST_WITH_INTERVALS else []
    bars = [(each, bar) for each in barred for bar in _intervals(each)]
    note = f"{100 * _LEVEL:g} % interval"
    if drawn.only and bars:
        labels.append(note)
    subject = drawn.subject + (f" · bars: {note}s" if bars and not drawn.only else "")
    title = "Latency by percentile"
    heading(ax, title, drawn.runs, subject, clearance_pt=legend_pt(ax, labels))
    ax.set_xlabel(f"percentile of {drawn.noun}s")
    ax.set_ylabel("duration (ms)" if drawn.only else "latency (ms)")
    if not curves:
        no_samples(ax)
        return
    for label, (color, dashes), width, inverse, values_ms in curves:
        ax.plot(inverse, values_ms, color=color, linestyle=dashes, linewidth=width, label=label)
    most = max(len(series.measured) for series in filled)
    ax.set_xscale("log")
    ax.fmt_xdata = lambda inverse: f"{100 * (1 - 1 / inverse):.6g} %"
    ax.set_xlim(1, max(float(most), 2.0))
    ticks = _ticks(most)
    ax.xaxis.set_major_locator(FixedLocator([1 / (1 - ratio) for ratio in ticks]))
    ax.xaxis.set_major_formatter(FixedFormatter([f"{100 * ratio:.10g} %" for ratio in ticks]))
    ax.xaxis.set_minor_locator(NullLocator())
    low = min(float(curve.values_ms[0]) for curve in curves)
    high = max(float(curve.values_ms[-1]) for curve in curves)
    log_ms(ax, "y", low / 1.15, high * (1.35 if bars else 1.15))
    for series, interval in bars:
        # Side by side, so that none hides another.
        shift = 1.035 ** (filled.index(series) - (len(filled) - 1) / 2)
        color = INK if drawn.only else series.look.color
        _draw_interval(ax, interval, shift / (1 - interval.ratio), color)
    handles = list(ax.get_legend_handles_labels()[0])
    if drawn.only and bars:
        style: dict[str, Any] = {"marker": "_", "markersize": 7, "linewidth": 0}
        handles.append(Line2D([], [], color=INK, label=note, markeredgewidth=1.3, **style))
    dress(ax, grid="both")
    legend(ax, handles)


def _intervals(series: Series) -> list[PercentileInterval]:
    """Those of the labelled percentiles that anything can be said of."""
    ratios = [ratio for ratio in _ticks(len(series.measured)) if ratio > 0]
    found = percentile_intervals(series.measured, *series.run.window_ns, ratios, _LEVEL)
    return [interval for interval in found if interval.low_ns is not None]


def _draw_interval(ax: Axes, interval: PercentileInterval, x: float, color: str) -> None:
    """A bar between the limits, or an arrow upwards from the lower one."""
    assert interval.low_ns is not None
    assert interval.value_ns is not None
    low_ms = max(interval.low_ns / NS_PER_MS, FLOOR_MS)
    cap: dict[str, Any] = {"color": color, "markersize": 7, "markeredgewidth": 1.3}
    ax.plot([x], [low_ms], "_", **cap)
    if interval.high_ns is not None:
        high_ms = max(interval.high_ns / NS_PER_MS, FLOOR_MS)
        ax.plot([x, x], [low_ms, high_ms], color=color, linewidth=1.3)
        ax.plot([x], [high_ms], "_", **cap)
        return
    value_ms = max(interval.value_ns / NS_PER_MS, low_ms)
    ax.plot([x, x], [low_ms, value_ms], color=color, linewidth=1.3)
    ax.annotate(
        "",
        xy=(x, value_ms),
        xytext=(0, 14),
        textcoords="offset points",
        annotation_clip=True,
        arrowprops={"arrowstyle": "<-", "color": color, "linewidth": 1.3, "shrinkB": 0},
    )


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
