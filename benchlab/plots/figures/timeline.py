"""How a run went over time."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from benchlab.analysis.timeseries import choose_bucket_s, timeseries
from benchlab.plan.shapes.rate_curve import RateCurve
from benchlab.plots.canvas import LEGEND_PT, figure_of, heading, no_samples, open_axes
from benchlab.plots.scale import FLOOR_MS, log_ms
from benchlab.plots.style import ERROR, INK, LATENCY, MUTED, SMALL_PT, dress, styled, thousands
from benchlab.runs.run import Run
from benchlab.units import NS_PER_S

__all__ = ["timeline"]

_LABEL_PT = 36
_FEWEST_FOR_P99 = 100  # of fewer, the p99 is the maximum


@styled
def timeline(run: Run, ax: Axes | None = None) -> Figure:
    """Rate, latency and (if any) errors over the whole run, warm-up shaded, on a common clock.

    Requests are drawn at their intended times, responses at the time they came. So a stall of the
    service shows as a gap and a burst of responses above, and below as latency that jumps and then
    falls steadily. The p99 is drawn where a step has at least 100 requests. An ``ax`` that is given
    is divided into the panels.
    """
    ax = open_axes(ax, (9.6, 4.8))
    end_ns = run.window_ns[1]
    bucket_s = choose_bucket_s(end_ns / NS_PER_S, len(run.samples))
    heading(
        ax,
        "The run over time",
        run,
        f"{run.name} · in steps of {bucket_s:g} s",
        clearance_pt=LEGEND_PT,
    )
    if len(run.samples) == 0 or end_ns == 0:
        ax.set_xlabel("time since start (s)")
        no_samples(ax)
        return figure_of(ax)
    table = _whole_run(run, bucket_s)
    edges = np.append(table["start_s"], end_ns / NS_PER_S)
    ax.set_axis_off()
    closed = not run.plan.load.has_schedule
    width_pt = figure_of(ax).get_size_inches()[0] * 72 * ax.get_position().width
    panels = _divide(ax, with_errors=bool(table["error_count"].any()))
    _draw_rate(panels[0], table, edges, "sent" if closed else "intended")
    panels[0].set_ylabel(f"{run.plan.sample_noun}s/s")
    curve = run.plan.load.curve()
    if curve is not None:
        _draw_plan(panels[0], curve, run.plan.warmup_s)
    _legend(panels[0])
    _draw_latency(panels[1], table, edges)
    if len(panels) > 2:
        _draw_errors(panels[2], table, edges)
    for panel in panels:
        dress(panel)
        panel.set_xlim(0, edges[-1])
        panel.yaxis.set_label_coords(-_LABEL_PT / width_pt, 0.5)
        panel.tick_params(labelbottom=panel is panels[-1])
        if run.plan.warmup_s > 0:
            panel.axvspan(0, min(run.plan.warmup_s, edges[-1]), color=MUTED, alpha=0.14, lw=0)
    if run.plan.warmup_s > 0:
        _name_warmup(panels[0])
    panels[-1].set_xlabel("time since start (s)")
    return figure_of(ax)


def _whole_run(run: Run, bucket_s: float) -> pd.DataFrame:
    """Warm-up and measured window in buckets that never mix the two."""
    parts = [
        timeseries(run.samples, start_ns, end_ns, bucket_s)
        for start_ns, end_ns in ((0, min(run.window_ns)), run.window_ns)
        if end_ns > start_ns
    ]
    return pd.concat(parts, ignore_index=True)


def _divide(ax: Axes, *, with_errors: bool) -> list[Axes]:
    heights = [0.27, 0.47, 0.15] if with_errors else [0.32, 0.59]
    panels: list[Axes] = []
    top = 1.0
    for height in heights:
        panel = ax.inset_axes((0, top - height, 1, height), sharex=panels[0] if panels else None)
        top -= height + (1 - sum(heights)) / (len(heights) - 1)
        panel.patch.set_visible(False)  # it would hide the mark of an invalid run
        panels.append(panel)
    return panels


def _draw_rate(panel: Axes, table: pd.DataFrame, edges: NDArray[np.float64], plan: str) -> None:
    panel.stairs(table["done_rps"], edges, fill=True, color=LATENCY, alpha=0.35, label="completed")
    panel.stairs(table["rate_rps"], edges, color=INK, linewidth=1.1, label=plan, baseline=None)
    panel.set_ylim(0, max(float(table[["done_rps", "rate_rps"]].max().max()) * 1.12, 1e-9))
    panel.yaxis.set_major_locator(MaxNLocator(3))
    panel.yaxis.set_major_formatter(thousands())


def _draw_plan(panel: Axes, curve: RateCurve, start_s: float) -> None:
    """The rate that the intended times follow, evenly or at random."""
    times_s, rates_rps = curve.corners
    panel.plot(start_s + times_s, rates_rps, "--", color=MUTED, linewidth=1.4, label="planned")
    panel.set_ylim(0, max(panel.get_ylim()[1], float(rates_rps.max()) * 1.12))


def _draw_latency(panel: Axes, table: pd.DataFrame, edges: NDArray[np.float64]) -> None:
    middle = (edges[:-1] + edges[1:]) / 2
    p50, p99, highest = (
        np.maximum(table[f"latency_{name}_ms"].to_numpy(), FLOOR_MS)
        for name in ("p50", "p99", "max")
    )
    p99 = np.where(table["count"] >= _FEWEST_FOR_P99, p99, np.nan)
    marker = "o" if np.count_nonzero(table["count"]) <= 40 else ""
    panel.fill_between(middle, p50, p99, color=LATENCY, alpha=0.2, linewidth=0)
    panel.plot(middle, highest, "o", color=MUTED, markersize=2.2, mew=0, label="max")
    if not np.isnan(p99).all():
        panel.plot(middle, p99, color=LATENCY, linewidth=1.1, marker=marker, ms=2.5, label="p99")
    panel.plot(middle, p50, color=LATENCY, linewidth=2.2, marker=marker, ms=3.5, label="p50")
    panel.set_ylabel("latency (ms)")
    filled = table["count"].to_numpy() > 0
    low = float(p50[filled].min()) if filled.any() else FLOOR_MS
    high = float(highest[filled].max()) if filled.any() else math.nextafter(low, math.inf)
    log_ms(panel, "y", low / 1.3, high * 1.3)
    _legend(panel)


def _draw_errors(panel: Axes, table: pd.DataFrame, edges: NDArray[np.float64]) -> None:
    per_s = table["error_count"].to_numpy() / np.diff(edges)
    panel.stairs(per_s, edges, fill=True, color=ERROR)
    panel.set_ylabel("errors/s")
    panel.set_ylim(0, float(per_s.max()) * 1.12)
    panel.yaxis.set_major_locator(MaxNLocator(2))
    panel.yaxis.set_major_formatter(thousands())


def _legend(panel: Axes) -> None:
    panel.legend(loc="lower right", bbox_to_anchor=(1, 0.97), ncols=3, borderaxespad=0)


def _name_warmup(panel: Axes) -> None:
    panel.annotate(
        "warm-up (not counted)",
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=(0, 2),
        textcoords="offset points",
        va="bottom",
        fontsize=SMALL_PT,
        color=MUTED,
    )
