"""What made a run slow: a panel per cause, with the points that show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, FixedLocator, NullLocator

from benchlab.analysis.evidence_points import Counts, EvidencePoints, Pairs, Scatter
from benchlab.analysis.explanation import Explanation
from benchlab.display.results.explanation import CAUSE_LABELS, NEWSWORTHY
from benchlab.plots.canvas import (
    LEGEND_PT,
    check_drawable,
    figure_of,
    heading,
    legend,
    no_samples,
    open_axes,
)
from benchlab.plots.fault_bands import BAND_ALPHA
from benchlab.plots.scale import FLOOR_MS, log_ms
from benchlab.plots.style import (
    ERROR,
    INK,
    LAG,
    LATENCY,
    MUTED,
    SMALL_PT,
    WARNING,
    dress,
    plain,
    styled,
    thousands,
)
from benchlab.text import plural

__all__ = ["explanation"]

_MOST_PANELS = 3
_LEAST_DRAWN = 0.01  # of the tail
_LABELS_IN = 0.62, 0.5
"""The room for the labels of an axis: to the left of it, and below it."""

_TITLE_PT = LEGEND_PT + 4
"""From a panel to its title: the legend is between them."""

_NAME_LENGTH = 34
_MANY_DECADES = 100.0  # a narrow panel has room for powers of ten only
_LEAST_LOG_RANGE = 20.0  # sizes that differ by less are on a linear axis


@styled
def explanation(result: Explanation, ax: Axes | None = None) -> Figure:
    """A panel for each of the first three causes, with what shows it.

    That is latency over time, against size or against the requests in flight, where requests of
    the tail stand out, crosses are those that failed, and pauses and faults are shaded; a
    histogram; or two durations for each
    of some groups of requests, or for each part of their latency. Of many requests some are drawn.
    An ``ax`` that is given is divided into the panels.
    """
    check_drawable(
        result,
        Explanation,
        field="result",
        noun="an explanation",
        remedy="give what bl.explain(run) returns",
    )
    shown = [
        (cause, points)
        for place, (cause, points) in enumerate(zip(result.causes, result.points, strict=True))
        if not place or cause.tail_ratio >= _LEAST_DRAWN
    ][:_MOST_PANELS]
    ax = open_axes(ax, (3.4 * max(len(shown), 2), 3.6))
    subject = [result.name, *([result.endpoint] if result.endpoint else [])]
    subject.append(plural(result.count, "request"))
    heading(
        ax,
        "What made it slow",
        None,
        " · ".join(subject),
        origin=result.origin,
        clearance_pt=_TITLE_PT + 12,
    )
    if not shown:
        no_samples(ax, "nothing found" if result.count else "no samples")
        return figure_of(ax)
    ax.set_axis_off()
    for panel, (cause, points) in zip(_panels(ax, len(shown)), shown, strict=True):
        title = CAUSE_LABELS[cause.cause]
        if cause.tail_ratio >= NEWSWORTHY:
            title += f" · {cause.tail_ratio * 100:.0f} %"
        panel.set_title(title, loc="left", fontsize=SMALL_PT, color=INK, pad=_TITLE_PT)
        _draw(panel, points)
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_minor_locator(NullLocator())
    return figure_of(ax)


def _panels(ax: Axes, count: int) -> list[Axes]:
    """Axes side by side within ``ax``, with room for their labels.

    The layout does not ask how much these take, which would be half of the time of drawing.
    """
    width_in, height_in = figure_of(ax).get_size_inches() * ax.get_position().size / 0.85
    left, bottom = _LABELS_IN[0] / width_in, _LABELS_IN[1] / height_in
    panels = []
    for place in range(count):
        panel = ax.inset_axes((place / count + left, bottom, 1 / count - left - 0.01, 1 - bottom))
        panel.set_in_layout(False)
        panels.append(panel)
    return panels


def _draw(panel: Axes, points: EvidencePoints) -> None:
    if isinstance(points, Scatter):
        _scatter(panel, points)
    elif isinstance(points, Counts):
        _histogram(panel, points)
    else:
        _pairs(panel, points)


def _scatter(panel: Axes, points: Scatter) -> None:
    latency_ms = np.maximum(points.latency_ms, FLOOR_MS)
    ok, handles = ~points.failed, list[Artist]()
    for label, chosen, marker, color, size in (
        ("others", ~points.is_slow & ok, ".", MUTED, 4.0),
        ("tail", points.is_slow & ok, "o", LATENCY, 3.4),
        ("failed", points.failed, "x", ERROR, 4.0),
    ):
        if chosen.any():
            look: dict[str, Any] = {
                "marker": marker,
                "color": color,
                "markersize": size,
                "markeredgewidth": 1 if marker == "x" else 0,
                "linestyle": "none",
            }
            # Without a name: a page would list each of the requests.
            panel.plot(points.x[chosen], latency_ms[chosen], **look)
            handles.append(Line2D([], [], label=label, **look))
    for label, spans, color, alpha in (
        ("pause", points.pauses, LAG, 0.35),
        ("fault", points.faults, WARNING, BAND_ALPHA),
    ):
        for begin_s, end_s in spans:
            panel.axvspan(begin_s, end_s, color=color, alpha=alpha, linewidth=0, zorder=0.5)
        if spans:
            handles.append(Patch(label=label, color=color, alpha=alpha, linewidth=0))
    if len(latency_ms):
        log_ms(panel, "y", float(latency_ms.min()) / 1.3, float(latency_ms.max()) * 1.3)
        if points.by_size and points.x.max() > _LEAST_LOG_RANGE * max(points.x.min(), 1):
            panel.set_xscale("log")
    panel.xaxis.set_major_formatter(EngFormatter(unit="B") if points.by_size else thousands())
    panel.set_xlabel(points.x_label)
    panel.set_ylabel("latency (ms)")
    _legend(panel, handles)
    dress(panel, grid="both")


def _histogram(panel: Axes, points: Counts) -> None:
    panel.stairs(
        points.counts, points.edges_ms, fill=True, color=LATENCY, alpha=0.6, label="all requests"
    )
    for mark in points.marks_ms:
        panel.axvline(mark, color=INK, linewidth=1.1, linestyle=(0, (4, 2)))
    _log_x(panel, float(points.edges_ms[0]) / 1.1, float(points.edges_ms[-1]) * 1.1)
    panel.set_yscale("symlog", linthresh=1)
    panel.set_ylim(0, max(int(points.counts.max()), 1) * 1.6)
    panel.yaxis.set_major_formatter(thousands())
    panel.set_xlabel("latency (ms)")
    panel.set_ylabel("requests")
    _legend(panel)
    dress(panel)


def _pairs(panel: Axes, points: Pairs) -> None:
    places = np.arange(len(points.names))
    first, second = (np.maximum(each, FLOOR_MS) for each in (points.first_ms, points.second_ms))
    panel.hlines(places, first, second, color=MUTED, linewidth=1.6)
    for values, label, marker, color in (
        (first, points.labels[0], "o", LATENCY),
        (second, points.labels[1], "D", INK),
    ):
        panel.plot(values, places, marker, color=color, markersize=5, label=label)
    both = np.concatenate([first, second])
    if points.of_groups:
        _log_x(panel, float(both.min()) / 1.3, float(both.max()) * 1.3)
    else:
        panel.set_xlim(0, 1.06 * float(both.max()))
        panel.xaxis.set_major_formatter(thousands())
    for place, name in zip(places, points.names, strict=True):
        panel.annotate(
            plain(name, _NAME_LENGTH),
            xy=(0.02, place - 0.18),
            xycoords=("axes fraction", "data"),
            va="bottom",
            fontsize=SMALL_PT,
            color=INK,
        )
    panel.set_yticks([])
    panel.set_ylim(len(places) - 0.5, -0.8)
    panel.set_xlabel("duration (ms)")
    _legend(panel)
    dress(panel, grid="x")


def _log_x(panel: Axes, low_ms: float, high_ms: float) -> None:
    """A logarithmic axis, with so many labels as there is room for."""
    log_ms(panel, "x", low_ms, high_ms)
    if high_ms > _MANY_DECADES * low_ms:
        powers = np.arange(np.ceil(np.log10(low_ms)), np.log10(high_ms))
        panel.xaxis.set_major_locator(FixedLocator(list(10.0**powers)))


def _legend(panel: Axes, handles: Sequence[Artist] | None = None) -> None:
    legend(panel, handles, columns=5, handlelength=1.0, columnspacing=1.0)
