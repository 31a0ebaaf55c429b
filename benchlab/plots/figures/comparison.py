"""Two sides compared: the ratio of each metric with its interval."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from benchlab.analysis.comparison import ERRORS, Comparison, MetricComparison
from benchlab.analysis.run_statistics import METRICS
from benchlab.plots.canvas import check_drawable, figure_of, heading, open_axes
from benchlab.plots.style import GRID, INK, LATENCY, MUTED, PAPER, SMALL_PT, WARNING, dress, styled
from benchlab.statistics.change import Change

__all__ = ["comparison"]


class _Look(NamedTuple):
    color: str
    marker: str
    fill: str


# A verdict is told by the form of its mark and by its name too, for prints without colour.
_LOOKS: Final[dict[Change, _Look]] = {
    "slower": _Look(WARNING, "^", WARNING),
    "faster": _Look(LATENCY, "v", LATENCY),
    "same": _Look(MUTED, "o", MUTED),
    "inconclusive": _Look(INK, "D", PAPER),
}
_WIDEST = math.log(5)  # beyond a factor of five the axis ends in an arrow
_NARROWEST = 2.5  # times the threshold


@styled
def comparison(result: Comparison, ax: Axes | None = None) -> Figure:
    """The ratio of each metric, new over base, with its interval: a forest plot.

    The band is the threshold, in which changes are too small to matter. An interval that continues
    beyond the axis ends in an arrow. The share of errors has no ratio; its line says how it
    differs.
    """
    check_drawable(
        result,
        Comparison,
        field="result",
        noun="a comparison",
        remedy="give what bl.compare(base, new) or bl.ab(plan_a, plan_b) returns",
    )
    ax = open_axes(ax, (8.4, 3.6))
    rows = list(result.metrics.values())
    title = "Change" if result.base_name == result.new_name else f"Change from {result.base_name}"
    verdict = f"{result.verdict}, more errors" if result.reason else result.verdict
    heading(ax, f"{title}: {verdict}", None, _subject(result), origin=result.origin)
    limit = _limit(result)
    ax.axvspan(1 / (1 + result.threshold), 1 + result.threshold, color=GRID, linewidth=0)
    ax.axvline(1.0, color=MUTED, linewidth=0.8)
    names = [METRICS[item.metric].label for item in rows]
    for row, item in enumerate(rows):
        _draw_interval(ax, row, item, limit)
    _draw_errors(ax, len(rows), result)
    names.append("errors")
    verdicts = [*(item.verdict for item in rows), result.errors.verdict]
    for row, each in enumerate(verdicts):
        style: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center"}
        weight = "bold" if each in ("slower", "faster") else "normal"
        ax.text(1.02, row, each, color=_LOOKS[each].color, fontweight=weight, **style)
    keys = [*(item.metric for item in rows), ERRORS]
    labels = [
        f"{name} (primary)" if key == result.primary else name
        for key, name in zip(keys, names, strict=True)
    ]
    _scale(ax, limit)
    ax.set_xlabel("ratio, new ÷ base (change in %)")
    ax.fmt_xdata = lambda ratio: _percent(ratio).replace("\n", ", ")
    ax.fmt_ydata = lambda row: _interval_text(result, rows[round(row)])
    ax.set_yticks(range(len(labels)), labels=labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    dress(ax, grid="x")
    ax.tick_params(axis="y", length=0)
    return figure_of(ax)


def _subject(result: Comparison) -> str:
    side = f"{len(result.new)} against {len(result.base)} runs"
    if result.design == "paired_blocks":
        side = f"{len(result.base)} pairs of blocks"
    threshold = f"threshold {100 * result.threshold:g} %"
    return f"{result.new_name} · {side} · {threshold} · {100 * result.level:g} % intervals"


def _interval_text(result: Comparison, item: MetricComparison) -> str:
    if item.ratio_low is None or item.ratio_high is None:
        return "no interval"
    low, high = (_signed_percent(end) for end in (item.ratio_low, item.ratio_high))
    return f"{100 * result.level:g} % interval {low} to {high}"


def _limit(result: Comparison) -> float:
    """Half the width of the axis, as a logarithm of the ratio."""
    ends = [
        abs(math.log(end))
        for item in result.metrics.values()
        for end in (item.ratio_low, item.ratio, item.ratio_high)
        if end is not None and 0 < end < math.inf
    ]
    widest = max(ends, default=0.0) * 1.15
    return min(_WIDEST, max(widest, _NARROWEST * math.log1p(result.threshold)))


def _draw_interval(ax: Axes, row: int, item: MetricComparison, limit: float) -> None:
    if item.ratio is None:
        _note(ax, row, "no ratio: undefined in these runs")
        return
    look = _LOOKS[item.verdict]
    low, high = math.exp(-limit), math.exp(limit)
    if item.ratio_low is not None and item.ratio_high is not None:
        start, end = max(item.ratio_low, low), min(item.ratio_high, high)
        ax.plot([start, end], [row, row], color=look.color, linewidth=2.2)
        for beyond, place, arrow in (
            (item.ratio_low < low, low, "<"),
            (item.ratio_high > high, high, ">"),
        ):
            if beyond:
                ax.plot(place, row, marker=arrow, color=look.color, markersize=6, clip_on=False)
    if low <= item.ratio <= high:
        ax.plot(
            item.ratio,
            row,
            marker=look.marker,
            color=look.color,
            markerfacecolor=look.fill,
            markersize=7,
            zorder=3,
            label=f"{METRICS[item.metric].label}: {item.verdict}",
        )
    if item.ratio_low is None:
        _note(ax, row, "no interval")


def _draw_errors(ax: Axes, row: int, result: Comparison) -> None:
    errors = result.errors
    if errors.base is None or errors.new is None or errors.difference_low is None:
        _note(ax, row, "not comparable: a side has no requests")
        return
    low, high = 100 * errors.difference_low, 100 * (errors.difference_high or 0.0)
    text = (
        f"{100 * errors.base:.2f} % → {100 * errors.new:.2f} % of requests"
        f" ({low:+.2f} to {high:+.2f} percentage points)"
    )
    _note(ax, row, text.replace("-", "−"), color=_LOOKS[errors.verdict].color)


def _note(ax: Axes, row: int, text: str, color: str = MUTED) -> None:
    ax.text(
        0.01,
        row,
        text,
        color=color,
        fontsize=SMALL_PT,
        va="center",
        transform=ax.get_yaxis_transform(),
        zorder=4,
    )


def _scale(ax: Axes, limit: float) -> None:
    """A logarithmic axis, so that half and double are equally far, labelled in percent."""
    low, high = math.exp(-limit), math.exp(limit)
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    if limit < math.log(1.8):
        ticks = [float(tick) for tick in MaxNLocator(7, steps=[1, 2, 5, 10]).tick_values(low, high)]
    else:
        ticks = [0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0]
    ax.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _percent(value)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())


def _percent(ratio: float) -> str:
    return "1\n0 %" if abs(ratio - 1) < 1e-11 else f"{ratio:.3g}\n{_signed_percent(ratio)}"


def _signed_percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.3g} %".replace("-", "−")
