"""Evaluate the plan's ``abort_on`` conditions during the run."""

from __future__ import annotations

from benchlab.load.supervisor.conditions import IN_THE_FILE_AFTER_NS, Conditions
from benchlab.load.supervisor.measurements import Measurements
from benchlab.load.supervisor.sums import TallySums
from benchlab.plan.plan import Plan
from benchlab.units import NS_PER_S

__all__ = ["AbortWatch"]


class AbortWatch:
    """Evaluates the plan's ``abort_on`` conditions on records as they arrive."""

    def __init__(
        self, plan: Plan, *, merged: bool = False, late_ns: int = IN_THE_FILE_AFTER_NS
    ) -> None:
        """``merged``: only sums of the samples are known. All of them are after ``late_ns``."""
        self._plan = plan
        self._names = plan.endpoint_names
        self._conditions = Conditions(plan.abort_on, plan, merged=merged, late_ns=late_ns)

    def take(self, part: Measurements) -> None:
        """Add what any workers measured; the warm-up is ignored."""
        if isinstance(part, TallySums):
            self._conditions.merge(part.aborting)
        else:
            self._conditions.take(part, self._names)

    def fired(self, run_ns: int) -> str:
        """The reason to stop at run time ``run_ns``; empty if there is none."""
        if not self._plan.warmup_ns <= run_ns < self._plan.end_ns:
            return ""
        for condition, value in self._conditions.values(run_ns):
            if value is not None and condition.holds(value):
                seen = f"{condition.show(value)} after {run_ns / NS_PER_S:.1f} s"
                return f"stopped by abort_on {condition}: {seen}"
        return ""
