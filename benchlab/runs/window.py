"""The measured window of a run."""

from __future__ import annotations

from benchlab.plan.plan import Plan
from benchlab.samples.samples import Samples

__all__ = ["counted_out", "measured_window_ns"]


def measured_window_ns(
    plan: Plan, samples: Samples, stopped_ns: int | None = None
) -> tuple[int, int]:
    """Start and end of the measured window, from the start of the run.

    It ends by the plan, or when the run was stopped. In a closed loop with a ``request_count`` it
    ends with the answer to the last of these requests.
    """
    start_ns, end_ns = plan.warmup_ns, plan.end_ns
    if not plan.load.has_schedule and counted_out(plan, samples):
        end_ns = min(end_ns, max(int(done.max()) for done in samples.measured.in_blocks("done_ns")))
    elif stopped_ns is not None:
        end_ns = min(end_ns, stopped_ns)
    return start_ns, max(start_ns, end_ns)


def counted_out(plan: Plan, samples: Samples) -> bool:
    """Whether the plan asks for a number of requests (or iterations) and all were made."""
    if plan.request_count is None:
        return False
    made = samples.measured if plan.scenario is None else samples.measured.beginning
    return len(made) >= plan.request_count
