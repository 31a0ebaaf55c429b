"""The points of a drawn figure, with the texts that a page shows beside the pointer."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle, StepPatch

__all__ = ["points_of"]

_MOST = 60  # points of a series, besides the highest
_LABEL = re.compile(r"(.*?) *(?:\(([^,)]*)[^)]*\))?")
_NO_UNITS = ("log scale", "change in %", "UTC", "unit as given")


class _Point(NamedTuple):
    """Where it is on the axes, and what is said of it."""

    x: float
    y: float
    x_text: str
    y_text: str


def points_of(figure: Figure) -> list[dict[str, Any]]:
    """The series of each panel that have a name, in points of 1/72 inch from the upper left corner.

    To be called when ``figure`` has been drawn, since only then its axes have their place. Texts
    are those of `Axes.fmt_xdata` and `Axes.fmt_ydata` where a figure has set them, or else numbers
    with the unit in the label of the axis. Of a series with many points some are left out.

    ``[{"x": "latency", "y": "requests", "series": [["all", [[12, 80, "2 to 2.1 ms", "45"]]]]}]``
    """
    panels = []
    for ax in figure.findobj(Axes):
        assert isinstance(ax, Axes)
        series = [
            [name, placed] for name, points in _series(ax) if (placed := _place(figure, ax, points))
        ]
        if series:
            names = [_LABEL.fullmatch(_first_line(label)) for label in _labels(ax)]
            x, y = (name[1] if name else "" for name in names)
            panels.append({"x": x, "y": y, "series": series})
    return panels


def _place(figure: Figure, ax: Axes, points: list[_Point]) -> list[list[object]]:
    """The points that lie inside the axes, with their place in the figure."""
    if not points:
        return []
    height_pt = float(figure.get_size_inches()[1]) * 72
    pixels = ax.transData.transform([(point.x, point.y) for point in points])
    inside = [ax.bbox.padded(1).contains(*pixel) for pixel in pixels]
    chosen = np.flatnonzero(inside)
    if len(chosen) > _MOST:
        highest = np.argmax([points[index].y for index in chosen])
        evenly = np.linspace(0, len(chosen) - 1, _MOST).round().astype(int)
        chosen = chosen[np.unique([*evenly, highest])]
    placed: list[list[object]] = []
    for index in chosen:
        x_pt, y_pt = (float(value) for value in pixels[index] * 72 / figure.dpi)
        texts = [points[index].x_text, points[index].y_text]
        placed.append([round(x_pt), round(height_pt - y_pt), *texts])
    return placed


def _series(ax: Axes) -> Iterator[tuple[str, list[_Point]]]:
    """What was drawn with a name, and not over the whole width or height."""
    x_text, y_text = _writers(ax)
    for line in ax.lines:
        if _is_named(line) and all(line.get_transform().contains_branch_seperately(ax.transData)):
            yield str(line.get_label()), _of_line(line, x_text, y_text)
    for patch in ax.patches:
        if isinstance(patch, StepPatch) and _is_named(patch):
            yield str(patch.get_label()), _of_steps(patch, ax, x_text, y_text)
    for bars in ax.containers:
        if isinstance(bars, BarContainer) and _is_named(bars):
            yield str(bars.get_label()), list(_of_bars(bars, ax, x_text))


def _of_line(
    line: Line2D, x_text: Callable[[float], str], y_text: Callable[[float], str]
) -> list[_Point]:
    places = np.asarray(line.get_xydata(), dtype=float)
    return [_Point(x, y, x_text(x), y_text(y)) for x, y in places.tolist() if math.isfinite(y)]


def _of_steps(
    steps: StepPatch, ax: Axes, x_text: Callable[[float], str], y_text: Callable[[float], str]
) -> list[_Point]:
    values, edges, _ = steps.get_data()
    least = 0.0 if ax.get_yscale() == "log" else -math.inf
    return [
        _Point(_middle(ax, left, right), value, _range(x_text(left), x_text(right)), y_text(value))
        for value, left, right in zip(values, edges[:-1], edges[1:], strict=True)
        if math.isfinite(value) and value > least
    ]


def _of_bars(bars: BarContainer, ax: Axes, x_text: Callable[[float], str]) -> Iterator[_Point]:
    """Horizontal bars: their length, and the name of their place on the y axis."""
    names = dict(zip(ax.get_yticks(), ax.get_yticklabels(), strict=False))
    for bar in bars:
        assert isinstance(bar, Rectangle)
        x, y = bar.get_center()
        name = names.get(round(y))
        if bar.get_width() > 0:
            text = ", ".join(name.get_text().split("\n")) if name else ""
            yield _Point(float(x), float(y), x_text(bar.get_width()), text)


def _middle(ax: Axes, left: float, right: float) -> float:
    return math.sqrt(left * right) if ax.get_xscale() == "log" else (left + right) / 2


def _range(low: str, high: str) -> str:
    """``1 to 2 ms``: a unit that both have is said once."""
    number, _, unit = low.partition(" ")
    return f"{number if high.endswith(f' {unit}') else low} to {high}"


def _is_named(artist: Any) -> bool:
    name = str(artist.get_label())
    return bool(name) and not name.startswith("_")


def _writers(ax: Axes) -> tuple[Callable[[float], str], Callable[[float], str]]:
    """How values of both axes are written."""
    own = (ax.fmt_xdata, ax.fmt_ydata)
    x, y = (given or _with_unit(label) for given, label in zip(own, _labels(ax), strict=True))
    return x, y


def _labels(ax: Axes) -> tuple[str, str]:
    """The labels of both axes; a panel without one has that of the panel below."""
    below = [other for other in ax.get_shared_x_axes().get_siblings(ax) if other.get_xlabel()]
    x = ax.get_xlabel() or (below[0].get_xlabel() if below else "")
    return x, ax.get_ylabel()


def _with_unit(label: str) -> Callable[[float], str]:
    found = _LABEL.fullmatch(_first_line(label))
    unit = (found[2] or "") if found else ""
    unit = "" if unit in _NO_UNITS else f" {unit}"
    return lambda value: f"{_number(value)}{unit}".rstrip()


def _first_line(label: str) -> str:
    return label.partition("\n")[0]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
