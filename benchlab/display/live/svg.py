"""The charts of a live view as one SVG of a fixed size.

It stands inside a page whose theme it follows: JupyterLab's colours, by their CSS variables, and
elsewhere the colour of the text around it. Styles are attributes, since notebooks that are shown
by others lose style sheets.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from benchlab.display.live.live_view import Axis, Chart, Color, LiveView, Span, thinned

__all__ = ["COLORS", "HEIGHT", "WIDTH", "live_svg"]

WIDTH, HEIGHT = 900, 264

COLORS: Final[Mapping[Color, str]] = {
    "first": "var(--jp-info-color1,#1e88d2)",
    "second": "var(--jp-warn-color1,#e07b00)",
    "good": "var(--jp-success-color1,#2e9d46)",
    "caution": "var(--jp-warn-color1,#e07b00)",
    "bad": "var(--jp-error-color1,#e0403a)",
    "neutral": "#8a8f98",
}
"""They can be told apart on white and on black, where no theme says otherwise."""

_GAP, _LEFT, _RIGHT, _TOP, _BOTTOM = 22, 52, 8, 22, 18
_TEXT = 'font-size="11" fill="currentColor"'
_QUIET = f'{_TEXT} fill-opacity=".72"'
_FAR = 3.0
_HEADROOM = 0.03
_MOST_TICKS = 7
_Scale = tuple[float, float, bool]


@dataclass(frozen=True, slots=True)
class _Box:
    """Where the area of a chart is drawn, and what its axes cover."""

    left: float
    top: float
    width: float
    height: float
    x_scale: _Scale
    y_scale: _Scale

    def x(self, value: float) -> float:
        return self.left + self.width * _share(value, self.x_scale)

    def y(self, value: float) -> float:
        return self.top + self.height * (1 - _share(value, self.y_scale))


def live_svg(view: LiveView) -> str:
    """The charts of ``view``, side by side in an SVG that always has the same size; empty if none.

    A chart without values yet has its axes only. Lines have `MOST_POINTS` points at most.
    """
    if not view.charts:
        return ""
    names = "; ".join(chart.title for chart in view.charts)
    drawn = "".join(
        _chart(chart, place) for chart, place in zip(view.charts, _places(view), strict=True)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="{escape(names)}" font-family="system-ui,sans-serif"'
        f' style="display:block;width:100%;max-width:{WIDTH}px;aspect-ratio:{WIDTH}/{HEIGHT}">'
        f"{drawn}</svg>"
    )


def _places(view: LiveView) -> Iterator[tuple[float, float, float, float]]:
    """Left, top, width and height of each chart: one fills the whole, more have two columns."""
    columns = 1 if len(view.charts) == 1 else 2
    rows = math.ceil(len(view.charts) / columns)
    width, height = (WIDTH - _GAP * (columns - 1)) / columns, HEIGHT / rows
    for index in range(len(view.charts)):
        row, column = divmod(index, columns)
        yield column * (width + _GAP), row * height, width, height


def _chart(chart: Chart, place: tuple[float, float, float, float]) -> str:
    left, top, width, height = place
    xs, ys = _values(chart)
    box = _Box(
        left + _LEFT,
        top + _TOP,
        width - _LEFT - _RIGHT,
        height - _TOP - _BOTTOM,
        _scale(chart.x_axis, xs),
        _scale(chart.y_axis, ys),
    )
    parts = [_title(chart, left, top), *_grid(chart, box)]
    parts += (_span(span, box) for span in chart.spans)
    x = thinned(chart.x)
    if chart.band is not None:
        parts.append(_band(x, thinned(chart.band.low), thinned(chart.band.high), box, chart))
    parts += (_mark(mark.name, mark.x, mark.y, box) for mark in chart.marks)
    for line in chart.lines:
        path = _path(x, thinned(line.y), box)
        parts.append(
            f'<path d="{path}" fill="none" stroke-width="1.6" stroke-linejoin="round"'
            f' stroke-linecap="round" style="stroke:{COLORS[line.color]}"/>'
        )
    parts += (
        f'<circle cx="{box.x(point.x):.1f}" cy="{box.y(point.y):.1f}" r="4.5"'
        f' style="fill:{COLORS[point.color]}"/>'
        for point in chart.points[-300:]
        if _is_shown(point.x, point.y, box)
    )
    if not ys:
        parts.append(
            f'<text x="{box.left + box.width / 2:.0f}" y="{box.top + box.height / 2 - 8:.0f}"'
            f' text-anchor="middle" {_QUIET}>nothing measured yet</text>'
        )
    return f"<g>{''.join(parts)}</g>"


def _title(chart: Chart, left: float, top: float) -> str:
    """The title; after it the names of the lines in their colours, if there are several."""
    unit = f" <tspan {_QUIET}>{escape(chart.y_axis.unit)}</tspan>" if chart.y_axis.unit else ""
    names = ""
    if len(chart.lines) > 1:
        names = "".join(
            f'<tspan dx="10" style="fill:{COLORS[line.color]}">■</tspan>'
            f'<tspan dx="3">{escape(line.name)}</tspan>'
            for line in chart.lines
        )
    return (
        f'<text x="{left + 2:.0f}" y="{top + 13:.0f}" {_TEXT}>'
        f'<tspan font-weight="600">{escape(chart.title)}</tspan>{unit}{names}</text>'
    )


def _grid(chart: Chart, box: _Box) -> Iterator[str]:
    """Lines at the ticks of the height, and what both axes say."""
    right, bottom = box.left + box.width, box.top + box.height
    for value in _ticks(box.y_scale):
        y = box.y(value)
        yield (
            f'<path d="M{box.left:.0f} {y:.1f}H{right:.0f}" stroke="currentColor"'
            f' stroke-opacity=".16" fill="none"/>'
            f'<text x="{box.left - 6:.0f}" y="{y + 4:.1f}" text-anchor="end" {_QUIET}>'
            f"{number(value)}</text>"
        )
    ticks = _ticks(box.x_scale)
    for index, value in enumerate(ticks):
        unit = f" {chart.x_axis.unit}" if index == len(ticks) - 1 and chart.x_axis.unit else ""
        anchor = "end" if index == len(ticks) - 1 and box.x(value) > right - 24 else "middle"
        yield (
            f'<text x="{box.x(value):.1f}" y="{bottom + 14:.0f}" text-anchor="{anchor}" {_QUIET}>'
            f"{number(value)}{escape(unit)}</text>"
        )


def _band(
    x: Sequence[float], low: Sequence[float], high: Sequence[float], box: _Box, chart: Chart
) -> str:
    assert chart.band is not None
    known = [
        (at, bottom, top)
        for at, bottom, top in zip(x, low, high, strict=False)
        if not any(math.isnan(value) for value in (at, bottom, top))
    ]
    if not known:
        return ""
    there = [f"{box.x(at):.1f} {_inside(box.y(top), box):.1f}" for at, _, top in known]
    back = [f"{box.x(at):.1f} {_inside(box.y(bottom), box):.1f}" for at, bottom, _ in known[::-1]]
    color = COLORS[chart.band.color]
    return f'<path d="M{"L".join(there + back)}Z" fill-opacity=".22" style="fill:{color}"/>'


def _span(span: Span, box: _Box) -> str:
    left = max(box.x(span.start), box.left)
    whole = box.left + box.width
    right = whole if span.end is None else min(box.x(span.end), whole)
    if left >= right:
        return ""
    return (
        f'<path d="M{left:.1f} {box.top:.0f}H{right:.1f}V{box.top + box.height:.0f}H{left:.1f}Z"'
        f' fill-opacity=".12" style="fill:{COLORS["caution"]}"/>'
        f'<text x="{left + 3:.1f}" y="{box.top + 11:.0f}" {_QUIET}>{escape(span.name)}</text>'
    )


def _mark(name: str, x: float | None, y: float | None, box: _Box) -> str:
    if x is not None and _is_shown(x, box.y_scale[0], box):
        line = f"M{box.x(x):.1f} {box.top:.0f}V{box.top + box.height:.0f}"
        words = f'x="{box.x(x) + 4:.1f}" y="{box.top + box.height - 5:.0f}"'
    elif y is not None and _is_shown(box.x_scale[0], y, box):
        line = f"M{box.left:.0f} {box.y(y):.1f}H{box.left + box.width:.0f}"
        right = box.left + box.width - 2
        words = f'x="{right:.0f}" y="{max(box.y(y) - 4, box.top + 9):.1f}" text-anchor="end"'
    else:
        return ""
    return (
        f'<path d="{line}" stroke="currentColor" stroke-opacity=".6" stroke-dasharray="4 3"/>'
        f"<text {words} {_QUIET}>{escape(name)}</text>"
    )


def _path(x: Sequence[float], y: Sequence[float], box: _Box) -> str:
    """A line with gaps where nothing was measured; a point between two gaps is a dot."""
    parts: list[str] = []
    drawing = False
    for at, value in zip(x, y, strict=False):
        if math.isnan(at) or math.isnan(value) or (box.y_scale[2] and value <= 0):
            drawing = False
            continue
        place = f"{box.x(at):.1f} {_inside(box.y(value), box):.1f}"
        parts.append(f"L{place}" if drawing else f"M{place}h0")
        drawing = True
    return "".join(parts)


def _values(chart: Chart) -> tuple[list[float], list[float]]:
    """The positions and heights that the axes have to cover."""
    xs = [*chart.x, *(point.x for point in chart.points)]
    ys = [value for line in chart.lines for value in line.y]
    if chart.band is not None:
        ys += [*chart.band.low, *chart.band.high]
    ys += (point.y for point in chart.points)
    known = [value for value in ys if math.isfinite(value)]
    if known:
        # A limit far above what is measured would leave nothing to see of that.
        most = _FAR * max(known)
        known += (mark.y for mark in chart.marks if mark.y is not None and mark.y <= most)
        xs += (mark.x for mark in chart.marks if mark.x is not None)
    return [value for value in xs if math.isfinite(value)], known


def _scale(axis: Axis, values: Sequence[float]) -> _Scale:
    """Where an axis starts and ends, and whether it is logarithmic."""
    if axis.log:
        above = [value for value in values if value > 0] or [1.0]
        low = max(value for value in _rounds(min(above)) if value <= min(above) * (1 + 1e-9))
        high = min(value for value in _rounds(max(above)) if value >= max(above) * (1 - 1e-9))
        return low, high if high > low else low * 10, True
    low = min(values, default=0.0)
    if axis.least is not None:
        low = axis.least
    high = max([*values, low]) if axis.most is None else axis.most
    if high <= low:
        high = low + 1.0
    if axis.most is None:
        high += _HEADROOM * (high - low) if max(values, default=low) > low else 0.0
        step = _step(high - low)
        low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return low, high, False


def _step(length: float) -> float:
    """A round distance of ticks: three to six of them cover ``length``."""
    power = 10.0 ** math.floor(math.log10(length))
    return next(
        factor * power
        for factor in (0.2, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0)
        if length / (factor * power) <= 5
    )


def _rounds(low: float, high: float = 0.0) -> list[float]:
    """1, 2 and 5 times the powers of ten around ``low`` to ``high``."""
    first = math.floor(math.log10(low))
    last = math.ceil(math.log10(max(low, high)))
    powers = (10.0**power for power in range(first, last + 1))
    return [factor * power for power in powers for factor in (1.0, 2.0, 5.0)]


def _ticks(scale: _Scale) -> list[float]:
    low, high, log = scale
    if log:
        found = [value for value in _rounds(low, high) if low * 0.999 <= value <= high * 1.001]
        if len(found) <= _MOST_TICKS:
            return found
        powers = [value for value in found if math.log10(value) % 1 in (0.0, 1.0)]
        return powers[:: math.ceil(len(powers) / _MOST_TICKS)]
    step_size = _step(high - low)
    first = math.ceil(low / step_size - 1e-9)
    count = math.floor(high / step_size + 1e-9) - first + 1
    return [(first + index) * step_size for index in range(count)]


def number(value: float) -> str:
    """A number of an axis, as short as it can be.

    >>> number(2000.0), number(0.25), number(-5.0), number(150000.0)
    ('2,000', '0.25', '−5', '150k')
    """
    if abs(value) >= 100_000:
        return f"{value / 1000:,.6g}k"
    return f"{round(value, 9):,.6g}".replace("-", "−")


def _share(value: float, scale: _Scale) -> float:
    low, high, log = scale
    if log:
        return math.log(value / low) / math.log(high / low) if value > 0 else -1.0
    return (value - low) / (high - low)


def _inside(y: float, box: _Box) -> float:
    return min(max(y, box.top), box.top + box.height)


def _is_shown(x: float, y: float, box: _Box) -> bool:
    return (
        math.isfinite(x)
        and math.isfinite(y)
        and -1e-6 <= _share(x, box.x_scale) <= 1 + 1e-6
        and -1e-6 <= _share(y, box.y_scale) <= 1 + 1e-6
    )
