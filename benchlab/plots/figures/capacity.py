"""How a service copes with more load: latency and attainment by rate, with the knee."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter, NullLocator

from benchlab.analysis.capacity import Capacity
from benchlab.analysis.probe import Probe
from benchlab.plots.canvas import (
    LEGEND_PT,
    check_drawable,
    figure_of,
    heading,
    no_samples,
    open_axes,
)
from benchlab.plots.scale import log_ms
from benchlab.plots.style import (
    ERROR,
    INK,
    LAG,
    LATENCY,
    MUTED,
    SERVICE,
    SMALL_PT,
    dress,
    styled,
    thousands,
)
from benchlab.units import NS_PER_MS

__all__ = ["capacity"]

_HEIGHTS = (0.56, 0.36)
_LABEL_PT = 40
_ARROW_PT = 26
_WIDE = 8.0  # an axis of a larger ratio has ticks by decade


class _Mark(NamedTuple):
    """How probes of one kind are drawn: shape and filling tell them apart without colour."""

    label: str
    marker: str
    color: str
    is_filled: bool


_GOOD = _Mark("good", "o", SERVICE, True)
_BAD = _Mark("bad", "X", ERROR, True)
_UNDECIDED = _Mark("undecided", "o", MUTED, False)
_GENERATOR = _Mark("load generator gave way", "s", LAG, False)


@styled
def capacity(result: Capacity, ax: Axes | None = None) -> Figure:
    """Latency by rate above, and the share of requests within the objective below.

    Each probe is a mark: a disc for good, a cross for bad, a ring for undecided, a square where the
    load generator gave way. The band is the 95 % interval of the capacity and the line in it the
    estimate; with an arrow where the service may take more. The curve is the fitted share with its
    interval. An ``ax`` that is given is divided into the panels.
    """
    check_drawable(
        result,
        Capacity,
        field="result",
        noun="a capacity",
        remedy="give what bl.capacity(plan) returns",
    )
    ax = open_axes(ax, (8.4, 5.0))
    limit = "" if result.rate_high is not None else f"limited by: {result.limited_by} · "
    subject = f"{limit}{result.name} · {result.objective} · {result.arrivals} arrivals"
    heading(
        ax, _title(result), None, subject.strip(" ·"), clearance_pt=LEGEND_PT, origin=result.origin
    )
    drawn = [probe for probe in result.probes if probe.attained_ratio is not None]
    if not drawn:
        ax.set_xlabel("rate (requests/s)")
        no_samples(ax)
        return figure_of(ax)
    width_pt = figure_of(ax).get_size_inches()[0] * 72 * ax.get_position().width
    ax.set_axis_off()
    top = ax.inset_axes((0, 1 - _HEIGHTS[0], 1, _HEIGHTS[0]))
    bottom = ax.inset_axes((0, 0, 1, _HEIGHTS[1]), sharex=top)
    _draw_latency(top, result, drawn)
    _draw_share(bottom, result, drawn)
    for panel in (top, bottom):
        _draw_interval(panel, result)
        dress(panel)
        panel.yaxis.set_label_coords(-_LABEL_PT / width_pt, 0.5)
    _set_rates(top, result, drawn, _ARROW_PT / width_pt)
    top.tick_params(labelbottom=False)
    bottom.set_xlabel("rate (requests/s)")
    handles, labels = top.get_legend_handles_labels()
    top.legend(
        handles, labels, loc="lower left", bbox_to_anchor=(0, 1), ncols=6, borderaxespad=0
    ).set_in_layout(False)
    return figure_of(ax)


def _title(result: Capacity) -> str:
    if result.rate_rps is None:
        return "Capacity: no good probe"
    shown = f"Capacity: {result.rate_rps:,.4g} requests/s"
    if result.rate_high is None:
        return f"{shown} or more"
    return f"{shown} ({result.rate_low:,.4g} to {result.rate_high:,.4g})"


def _mark_of(probe: Probe) -> _Mark:
    if not probe.is_as_asked:
        return _GENERATOR
    return {"good": _GOOD, "bad": _BAD, "undecided": _UNDECIDED}[probe.decision]


def _draw_marks(panel: Axes, probes: Sequence[Probe], values: Sequence[float | None]) -> None:
    for mark in (_GOOD, _BAD, _UNDECIDED, _GENERATOR):
        points = [
            (probe.rate_rps, value)
            for probe, value in zip(probes, values, strict=True)
            if value is not None and _mark_of(probe) is mark
        ]
        if not points:
            continue
        x, y = zip(*points, strict=True)
        panel.plot(
            x,
            y,
            linestyle="none",
            marker=mark.marker,
            markersize=7,
            markerfacecolor=mark.color if mark.is_filled else "none",
            markeredgecolor=mark.color,
            markeredgewidth=1.4 if not mark.is_filled else 0.5,
            label=mark.label,
            zorder=4,
            clip_on=False,
        )


def _draw_latency(panel: Axes, result: Capacity, probes: Sequence[Probe]) -> None:
    values = [
        None if probe.latency_ns is None else max(probe.latency_ns / NS_PER_MS, 0.001)
        for probe in probes
    ]
    _draw_marks(panel, probes, values)
    known = [value for value in values if value is not None] or [1.0]
    if result.limit_ns is not None:
        limit_ms = result.limit_ns / NS_PER_MS
        known.append(limit_ms)
        panel.axhline(limit_ms, color=INK, linewidth=1.1, linestyle=(0, (4, 2)), zorder=2)
        panel.annotate(
            f"limit {limit_ms:g} ms",
            xy=(1, limit_ms),
            xycoords=("axes fraction", "data"),
            xytext=(0, 2),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=SMALL_PT,
        )
    panel.set_ylabel("latency (ms)")
    log_ms(panel, "y", min(known) / 1.4, max(known) * 1.6)


def _draw_share(panel: Axes, result: Capacity, probes: Sequence[Probe]) -> None:
    if result.curve:
        rates = [point.rate_rps for point in result.curve]
        low = [100 * point.attained_low for point in result.curve]
        high = [100 * point.attained_high for point in result.curve]
        panel.fill_between(rates, low, high, color=LATENCY, alpha=0.18, linewidth=0, zorder=1)
        panel.plot(
            rates,
            [100 * point.attained_ratio for point in result.curve],
            color=LATENCY,
            linewidth=1.6,
            zorder=2,
            label="fitted share",
        )
    panel.axhline(
        100 * result.required_ratio, color=INK, linewidth=1.1, linestyle=(0, (4, 2)), zorder=2
    )
    shares = [100 * (probe.attained_ratio or 0.0) for probe in probes]
    _draw_marks(panel, probes, shares)
    panel.set_ylabel("within limit (%)")
    panel.set_ylim(-4, 108)
    panel.yaxis.set_major_locator(FixedLocator([0.0, 50.0, 100.0]))


def _draw_interval(panel: Axes, result: Capacity) -> None:
    if result.rate_rps is None:
        return
    high = result.rate_high
    if high is not None:
        panel.axvspan(result.rate_low, high, color=MUTED, alpha=0.22, linewidth=0, zorder=0)
    panel.axvline(result.rate_rps, color=INK, linewidth=1.3, zorder=2)
    if high is None:
        panel.annotate(
            "",
            xy=(result.rate_rps, 0.5),
            xycoords=("data", "axes fraction"),
            xytext=(_ARROW_PT, 0),
            textcoords="offset points",
            arrowprops={"arrowstyle": "<|-", "color": INK, "linewidth": 1.3},
            annotation_clip=False,
        )


def _set_rates(panel: Axes, result: Capacity, probes: Sequence[Probe], arrow: float) -> None:
    """A logarithmic axis over the probes and the interval, with decimal labels.

    An arrow to higher rates takes the share ``arrow`` of it.
    """
    known = [probe.rate_rps for probe in probes]
    if result.rate_high is not None and result.rate_rps is not None:
        known.append(min(result.rate_high, 1.5 * max(known)))
    low, high = min(known) / 1.15, max(known) * 1.15
    if result.rate_high is None and result.rate_rps is not None:
        high = max(high, low * (result.rate_rps / low) ** (1 / (1 - arrow)))
    panel.set_xscale("log")
    panel.set_xlim(low, high)
    if high / low < _WIDE:
        ticks = np.asarray(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    else:
        powers = 10.0 ** np.arange(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = np.outer(powers, (1, 2, 5)).ravel()
    shown = [float(tick) for tick in ticks if low <= tick <= high]
    panel.xaxis.set_major_locator(FixedLocator(shown))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(thousands())
    panel.xaxis.set_minor_formatter(NullFormatter())
