"""The measured window of a run."""

from __future__ import annotations

from benchlab.plan.plan import Plan
from benchlab.plan.shapes import ClosedLoop
from benchlab.samples.samples import Samples

__all__ = ["measured_window_ns", "reached_request_count"]


def measured_window_ns(
    plan: Plan, samples: Samples, stopped_ns: int | None = None
) -> tuple[int, int]:
    """Start and end of the measured window, from the start of the run.

    It ends by the plan, or when the run was stopped. In a closed loop with a ``request_count`` it
    ends with the answer to the last of these requests.
    """
    start_ns, end_ns = plan.warmup_ns, plan.end_ns
    if isinstance(plan.load, ClosedLoop) and reached_request_count(plan, samples):
        end_ns = min(end_ns, max(int(done.max()) for done in samples.measured.in_blocks("done_ns")))
    elif stopped_ns is not None:
        end_ns = min(end_ns, stopped_ns)
    return start_ns, max(start_ns, end_ns)


def reached_request_count(plan: Plan, samples: Samples) -> bool:
    """Whether the plan asks for a number of requests (or iterations) and all were made."""
    if plan.request_count is None:
        return False
    made = samples.measured if plan.scenario is None else samples.measured.iteration_starts
    return len(made) >= plan.request_count
