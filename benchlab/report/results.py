"""Which figures a result has on its page: one line for each type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from benchlab.analysis.attribution import Attribution
from benchlab.analysis.capacity import Capacity
from benchlab.analysis.comparison import Comparison
from benchlab.displayed import Result
from benchlab.plots.figures.attribution import attribution
from benchlab.plots.figures.capacity import capacity
from benchlab.plots.figures.comparison import comparison

__all__ = ["RESULT_FIGURES", "ResultFigure"]


class ResultFigure(NamedTuple):
    """A figure of a result: its function, and how to read it."""

    draw: Callable[[Any], Figure]
    caption: str = ""


RESULT_FIGURES: Mapping[type[Result], tuple[ResultFigure, ...]] = {
    Attribution: (ResultFigure(attribution, "The mean latency of each band, by its parts."),),
    Comparison: (
        ResultFigure(
            comparison,
            "Each line is the interval of a ratio. Inside the grey band a change is too small to"
            " matter; a verdict takes a line that is wholly on one side of an edge of the band.",
        ),
    ),
    Capacity: (
        ResultFigure(
            capacity,
            "Each mark is a probe, a run at one rate. The band is the 95 % interval of the"
            " capacity; the curve is the share of requests within the objective, fitted so that it"
            " never rises.",
        ),
    ),
}
"""A result without an entry has a page without figures."""
