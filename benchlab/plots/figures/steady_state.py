"""Whether a run was steady: the level of its latency over time, and the plateau."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchlab.plots.canvas import (
    figure_of,
    heading,
    legend,
    legend_pt,
    no_samples,
    open_axes,
)
from benchlab.plots.over_time import name_faults, shade_faults
from benchlab.plots.scale import FLOOR_MS, log_ms
from benchlab.plots.style import LATENCY, MUTED, SMALL_PT, WARNING, dress, styled
from benchlab.runs.run import Run, check_run
from benchlab.runs.steady_state import SteadyState, latency_batches
from benchlab.units import NS_PER_MS, NS_PER_S

__all__ = ["steady_state"]

_LEVEL = "mean level of a batch"
_PLATEAU = "plateau"
_SHIFT = "level shift"
_WARM_UP = "end of the warm-up"


@styled
def steady_state(run: Run, ax: Axes | None = None, *, endpoint: str | None = None) -> Figure:
    """The geometric mean of the latency in batches of equal time, warm-up included.

    The plateau is shaded, and level shifts are marked with the ratio of the levels. A run with too
    few requests for batches has none of this.
    """
    check_run(run)
    ax = open_axes(ax, (7.2, 3.2))
    found = run.steady_state(endpoint=endpoint)
    samples = run.samples.requests.endpoint(endpoint)
    batches = latency_batches(samples, run.window_ns[1])
    subject = run.name if endpoint is None else f"{run.name} · {endpoint}"
    labels = [] if batches is None else _labels(run, found)
    title = f"Steady state: {found.verdict}"
    heading(ax, title, run, subject, clearance_pt=legend_pt(ax, labels))
    ax.set_xlabel("time since the start of the run (s)")
    ax.set_ylabel("latency (ms)")
    if batches is None:
        no_samples(ax, "no samples" if not len(samples) else "too few samples")
        return figure_of(ax)
    middle_s = (np.arange(len(batches.counts)) + 0.5) * batches.width_ns / NS_PER_S
    levels_ms = np.maximum(np.exp(batches.logs) / NS_PER_MS, FLOOR_MS)
    ax.plot(middle_s, levels_ms, color=LATENCY, linewidth=1.8, label=_LEVEL)
    _mark_plateau(ax, found)
    _mark_shifts(ax, found)
    if run.plan.warmup_s:
        ax.axvline(run.plan.warmup_s, color=MUTED, linestyle=":", label=_WARM_UP)
    shade_faults(ax, [run])
    name_faults(ax, [run])
    ax.set_xlim(0, run.window_ns[1] / NS_PER_S)
    low, high = float(np.nanmin(levels_ms)), float(np.nanmax(levels_ms))
    log_ms(ax, "y", low / 1.25, high * 1.25)
    dress(ax)
    legend(ax)
    return figure_of(ax)


def _labels(run: Run, found: SteadyState) -> list[str]:
    """The entries of the legend, whose rows have to be known before it is drawn."""
    known = {
        _LEVEL: True,
        _PLATEAU: found.start_s is not None,
        _SHIFT: bool(found.level_shifts),
        _WARM_UP: bool(run.plan.warmup_s),
    }
    return [label for label, is_drawn in known.items() if is_drawn]


def _mark_plateau(ax: Axes, found: SteadyState) -> None:
    if found.start_s is not None and found.end_s is not None:
        ax.axvspan(found.start_s, found.end_s, color=LATENCY, alpha=0.12, label=_PLATEAU)


def _mark_shifts(ax: Axes, found: SteadyState) -> None:
    for number, shift in enumerate(found.level_shifts):
        label = "" if number else _SHIFT
        ax.axvline(shift.at_s, color=WARNING, linestyle="--", linewidth=1.4, label=label)
        ax.annotate(
            f"× {shift.ratio:.3g}",
            xy=(shift.at_s, 0.96),
            xycoords=("data", "axes fraction"),
            xytext=(4, 0),
            textcoords="offset points",
            va="top",
            color=WARNING,
            fontsize=SMALL_PT,
        )
