"""Make the wire driver, with policies or streams if the plan has some."""

from __future__ import annotations

from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.driver import Driver
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan

__all__ = ["make_driver"]


def make_driver(
    plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
) -> Driver:
    """Make the driver of ``plan`` for one worker's share of its connections."""
    if plan.transport.has_policies:
        from benchlab.load.drivers.wire.policy_driver import PolicyDriver

        return PolicyDriver(plan, worker, run_id, source, recording)
    if plan.has_streams:
        from benchlab.load.drivers.wire.stream_driver import StreamDriver

        return StreamDriver(plan, worker, run_id, source, recording)
    from benchlab.load.drivers.wire.driver import WireDriver

    return WireDriver(plan, worker, run_id, source, recording)
