"""Which figures a result has on its page: one line for each type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from benchlab.analysis.attribution import Attribution
from benchlab.analysis.capacity import Capacity
from benchlab.analysis.comparison import Comparison
from benchlab.analysis.explanation import Explanation
from benchlab.analysis.resilience import Resilience
from benchlab.analysis.scalability import Scalability
from benchlab.analysis.sweep import Sweep
from benchlab.analysis.trend import Trend
from benchlab.displayed import Result
from benchlab.plots.canvas import open_axes
from benchlab.plots.figures.attribution import attribution
from benchlab.plots.figures.capacity import capacity
from benchlab.plots.figures.comparison import comparison
from benchlab.plots.figures.explanation import explanation
from benchlab.plots.figures.fidelity import fidelity
from benchlab.plots.figures.resilience import resilience
from benchlab.plots.figures.scalability import scalability
from benchlab.plots.figures.sweep import has_heatmap, sweep, sweep_heatmap
from benchlab.plots.figures.trend import trend
from benchlab.runs.fidelity import Fidelity

__all__ = ["RESULT_FIGURES", "ResultFigure"]


def _has_runs(result: Sweep) -> bool:
    return bool(result.runs)


def _has_causes(result: Explanation) -> bool:
    return not result.nothing_found


def _always(_: Any) -> bool:
    return True


class ResultFigure(NamedTuple):
    """A figure of a result: its function, and how to read it.

    With a ``size`` in inches it is drawn on axes of that size. It stands below the first table, or
    where the screen has room ``beside`` it. Results to which it does not apply have none.
    """

    draw: Callable[..., Figure]
    caption: str = ""
    size: tuple[float, float] | None = None
    beside: bool = False
    applies: Callable[[Any], bool] = _always

    def drawn(self, result: Any) -> Figure:
        """The figure of ``result``."""
        if self.size is None:
            return self.draw(result)
        return self.draw(result, open_axes(None, self.size))


RESULT_FIGURES: Mapping[type[Result], tuple[ResultFigure, ...]] = {
    Attribution: (
        ResultFigure(
            attribution, "The mean latency of each band, by its parts.", (5.6, 4.2), beside=True
        ),
    ),
    Comparison: (
        ResultFigure(
            comparison,
            "Each line is the interval of a ratio. Inside the grey band a change is too small to"
            " matter; a verdict takes a line that is wholly on one side of an edge of the band.",
            (10.0, 2.6),
        ),
    ),
    Capacity: (
        ResultFigure(
            capacity,
            "Each mark is a probe, a run at one rate. The band is the 95 % interval of the"
            " capacity; the curve is the share of requests within the objective, fitted so that it"
            " never rises.",
            (5.6, 4.2),
            beside=True,
        ),
    ),
    Explanation: (
        ResultFigure(
            explanation,
            "The evidence for the first causes; the percentage is the share of the tail. Requests"
            " of the tail are blue, crosses are those that failed, and times of pauses and of"
            " faults are shaded.",
            (10.0, 3.3),
            applies=_has_causes,
        ),
    ),
    Fidelity: (
        ResultFigure(
            fidelity,
            "The share of arrivals that followed the one before within a time. Of a faithful replay"
            " both curves lie on each other.",
            (5.6, 3.9),
            beside=True,
        ),
    ),
    Resilience: (
        ResultFigure(
            resilience,
            "Each band is a fault. What lies between goodput and the line above it was outside of"
            " the objective.",
            (10.0, 4.8),
        ),
    ),
    Scalability: (
        ResultFigure(
            scalability,
            "The law is fitted to the points; the band is its interval. It is dashed where nothing"
            " was measured. The line is what as many users would reach who never wait.",
            (5.6, 3.7),
            beside=True,
        ),
    ),
    Sweep: (
        ResultFigure(
            sweep,
            "Each mark is a run, with the 95 % interval of its percentile; lines join the means of"
            " repeats. A cross is a run that is not valid.",
            (6.4, 5.0),
            beside=True,
            applies=_has_runs,
        ),
        ResultFigure(
            sweep_heatmap,
            "A cell is the mean of the valid runs with these two values.",
            (8.4, 3.4),
            applies=has_heatmap,
        ),
    ),
    Trend: (
        ResultFigure(
            trend,
            "Each dot is a run. A triangle marks the first run after a change: up is worse. The"
            " grey band around the current level is the smallest change that is named.",
            (10.0, 3.6),
        ),
    ),
}
"""A result without an entry has a page without figures."""
