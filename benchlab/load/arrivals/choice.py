"""Which arrivals a plan's load needs."""

from __future__ import annotations

from benchlab.load.arrivals.arrivals import Arrivals
from benchlab.load.arrivals.closed import ClosedArrivals, CountedArrivals
from benchlab.load.arrivals.scheduled import ScheduledArrivals
from benchlab.load.arrivals.thinking import ThinkingArrivals
from benchlab.plan.plan import Plan

__all__ = ["make_arrivals"]


def make_arrivals(plan: Plan, worker: int) -> Arrivals:
    """Make the arrivals of worker number ``worker`` of ``plan``."""
    if plan.load.has_schedule:
        return ScheduledArrivals(plan, worker)
    closed = (
        ClosedArrivals(plan, worker)
        if plan.request_count is None
        else CountedArrivals(plan, worker)
    )
    return ThinkingArrivals(closed, plan, worker) if plan.load.think_time_s else closed
