"""A metric over the stored runs of a name, with its changes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchlab.analysis.trend import Direction, Trend
from benchlab.plots.canvas import (
    LEGEND_PT,
    check_drawable,
    figure_of,
    heading,
    legend,
    no_samples,
    open_axes,
)
from benchlab.plots.style import (
    INK,
    LATENCY,
    MUTED,
    SERVICE,
    SMALL_PT,
    WARNING,
    dress,
    styled,
    thousands,
)
from benchlab.text import plural

__all__ = ["trend"]

_LOOKS: Final[dict[Direction, tuple[str, str]]] = {
    "worse": (WARNING, "^"),
    "better": (SERVICE, "v"),
}
_MOST_TICKS = 8


@styled
def trend(result: Trend, ax: Axes | None = None) -> Figure:
    """The metric of each run, the levels between changes, and where it changed.

    Runs are at equal distances, in the order of time. A triangle marks the first run after a
    change, up for worse and down for better, and a band from the last good to the first bad run;
    a dotted line marks another host or plan. The smallest change that is named is the band around
    the current level.
    """
    check_drawable(
        result, Trend, field="result", noun="a trend", remedy="give what bl.trend(name) returns"
    )
    ax = open_axes(ax, (8.4, 4.0))
    metric = result.metric_of
    regression = result.regression
    verdict = "regression" if regression else plural(len(result.changes), "change")
    subject = f"{result.name} · {plural(len(result.points), 'run')}"
    name = f"{metric.label[0].upper()}{metric.label[1:]} over runs: {verdict}"
    clearance_pt = LEGEND_PT if result.points else 0
    heading(ax, name, None, subject, clearance_pt=clearance_pt, origin=result.origin)
    ax.set_ylabel(f"{metric.label} ({metric.shown_unit})")
    if not result.points:
        no_samples(ax)
        return figure_of(ax)
    values = np.array([metric.shown(point.value) for point in result.points])
    places = np.arange(len(values))
    _draw_points(ax, result, places, values)
    _draw_levels(ax, result, values)
    _draw_changes(ax, result, values)
    for number, item in enumerate(result.breaks):
        label = "another host or plan" if number == 0 else None
        ax.axvline(item.index - 0.5, color=INK, linestyle=":", linewidth=1.4, label=label)
    low, high = ax.get_ylim()
    ax.set_ylim(0 if low < 0.5 * high else low, high + 0.12 * (high - low))
    _label_runs(ax, result)
    ax.yaxis.set_major_formatter(thousands())
    dress(ax)
    legend(ax)
    return figure_of(ax)


def _draw_points(ax: Axes, result: Trend, places: Any, values: Any) -> None:
    metric = result.metric_of
    known = [
        (place, metric.shown(point.low), metric.shown(point.high))
        for place, point in zip(places, result.points, strict=True)
        if point.low is not None and point.high is not None
    ]
    if known:
        where, lows, highs = zip(*known, strict=True)
        ax.vlines(where, lows, highs, color=LATENCY, alpha=0.45, linewidth=1.4)
    ax.plot(
        places,
        values,
        marker="o",
        markersize=4,
        color=LATENCY,
        linewidth=0.6,
        alpha=0.85,
        label="run, with its interval" if known else "run",
    )


def _draw_levels(ax: Axes, result: Trend, values: Any) -> None:
    segments = list(result.segments)
    for number, (start, end) in enumerate(segments):
        level = float(np.median(values[start:end]))
        ends = [start - 0.4, end - 0.6]
        ax.plot(ends, [level, level], color=INK, linewidth=1.8, zorder=3)
        if number == len(segments) - 1 and level > 0:
            factor = 1 + result.noise_floor
            ax.fill_between(
                ends, level / factor, level * factor, color=MUTED, alpha=0.2, linewidth=0
            )


def _draw_changes(ax: Axes, result: Trend, values: Any) -> None:
    numbers = {point.run_id: place for place, point in enumerate(result.points)}
    seen: set[Direction] = set()
    for change in result.changes:
        color, marker = _LOOKS[change.direction]
        start, end = numbers[change.last_good.run_id], numbers[change.first_bad.run_id]
        ax.axvspan(start, end, color=color, alpha=0.16, linewidth=0)
        value = float(values[change.index])
        label = change.direction if change.direction not in seen else None
        seen.add(change.direction)
        style = {"marker": marker, "color": color, "markersize": 9, "linestyle": "none"}
        ax.plot(change.index, value, zorder=5, label=label, **style)  # type: ignore[arg-type]
        if change.ratio is not None:
            ax.annotate(
                f"{100 * (change.ratio - 1):+.1f} %".replace("-", "−"),
                (change.index, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, -4),
                textcoords="offset points",
                ha="center",
                va="top",
                color=INK,
                fontsize=SMALL_PT,
                fontweight="bold",
            )


def _run_text(result: Trend, place: float) -> str:
    point = result.points[min(max(round(place), 0), len(result.points) - 1)]
    commit = f", commit {point.git_commit[:10]}" if point.git_commit else ""
    return f"{point.run_id}, {point.started_at:%Y-%m-%d %H:%M}{commit}"


def _label_runs(ax: Axes, result: Trend) -> None:
    count = len(result.points)
    ticks = [
        int(tick)
        for tick in MaxNLocator(_MOST_TICKS, integer=True).tick_values(0, max(count - 1, 1))
        if 0 <= tick < count
    ]
    labels = [f"{result.points[tick].started_at:%Y-%m-%d}" for tick in ticks]
    ax.set_xticks(ticks, labels=labels)
    ax.set_xlim(-0.8, count - 0.2)
    ax.set_xlabel("run, by its date (UTC)")
    ax.fmt_xdata = lambda place: _run_text(result, place)
