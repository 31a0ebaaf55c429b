"""What a sweep measured: over each swept parameter, and over two of them at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import cycle
from statistics import fmean
from typing import Any, Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from benchlab.analysis.sweep import Sweep, SweepPoint, SweepRun
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
    HEAT,
    INK,
    LOOKS,
    MUTED,
    PAPER,
    SMALL_PT,
    WARNING,
    dress,
    plain,
    styled,
    thousands,
)
from benchlab.text import plural
from benchlab.units import NS_PER_MS

__all__ = ["has_heatmap", "sweep", "sweep_heatmap"]

_MOST_COLUMNS = 3
_MOST_TICKS = 12
_LOG_FROM = 30  # times the lowest value: beyond, a linear axis would crowd the low ones
_GAP = 0.07
_COLUMN_GAP_PT = 58
_HANDLE_PT, _CHARACTER_PT = 32, 5.4  # of an entry of a legend
_LABEL_PT = 44
_ROOM = 1.06  # above the highest mark
_LABEL_LENGTH = 14
_MOST_CELLS = 400
_MOST_PLACE = 1e300
_MOST_WHOLE = 1e12
_LETTER_PT = 5.5  # of the labels of an axis
_WITHIN_MARGINS = 0.89  # of an axis
_LIGHT_LEVELS = 2  # of the colours of cells, on which the text is dark

Pair = tuple[SweepPoint, SweepRun]


class _Metric(NamedTuple):
    """A figure of a run with the limits of its interval, as it is drawn."""

    label: str
    of: Callable[[SweepRun], float | None]
    low: Callable[[SweepRun], float | None]
    high: Callable[[SweepRun], float | None]


def _none(_: SweepRun) -> None:
    return None


def _ms(name: str) -> Callable[[SweepRun], float | None]:
    def of(run: SweepRun) -> float | None:
        value_ns = getattr(run, name)
        return None if value_ns is None else value_ns / NS_PER_MS

    return of


_RATE: Final = _Metric("requests/s", lambda run: run.rate_rps, _none, _none)
_P50: Final = _Metric("p50 (ms)", _ms("p50_ns"), _ms("p50_low_ns"), _ms("p50_high_ns"))
_P99: Final = _Metric("p99 (ms)", _ms("p99_ns"), _ms("p99_low_ns"), _ms("p99_high_ns"))
_METRICS = (_RATE, _P50, _P99)


class _Scale(NamedTuple):
    """Where the values of a parameter are on an axis, and what is written there."""

    values: Sequence[Any]
    places: Sequence[float]
    labels: Sequence[str]
    kind: str

    def place(self, value: object) -> float:
        return self.places[self.values.index(value)]


@styled
def sweep(result: Sweep, ax: Axes | None = None) -> Figure:
    """Rate, p50 and p99 over each swept parameter, a mark per run with its 95 % interval.

    Those of one parameter are side by side; each of several has a column. Lines join the means of
    repeats; where two parameters are swept, there is a line for each value of the other. A cross
    is a run that is not valid. An axis of powers of two is logarithmic. An ``ax`` that is given is
    divided into the panels.
    """
    _check(result)
    known = [name for name in result.names if result.values(name)]
    names = (result.varied or known)[:_MOST_COLUMNS]
    is_flat = len(names) == 1  # then there is room for its panels side by side
    ax = open_axes(ax, (10.6, 3.6) if is_flat else (8.4 if len(names) == 2 else 10.6, 6.2))
    pairs = _pairs(result)
    other = names[1] if len(result.varied) == 2 else None
    handles = [
        _handles(result, pairs, None if other is None else names[1 - column], column)
        for column in range(len(names))
    ]
    column_pt = figure_of(ax).get_size_inches()[0] * 72 / max(len(names), 1) - _COLUMN_GAP_PT
    fitting = [_in_a_row(each, column_pt) for each in handles]
    legend_rows = max(
        (-(-len(each) // most) for each, most in zip(handles, fitting, strict=True)), default=0
    )
    heading(
        ax,
        _title(names or result.names),
        None,
        _subject(result),
        clearance_pt=legend_rows * LEGEND_PT,
        origin=result.origin,
    )
    if not pairs or not names:
        no_samples(ax, "no runs")
        return figure_of(ax)
    ax.set_axis_off()
    whole_pt = figure_of(ax).get_size_inches()[0] * 72 * ax.get_position().width
    columns, rows = (len(_METRICS), 1) if is_flat else (len(names), len(_METRICS))
    between = _COLUMN_GAP_PT / whole_pt
    width = (1 - between * (columns - 1)) / columns
    height = (1 - _GAP * (rows - 1)) / rows
    for number, name in enumerate(names):
        scale = _scale_of(result, name)
        by = names[1 - number] if other is not None else None
        first: Axes | None = None
        for index, metric in enumerate(_METRICS):
            column, row = (index, 0) if is_flat else (number, index)
            place = (
                column * (width + between),
                1 - (row + 1) * height - row * _GAP,
                width,
                height,
            )
            panel = ax.inset_axes(place, sharex=first)
            if first is None:
                first = panel
                if handles[number]:
                    legend(
                        panel,
                        handles[number],
                        fitting[number],
                        handlelength=1.8,
                        columnspacing=1.0,
                    )
            _draw(panel, result, pairs, name, by, metric, scale)
            dress(panel)
            _set_scale(panel, scale, width * whole_pt)
            panel.set_ylabel(metric.label)
            panel.yaxis.set_label_coords(-_LABEL_PT / (width * whole_pt), 0.5)
            is_last = row == rows - 1
            panel.tick_params(labelbottom=is_last)
            if is_last:
                panel.set_xlabel(plain(name, 40))
    return figure_of(ax)


@styled
def sweep_heatmap(result: Sweep, ax: Axes | None = None) -> Figure:
    """Rate and p99 over two swept parameters, a cell for each pair of their values.

    A cell has the mean of its valid runs, and is the darker the higher that is; none is empty
    ground. An ``ax`` that is given is divided into the two panels.
    """
    _check(result)
    ax = open_axes(ax, (8.4, 3.9))
    names = result.varied[:2]
    heading(ax, _title(names or result.names), None, _subject(result), origin=result.origin)
    if not has_heatmap(result):
        no_samples(ax, "needs two swept parameters")
        return figure_of(ax)
    ax.set_axis_off()
    width = (1 - 2 * _GAP) / 2
    for column, metric in enumerate((_RATE, _P99)):
        panel = ax.inset_axes((column * (width + 2 * _GAP), 0, width, 0.9))
        _draw_cells(panel, result, names[0], names[1], metric)
        panel.set_title(metric.label, loc="left", fontsize=9.5, color=INK)
        panel.set_xlabel(plain(names[0], 40))
        panel.set_ylabel(plain(names[1], 40))
    return figure_of(ax)


def has_heatmap(result: Sweep) -> bool:
    """Whether two parameters are swept, with runs, and cells that can be read."""
    if len(result.varied) != 2 or not any(run.verdict == "valid" for run in result.runs):
        return False
    first, second = (len(result.values(name)) for name in result.varied)
    return first * second <= _MOST_CELLS


def _check(result: Sweep) -> None:
    check_drawable(
        result,
        Sweep,
        field="result",
        noun="a sweep",
        remedy="give what bl.sweep(notebook, grid) returns",
    )


def _pairs(result: Sweep) -> list[Pair]:
    return [(point, run) for point in result.points for run in point.runs]


def _title(names: Sequence[str]) -> str:
    return f"Sweep over {plain(', '.join(names), 70)}"


def _subject(result: Sweep) -> str:
    parts = [
        result.notebook,
        plural(len(result.points), "point"),
        plural(len(result.runs), "run"),
        f"experiment {result.experiment_id}" if result.experiment_id else "",
    ]
    return " · ".join(part for part in parts if part)


def _scale_of(result: Sweep, name: str) -> _Scale:
    values = result.values(name)
    labels = [plain(_label(value), _LABEL_LENGTH) for value in values]
    if values and all(_is_number(value) for value in values):
        kind = "linear"
        if len(values) > 1 and values[0] > 0:
            if all(math.log2(value).is_integer() for value in values):
                kind = "log2"
            elif values[-1] / values[0] >= _LOG_FROM:
                kind = "log"
        return _Scale(values, [float(value) for value in values], labels, kind)
    return _Scale(values, [float(at) for at in range(len(values))], labels, "names")


def _label(value: Any) -> str:
    """A value as text: 100.0 is 100."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < _MOST_WHOLE
    return str(int(value) if is_whole else value)


def _set_scale(panel: Axes, scale: _Scale, length_pt: float) -> None:
    places = scale.places
    if scale.kind in ("log2", "log"):
        panel.set_xscale("log", base=2 if scale.kind == "log2" else 10)
        margin = (places[-1] / places[0]) ** 0.06
        panel.set_xlim(places[0] / margin, places[-1] * margin)
    else:
        margin = 0.06 * ((places[-1] - places[0]) or 1.0)
        panel.set_xlim(places[0] - margin, places[-1] + margin)
    panel.xaxis.set_minor_locator(NullLocator())
    if scale.kind == "linear" and len(places) > _MOST_TICKS:
        panel.xaxis.set_major_locator(MaxNLocator(5))
        panel.xaxis.set_major_formatter(thousands())
        return
    shown = _apart(scale, length_pt)
    panel.xaxis.set_major_locator(FixedLocator([places[at] for at in shown]))
    panel.set_xticks([places[at] for at in shown], labels=[scale.labels[at] for at in shown])


def _apart(scale: _Scale, length_pt: float) -> list[int]:
    """Which values have their label on an axis of this length, so that none covers another."""
    is_log = scale.kind in ("log2", "log")
    along = [math.log(place) if is_log else place for place in scale.places]
    whole = (along[-1] - along[0]) or 1.0
    shown: list[int] = []
    for at, label in enumerate(scale.labels):
        if shown:
            between_pt = (along[at] - along[shown[-1]]) / whole * length_pt * _WITHIN_MARGINS
            letters = (len(label) + len(scale.labels[shown[-1]])) / 2
            if between_pt < (letters + 1) * _LETTER_PT:
                continue
        shown.append(at)
    return shown


def _draw(
    panel: Axes,
    result: Sweep,
    pairs: Sequence[Pair],
    name: str,
    by: str | None,
    metric: _Metric,
    scale: _Scale,
) -> None:
    for (color, dashes), (_, members) in zip(
        cycle(LOOKS), _series(result, pairs, by), strict=False
    ):
        found: dict[float, list[float]] = {}
        for point, run in members:
            value = metric.of(run)
            if value is None or name not in point.parameters:
                continue
            place = scale.place(point.parameters[name])
            if run.verdict != "valid":
                panel.plot(place, value, "x", color=WARNING, markersize=6, zorder=4)
                continue
            found.setdefault(place, []).append(value)
            _draw_run(panel, place, value, metric.low(run), metric.high(run), color)
        places = sorted(found)
        means = [fmean(found[place]) for place in places]
        panel.plot(places, means, color=color, linestyle=dashes, linewidth=1.3, zorder=2)
    _, high = panel.get_ylim()
    panel.set_ylim(0, high * _ROOM)
    panel.yaxis.set_major_formatter(thousands())


def _draw_run(
    panel: Axes, place: float, value: float, low: float | None, high: float | None, color: str
) -> None:
    """A mark with its interval; one without an upper limit ends in an arrow."""
    panel.plot(
        place,
        value,
        "o",
        color=color,
        markersize=4.5,
        markerfacecolor=PAPER,
        markeredgecolor=color,
        zorder=4,
    )
    if low is None:
        return
    if high is None:
        panel.plot([place, place], [low, value], color=color, linewidth=1.1, zorder=3)
        panel.plot(place, value, "^", color=color, markersize=4.5, zorder=5)
        return
    panel.plot(
        [place, place], [low, high], color=color, linewidth=1.1, marker="_", markersize=5, zorder=3
    )


def _series(
    result: Sweep, pairs: Sequence[Pair], by: str | None
) -> list[tuple[str, Sequence[Pair]]]:
    """The runs by their value of the parameter ``by``; all of them without one, or of too many."""
    values = [] if by is None else result.values(by)
    if by is None or len(values) > len(LOOKS):
        return [("", pairs)]
    return [
        (
            f"{plain(by, _LABEL_LENGTH)} {plain(str(value), _LABEL_LENGTH)}",
            [pair for pair in pairs if pair[0].parameters.get(by) == value],
        )
        for value in values
    ]


def _handles(result: Sweep, pairs: Sequence[Pair], by: str | None, column: int) -> list[Line2D]:
    """The legend of a column: a line for each series; in the first, what is not valid."""
    shown = _series(result, pairs, by)
    handles = [
        Line2D([], [], color=color, linestyle=dashes, linewidth=1.6, label=label)
        for (color, dashes), (label, _) in zip(LOOKS, shown, strict=False)
        if label
    ]
    if column == 0 and any(run.verdict != "valid" for _, run in pairs):
        handles.append(
            Line2D([], [], color=WARNING, marker="x", linestyle="none", label="not valid")
        )
    return handles


def _in_a_row(handles: Sequence[Line2D], width_pt: float) -> int:
    """How many entries of a legend fit in a row of this width."""
    longest = max((len(str(handle.get_label())) for handle in handles), default=0)
    return max(1, int(width_pt / (_HANDLE_PT + longest * _CHARACTER_PT)))


def _draw_cells(panel: Axes, result: Sweep, across: str, up: str, metric: _Metric) -> None:
    columns, rows = result.values(across), result.values(up)
    found: dict[tuple[int, int], list[float]] = {}
    for point, run in _pairs(result):
        value = metric.of(run)
        if run.verdict == "valid" and value is not None and {across, up} <= {*point.parameters}:
            cell = columns.index(point.parameters[across]), rows.index(point.parameters[up])
            found.setdefault(cell, []).append(value)
    means = {cell: fmean(values) for cell, values in found.items()}
    low, high = (min(means.values()), max(means.values())) if means else (0.0, 0.0)
    for (column, row), value in means.items():
        level = round((value - low) / ((high - low) or 1.0) * (len(HEAT) - 1))
        panel.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=HEAT[level]))
        panel.text(
            column,
            row,
            f"{value:,.3g}" if value < 1000 else f"{value:,.0f}",
            ha="center",
            va="center",
            fontsize=SMALL_PT,
            color=INK if level < _LIGHT_LEVELS else PAPER,
        )
    panel.set_xlim(-0.5, len(columns) - 0.5)
    panel.set_ylim(-0.5, len(rows) - 0.5)
    for axis, values in ((panel.xaxis, columns), (panel.yaxis, rows)):
        step = -(-len(values) // _MOST_TICKS)
        axis.set_ticks(
            list(range(0, len(values), step)),
            labels=[plain(str(value), _LABEL_LENGTH) for value in values[::step]],
        )
    dress(panel)
    panel.grid(visible=False)
    for side in ("left", "bottom"):
        panel.spines[side].set_color(MUTED)


def _is_number(value: Any) -> bool:
    """Whether an axis can have the value as a place."""
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST_PLACE
    )
