"""An objective, as people see it."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.plan.objectives import Objective

__all__ = ["view"]

_OF = {"latency": "latency, from the intended send", "service": "service time", "lag": "lag"}


def view(objective: Objective) -> ResultView:
    """The condition, and what it is on."""
    statistic = objective.statistic
    quantity = f"{statistic} of {_OF[objective.of]}" if objective.of else statistic
    endpoint = objective.endpoint or "all requests"
    window = "the whole run"
    if objective.window_s is not None:
        window = f"each window of {objective.window_s:g} s"
    return ResultView(
        title=objective.text,
        banner="objective",
        level="neutral",
        sentence=f"the {quantity}, of {endpoint}, in {window}",
        facts=(("limit", f"{objective.operator} {objective.show(objective.limit)}"),),
    )
