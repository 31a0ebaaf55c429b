"""Work in progress as people see it: numbers, a few small charts, and what has to hold.

A module per kind of work turns its progress into a `LiveView`; the renderers beside them know no
kind of work.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from benchlab.display.banner import Level

__all__ = [
    "MOST_CHARTS",
    "MOST_POINTS",
    "Axis",
    "Band",
    "Chart",
    "Color",
    "Line",
    "LiveView",
    "Mark",
    "Number",
    "Point",
    "Row",
    "Span",
    "thinned",
]

MOST_POINTS = 300
"""A line has no more points than this: a view is sent a few times a second, and kept in files."""

MOST_CHARTS = 4

Color: TypeAlias = Literal["first", "second", "good", "caution", "bad", "neutral"]
"""What a line or a point stands for; each renderer has a colour for it."""


@dataclass(frozen=True, slots=True)
class Number:
    """A figure with its unit below its name; ``level`` colours one that asks for attention.

    ``width`` is its share of the row, next to others of 1. It does not follow from the text, since
    nothing should move while the text changes.
    """

    label: str
    text: str
    level: Level = "neutral"
    width: float = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """A condition as it stands, ``met`` being None while it is open; or only a ``name``: a note."""

    name: str
    observed: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of a chart: its unit, and the range it has at least.

    ``most`` is its end where that is known beforehand, such as the length of a run: then the chart
    fills up instead of being squeezed. ``log`` axes show values above zero only.
    """

    unit: str = ""
    least: float | None = 0.0
    most: float | None = None
    log: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart: a value per position of it, NaN where nothing was measured."""

    name: str
    y: Sequence[float]
    color: Color = "first"


@dataclass(frozen=True, slots=True)
class Band:
    """The area between two lines, such as an interval that closes."""

    low: Sequence[float]
    high: Sequence[float]
    color: Color = "first"


@dataclass(frozen=True, slots=True)
class Mark:
    """A straight line across a chart: at a height ``y``, or at a position ``x``."""

    name: str = ""
    y: float | None = None
    x: float | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a chart's width that is shaded; without an ``end``, as far as the chart goes."""

    start: float
    end: float | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A single point, such as a probe."""

    x: float
    y: float
    color: Color = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A small chart. ``x`` are the positions of its lines and of its band."""

    title: str
    x: Sequence[float] = ()
    lines: tuple[Line, ...] = ()
    band: Band | None = None
    points: tuple[Point, ...] = ()
    marks: tuple[Mark, ...] = ()
    spans: tuple[Span, ...] = ()
    x_axis: Axis = Axis("s")
    y_axis: Axis = Axis()


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveView:
    """The state of some work, such as a run: what a view of it shows.

    ``done_ratio`` is None where nobody knows how much there is to do. ``done`` says the same in the
    unit that the work goes by; ``left_s`` is the time that is left, None if it is unknown.
    ``charts`` are `MOST_CHARTS` at most.
    """

    title: str
    phase: str
    done_ratio: float | None = None
    done: str = ""
    left_s: float | None = None
    numbers: tuple[Number, ...] = ()
    charts: tuple[Chart, ...] = ()
    rows: tuple[Row, ...] = ()
    finished: bool = False
    stop_requested: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether all was done that was to be done."""
        return self.finished and self.phase == "done" and not self.stop_requested

    def __post_init__(self) -> None:
        assert len(self.charts) <= MOST_CHARTS, "a view has four charts at most"


def thinned(values: Sequence[float], most: int = MOST_POINTS) -> list[float]:
    """``values``, or the largest of each few of them if there are more than ``most``: peaks stay.

    >>> thinned([1.0, 5.0, 2.0, math.nan, 3.0], 3)
    [5.0, 2.0, 3.0]
    """
    step = math.ceil(len(values) / most) if values else 1
    if step == 1:
        return list(values)
    parts = (values[start : start + step] for start in range(0, len(values), step))
    return [max((v for v in part if not math.isnan(v)), default=math.nan) for part in parts]
