"""Evaluate the plan's ``abort_on`` conditions during the run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchlab.load.supervisor.conditions import Conditions
from benchlab.plan.plan import Plan
from benchlab.units import NS_PER_S

__all__ = ["AbortWatch"]


class AbortWatch:
    """Evaluates the plan's ``abort_on`` conditions on records as they arrive."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._names = plan.endpoint_names
        self._conditions = Conditions(plan.abort_on, plan)

    def take(self, records: NDArray[np.void]) -> None:
        """Add records of any worker; those of the warm-up are ignored."""
        self._conditions.take(records, self._names)

    def fired(self, run_ns: int) -> str:
        """The reason to stop at run time ``run_ns``; empty if there is none."""
        if not self._plan.warmup_ns <= run_ns < self._plan.end_ns:
            return ""
        for condition, value in self._conditions.values(run_ns):
            if value is not None and condition.holds(value):
                seen = f"{condition.show(value)} after {run_ns / NS_PER_S:.1f} s"
                return f"stopped by abort_on {condition}: {seen}"
        return ""
