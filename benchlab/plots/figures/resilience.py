"""How a run came through its faults, over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from benchlab.analysis.resilience import Resilience, ResilienceTimeline
from benchlab.plots.canvas import (
    check_drawable,
    figure_of,
    heading,
    legend,
    legend_pt,
    no_samples,
    open_axes,
)
from benchlab.plots.fault_bands import BAND_ALPHA, FaultBand, name_bands, shade_bands
from benchlab.plots.scale import FLOOR_MS, log_ms
from benchlab.plots.style import (
    ERROR,
    INK,
    LATENCY,
    SERVICE,
    WARNING,
    dress,
    styled,
    thousands,
)
from benchlab.text import plural
from benchlab.units import NS_PER_S

__all__ = ["resilience"]

_LABEL_PT = 36
_GAP = 0.045
_BAND = "fault"
_ONSET = "objective broken from"
_RECOVERY = "holds again from"


@styled
def resilience(result: Resilience, ax: Axes | None = None) -> Figure:
    """Goodput, latency and (if any) errors over time, with the faults and what they did.

    Each fault is a band with its name. A dashed line marks from when on the objective was broken,
    a dotted one from when on it held again. Goodput is drawn below the rate
    at which requests were intended: what lies between them was slow or failed.
    """
    check_drawable(
        result,
        Resilience,
        field="result",
        noun="a resilience result",
        remedy="give what bl.resilience(run) returns",
    )
    ax = open_axes(ax, (9.6, 4.8))
    line = result.timeline
    handles = _handles(result)
    labels = [str(handle.get_label()) for handle in handles]
    watched = ", ".join(each.objective for each in result.objectives)
    heading(
        ax,
        "Faults and recovery",
        None,
        f"{result.name} · {plural(len(result.faults), 'fault')} · {watched}",
        clearance_pt=legend_pt(ax, labels),
        origin=result.origin,
    )
    if len(line.edges_s) < 2:
        ax.set_xlabel("time since start (s)")
        no_samples(ax)
        return figure_of(ax)
    ax.set_axis_off()
    width_pt = figure_of(ax).get_size_inches()[0] * 72 * ax.get_position().width
    panels = _panels(ax, with_errors=any(line.error_rps))
    _draw_goodput(panels[0], line)
    _draw_latency(panels[1], line)
    for panel in panels[2:]:
        panel.stairs(line.error_rps, line.edges_s, fill=True, color=ERROR)
        _from_zero(panel, max(line.error_rps), 2)
        panel.set_ylabel("errors/s")
    for panel in panels:
        dress(panel)
        panel.set_xlim(line.edges_s[0], line.edges_s[-1])
        panel.yaxis.set_label_coords(-_LABEL_PT / width_pt, 0.5)
        panel.tick_params(labelbottom=panel is panels[-1])
        _mark(panel, result)
    name_bands(panels[0], _bands(result))
    panels[-1].set_xlabel("time since start (s)")
    legend(ax, handles)
    return figure_of(ax)


def _panels(ax: Axes, *, with_errors: bool) -> list[Axes]:
    heights = [0.34, 0.40, 0.17] if with_errors else [0.42, 0.535]
    panels: list[Axes] = []
    top = 1.0
    for height in heights:
        share = panels[0] if panels else None
        panels.append(ax.inset_axes((0, top - height, 1, height), sharex=share))
        top -= height + _GAP
    return panels


def _draw_goodput(panel: Axes, line: ResilienceTimeline) -> None:
    panel.stairs(line.goodput_rps, line.edges_s, fill=True, color=SERVICE, alpha=0.4)
    panel.stairs(line.rate_rps, line.edges_s, color=INK, linewidth=1.1, baseline=None)
    _from_zero(panel, max(*line.rate_rps, *line.goodput_rps), 3)
    panel.set_ylabel("goodput\n(requests/s)")


def _draw_latency(panel: Axes, line: ResilienceTimeline) -> None:
    edges = np.array(line.edges_s)
    middle = (edges[:-1] + edges[1:]) / 2
    p50, p99 = (
        np.maximum(np.array(values, dtype=np.float64), FLOOR_MS)
        for values in (line.p50_ms, line.p99_ms)
    )
    panel.plot(middle, p99, color=LATENCY, linewidth=1.1)
    panel.plot(middle, p50, color=LATENCY, linewidth=2.2)
    low = float(np.nanmin(p50))
    high = float(np.nanmax(np.concatenate([p50, p99])))
    log_ms(panel, "y", low / 1.3, high * 1.3)
    panel.set_ylabel("latency (ms)\nthin: p99")


def _from_zero(panel: Axes, highest: float, ticks: int) -> None:
    panel.set_ylim(0, max(highest * 1.12, 1e-9))
    panel.yaxis.set_major_locator(MaxNLocator(ticks))
    panel.yaxis.set_major_formatter(thousands())


def _mark(panel: Axes, result: Resilience) -> None:
    """The faults, and lines where objectives broke and held again."""
    shade_bands(panel, _bands(result))
    for each in result.faults:
        if each.onset_ns is not None:
            panel.axvline(each.onset_ns / NS_PER_S, color=INK, linestyle="--", linewidth=1.3)
        if each.recovery_ns is not None:
            panel.axvline(each.recovery_ns / NS_PER_S, color=SERVICE, linestyle=":", linewidth=1.8)


def _bands(result: Resilience) -> list[FaultBand]:
    """The faults that were on in the measured window."""
    low_s, high_s = result.timeline.edges_s[0], result.timeline.edges_s[-1]
    spans = [
        (each.name, each.began_ns / NS_PER_S, each.ended_ns)
        for each in result.faults
        if each.outcome != "failed"
    ]
    bands = [
        FaultBand(name, max(low_s, begin_s), high_s if end_ns is None else end_ns / NS_PER_S)
        for name, begin_s, end_ns in spans
    ]
    return [band for band in bands if band.begin_s < min(high_s, band.end_s)]


def _handles(result: Resilience) -> Sequence[Artist]:
    found: list[Artist] = [
        Patch(color=SERVICE, alpha=0.4, label="within the objective"),
        Line2D([], [], color=INK, linewidth=1.1, label="intended"),
        Patch(color=WARNING, alpha=BAND_ALPHA, label=_BAND),
    ]
    if any(each.onset_ns is not None for each in result.faults):
        found.append(Line2D([], [], color=INK, linestyle="--", linewidth=1.3, label=_ONSET))
    if any(each.recovery_ns is not None for each in result.faults):
        found.append(Line2D([], [], color=SERVICE, linestyle=":", linewidth=1.8, label=_RECOVERY))
    return found
