"""Which view shows a result: one line for each type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchlab.analysis.comparison import Comparison
from benchlab.analysis.scalability import Scalability
from benchlab.analysis.trend import Trend
from benchlab.display.result_view import ResultView
from benchlab.display.results import comparison, scalability, trend
from benchlab.displayed import Result

__all__ = ["RESULT_VIEWS", "view_of"]

RESULT_VIEWS: Mapping[type[Result], Callable[[Any], ResultView]] = {
    Comparison: comparison.view,
    Scalability: scalability.view,
    Trend: trend.view,
}


def view_of(result: Result) -> ResultView:
    """``result`` as people see it."""
    return RESULT_VIEWS[type(result)](result)
