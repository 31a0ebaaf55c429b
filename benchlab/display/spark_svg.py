"""A spark line as SVG, to stand in a table."""

from __future__ import annotations

import math
from html import escape
from itertools import groupby

from benchlab.display.spark import Spark
from benchlab.text import printable

__all__ = ["spark_svg"]

_WIDTH, _HEIGHT, _EDGE = 96, 22, 2


def spark_svg(spark: Spark) -> str:
    """The numbers as a line from 0 to the highest, the last one as a dot; a dash without any."""
    numbers = spark.numbers
    if not numbers:
        return escape(spark)
    highest = max(number for number in numbers if math.isfinite(number)) or 1.0
    step = (_WIDTH - 2 * _EDGE) / max(len(numbers) - 1, 1)
    points = [
        (_EDGE + index * step, _HEIGHT - _EDGE - number / highest * (_HEIGHT - 2 * _EDGE))
        for index, number in enumerate(numbers)
    ]
    known = [
        list(part)
        for is_known, part in groupby(points, key=lambda point: math.isfinite(point[1]))
        if is_known
    ]
    path = "".join(f"M{' '.join(f'{x:.1f},{y:.1f}' for x, y in part)}" for part in known)
    x, y = known[-1][-1]
    text = escape(printable(spark.meaning))
    return (
        f'<svg role="img" aria-label="{text}" width="{_WIDTH}" height="{_HEIGHT}"'
        f' viewBox="0 0 {_WIDTH} {_HEIGHT}" style="vertical-align:middle"><title>{text}</title>'
        f'<path d="M{_EDGE} {_HEIGHT - 1}h{_WIDTH - 2 * _EDGE}" stroke="currentColor"'
        ' stroke-opacity=".3"/>'
        f'<path d="{path}" fill="none" stroke="#3b8ccf" stroke-width="1.5"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="#3b8ccf"/></svg>'
    )
