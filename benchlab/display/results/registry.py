"""Which view shows a result: one line for each type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchlab.analysis.attribution import Attribution
from benchlab.analysis.capacity import Capacity
from benchlab.analysis.comparison import Comparison
from benchlab.analysis.explanation import Explanation
from benchlab.analysis.resilience import Resilience
from benchlab.analysis.scalability import Scalability
from benchlab.analysis.sweep import Sweep
from benchlab.analysis.trend import Trend
from benchlab.display.result_view import ResultView
from benchlab.display.results import (
    apdex,
    attainment,
    attribution,
    capacity,
    comparison,
    explanation,
    fidelity,
    littles_law,
    modes,
    percentile_interval,
    resilience,
    scalability,
    steady_state,
    sweep,
    trend,
)
from benchlab.displayed import Result
from benchlab.runs.apdex import Apdex
from benchlab.runs.attainment import Attainment
from benchlab.runs.fidelity import Fidelity
from benchlab.runs.littles_law import LittlesLaw
from benchlab.runs.modes import Modes
from benchlab.runs.steady_state import SteadyState
from benchlab.samples.percentile_interval import PercentileInterval

__all__ = ["RESULT_VIEWS", "view_of"]

RESULT_VIEWS: Mapping[type[Result], Callable[[Any], ResultView]] = {
    Attribution: attribution.view,
    Comparison: comparison.view,
    Capacity: capacity.view,
    Explanation: explanation.view,
    Apdex: apdex.view,
    Attainment: attainment.view,
    Fidelity: fidelity.view,
    LittlesLaw: littles_law.view,
    Modes: modes.view,
    PercentileInterval: percentile_interval.view,
    SteadyState: steady_state.view,
    Resilience: resilience.view,
    Scalability: scalability.view,
    Sweep: sweep.view,
    Trend: trend.view,
}


def view_of(result: Result) -> ResultView:
    """``result`` as people see it."""
    return RESULT_VIEWS[type(result)](result)
