"""How faithfully a replay kept the times between arrivals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from benchlab.plots.canvas import (
    check_drawable,
    figure_of,
    heading,
    legend,
    legend_pt,
    no_samples,
    open_axes,
)
from benchlab.plots.scale import FLOOR_MS, log_ms
from benchlab.plots.style import INK, LATENCY, PAPER, SMALL_PT, Look, dress, plain, styled
from benchlab.runs.fidelity import Fidelity
from benchlab.text import plural
from benchlab.units import NS_PER_MS

__all__ = ["fidelity"]

_SIDES = (Look(INK, "-"), Look(LATENCY, (0, (4, 1.5))))
_LABELS = ("recorded", "sent")


@styled
def fidelity(result: Fidelity, ax: Axes | None = None) -> Figure:
    """Share of the times between arrivals that are no longer, as recorded and as sent.

    ``result`` is the ``fidelity`` of a replayed run. Of a faithful replay both curves lie on each
    other; the distance is the largest height between them. Arrivals at once, and those less than a
    microsecond apart, are drawn at that. Each curve has at most 1,000 points.
    """
    check_drawable(
        result,
        Fidelity,
        field="result",
        noun="the fidelity of a replay",
        remedy="give run.fidelity of a run that replayed a recording",
    )
    ax = open_axes(ax, (7.2, 3.9))
    subject = f"{plain(result.name, 44)} · {plural(result.sent_count, 'request')} sent"
    labels = list(_LABELS)
    heading(
        ax, "Recorded and sent arrivals", None, subject, clearance_pt=legend_pt(ax, labels),
        origin=result.origin,
    )  # fmt: skip
    ax.set_xlabel("time from one arrival to the next (ms, log scale)")
    ax.set_ylabel("arrivals that followed as soon (%)")
    sides = (result.gaps.recorded_ns, result.gaps.sent_ns)
    if not all(sides):
        no_samples(ax, "too few samples")
        return figure_of(ax)
    for gaps_ns, label, look in zip(sides, _LABELS, _SIDES, strict=True):
        _draw(ax, gaps_ns, label, look)
    lowest, highest = min(map(min, sides)) / NS_PER_MS, max(map(max, sides)) / NS_PER_MS
    log_ms(ax, "x", max(lowest, FLOOR_MS) / 1.05, max(highest, FLOOR_MS) * 1.05)
    ax.set_ylim(0, 104)
    ax.yaxis.set_major_locator(MultipleLocator(25))
    ax.annotate(
        f"KS distance {result.ks_distance:.3f},\n{result.ks_distance_tolerant:.3f} beyond"
        f" {result.tolerance_text}",
        xy=(1, 0),
        xycoords="axes fraction",
        xytext=(-6, 8),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=SMALL_PT,
        color=INK,
        bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none"},
    )
    legend(ax)
    dress(ax, grid="both")
    return figure_of(ax)


def _draw(ax: Axes, gaps_ns: Sequence[int], label: str, look: Look) -> None:
    values_ms = np.maximum(np.array(gaps_ns) / NS_PER_MS, FLOOR_MS)
    shares = 100 * np.arange(1, len(values_ms) + 1) / len(values_ms)
    ax.plot(
        np.append(values_ms[0], values_ms), np.append(0, shares), drawstyle="steps-post",
        label=label, color=look.color, linestyle=look.dashes, linewidth=1.8,
    )  # fmt: skip
