"""How a run went over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from benchlab.plan.shapes.rate_curve import RateCurve
from benchlab.plots.canvas import (
    LEGEND_PT,
    figure_of,
    heading,
    legend,
    legend_pt,
    no_samples,
    open_axes,
)
from benchlab.plots.over_time import (
    end_s_of,
    name_faults,
    name_warmup,
    shade_faults,
    shade_warmup,
    step_s_of,
    whole_run,
)
from benchlab.plots.scale import FLOOR_MS, log_ms
from benchlab.plots.series import By, Drawing, Series, drawing
from benchlab.plots.style import ERROR, INK, LATENCY, MUTED, dress, styled, thousands
from benchlab.runs.run import Run
from benchlab.samples.samples import Endpoints

__all__ = ["timeline"]

_LABEL_PT = 36
_FEWEST_FOR_P99 = 100  # of fewer, the p99 is the maximum


@styled
def timeline(
    run: Run | Sequence[Run],
    ax: Axes | None = None,
    *,
    endpoint: Endpoints | None = None,
    by: By | None = None,
) -> Figure:
    """Rate, latency and (if any) errors over the whole run, warm-up and faults shaded, on a common
    clock.

    Requests are drawn at their intended times, responses at the time they came. So a stall of the
    service shows as a gap and a burst of responses above, and below as latency that jumps and then
    falls steadily. The p99 is drawn where a step has at least 100 requests. An ``ax`` that is given
    is divided into the panels.

    Of several series (several runs, the endpoints or targets of one with ``by=``, or what was drawn
    on ``ax`` before) the completed rate, the p50 and, thinner, the p99 are drawn.
    """
    ax = open_axes(ax, (9.6, 4.8))
    with drawing(ax, "timeline", run, endpoint, by) as drawn:
        _draw(ax, drawn)
    return figure_of(ax)


def _draw(ax: Axes, drawn: Drawing) -> None:
    step_s = step_s_of(drawn.series)
    end_s = end_s_of(drawn.runs)
    heading(
        ax,
        "The run over time" if len(drawn.runs) == 1 else "The runs over time",
        drawn.runs,
        f"{drawn.subject} · in steps of {step_s:g} s",
        clearance_pt=LEGEND_PT if drawn.only else legend_pt(ax, [s.label for s in drawn.series]),
    )
    filled = [series for series in drawn.series if len(series.samples)]
    if not filled or end_s == 0:
        ax.set_xlabel("time since start (s)")
        no_samples(ax)
        return
    tables = [whole_run(series, step_s) for series in filled]
    ax.set_axis_off()
    width_pt = figure_of(ax).get_size_inches()[0] * 72 * ax.get_position().width
    with_errors = any(table["error_count"].any() for table, _ in tables)
    panels = _divide(ax, with_errors=with_errors)
    if drawn.only is not None:
        _draw_one(panels, drawn.only, *tables[0])
    else:
        for series, (table, edges) in zip(filled, tables, strict=True):
            _draw_of_several(panels, series, table, edges)
        _fit(panels, [table for table, _ in tables], [edges for _, edges in tables])
        legend(ax, panels[1].get_legend_handles_labels()[0])
    panels[0].set_ylabel(f"{drawn.noun}s/s")
    panels[1].set_ylabel("latency (ms)" if drawn.only else "latency (ms)\nthin: p99")
    if with_errors:
        panels[2].set_ylabel("errors/s")
    for panel in panels:
        dress(panel)
        panel.set_xlim(0, end_s)
        panel.yaxis.set_label_coords(-_LABEL_PT / width_pt, 0.5)
        panel.tick_params(labelbottom=panel is panels[-1])
        shade_warmup(panel, drawn.runs)
        shade_faults(panel, drawn.runs)
    if drawn.only is not None:
        name_warmup(panels[0], drawn.runs)
    name_faults(panels[1], drawn.runs)
    panels[-1].set_xlabel("time since start (s)")


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


def _draw_one(
    panels: list[Axes], series: Series, table: pd.DataFrame, edges: NDArray[np.float64]
) -> None:
    plan = series.run.plan
    _draw_rate(panels[0], table, edges, "intended" if plan.load.has_schedule else "sent")
    curve = plan.load.curve()
    if curve is not None and series.endpoint is None:
        _draw_plan(panels[0], curve, plan.warmup_s)
    _inner_legend(panels[0])
    _draw_latency(panels[1], table, edges)
    for panel in panels[2:]:
        _draw_errors(panel, table, edges)


def _draw_of_several(
    panels: list[Axes], series: Series, table: pd.DataFrame, edges: NDArray[np.float64]
) -> None:
    color, dashes = series.look
    look: dict[str, Any] = {"color": color, "linestyle": dashes}
    middle = (edges[:-1] + edges[1:]) / 2
    p50, p99 = (table[f"latency_{name}_ms"].to_numpy() for name in ("p50", "p99"))
    p99 = np.where(table["count"] >= _FEWEST_FOR_P99, p99, np.nan)
    panels[0].plot(middle, table["done_rps"], linewidth=1.4, label=series.label, **look)
    panels[1].plot(middle, np.maximum(p50, FLOOR_MS), linewidth=2, label=series.label, **look)
    panels[1].plot(middle, np.maximum(p99, FLOOR_MS), linewidth=0.9, **look)
    for panel in panels[2:]:
        panel.plot(middle, table["error_count"].to_numpy() / np.diff(edges), linewidth=1.4, **look)


def _fit(panels: list[Axes], tables: list[pd.DataFrame], edges: list[NDArray[np.float64]]) -> None:
    """Limits of the axes for all series together."""
    highest_rps = max(float(table["done_rps"].max()) for table in tables)
    _from_zero(panels[0], highest_rps, 3)
    shown = [table[table["count"] > 0] for table in tables]
    low = min(float(table["latency_p50_ms"].min()) for table in shown)
    high = max(
        float(
            table[
                f"latency_{'p99' if (table['count'] >= _FEWEST_FOR_P99).any() else 'p50'}_ms"
            ].max()
        )
        for table in shown
    )
    log_ms(panels[1], "y", low / 1.3, high * 1.3)
    for panel in panels[2:]:
        rates = [
            table["error_count"] / np.diff(each) for table, each in zip(tables, edges, strict=True)
        ]
        _from_zero(panel, max(float(rate.max()) for rate in rates), 2)


def _draw_rate(panel: Axes, table: pd.DataFrame, edges: NDArray[np.float64], plan: str) -> None:
    panel.stairs(table["done_rps"], edges, fill=True, color=LATENCY, alpha=0.35, label="completed")
    panel.stairs(table["rate_rps"], edges, color=INK, linewidth=1.1, label=plan, baseline=None)
    _from_zero(panel, float(table[["done_rps", "rate_rps"]].max().max()), 3)


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
    filled = table["count"].to_numpy() > 0
    low = float(p50[filled].min()) if filled.any() else FLOOR_MS
    high = float(highest[filled].max()) if filled.any() else math.nextafter(low, math.inf)
    log_ms(panel, "y", low / 1.3, high * 1.3)
    _inner_legend(panel)


def _draw_errors(panel: Axes, table: pd.DataFrame, edges: NDArray[np.float64]) -> None:
    per_s = table["error_count"].to_numpy() / np.diff(edges)
    panel.stairs(per_s, edges, fill=True, color=ERROR, label="errors")
    _from_zero(panel, float(per_s.max()), 2)


def _from_zero(panel: Axes, highest: float, ticks: int) -> None:
    panel.set_ylim(0, max(highest * 1.12, 1e-9))
    panel.yaxis.set_major_locator(MaxNLocator(ticks))
    panel.yaxis.set_major_formatter(thousands())


def _inner_legend(panel: Axes) -> None:
    panel.legend(loc="lower right", bbox_to_anchor=(1, 0.97), ncols=3, borderaxespad=0)
