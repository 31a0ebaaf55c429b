"""Make the gRPC driver."""

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
    from benchlab.load.drivers.grpc.driver import GrpcDriver

    return GrpcDriver(plan, worker, run_id, source, recording)
