"""Which view shows a result: one line for each type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchlab.analysis.attribution import Attribution
from benchlab.analysis.capacity import Capacity
from benchlab.analysis.comparison import Comparison
from benchlab.display.result_view import ResultView
from benchlab.display.results import attribution, capacity, comparison
from benchlab.displayed import Result

__all__ = ["RESULT_VIEWS", "view_of"]

RESULT_VIEWS: Mapping[type[Result], Callable[[Any], ResultView]] = {
    Attribution: attribution.view,
    Comparison: comparison.view,
    Capacity: capacity.view,
}


def view_of(result: Result) -> ResultView:
    """``result`` as people see it."""
    return RESULT_VIEWS[type(result)](result)
