"""What every driver does: turn requests that are due into samples."""

from __future__ import annotations

from typing import Protocol

from benchlab.errors import InputError
from benchlab.load.arrivals.source import Source
from benchlab.load.drivers.servers import ServerNames
from benchlab.load.recording.outputs import Outputs
from benchlab.plan.plan import Plan

__all__ = ["Driver", "make_driver"]


class Driver(Protocol):
    """Sends what the source has due, over at most its share of connections, and records it.

    Every request taken from the source becomes exactly one record (a scenario's at least one); a
    failed one is offered to the examples as well. All times are of ``time.monotonic_ns``.
    In-flight requests are those taken and not yet recorded.
    """

    in_flight_max: int
    cap_wait_count: int
    servers: ServerNames

    @property
    def connections_opened(self) -> int:
        """Connections that came to be."""

    @property
    def local_failure_count(self) -> int:
        """Connections that this machine had no port, file or buffer for."""

    @property
    def in_flight(self) -> int:
        """Requests taken and not yet recorded."""

    async def open(self) -> None:
        """Get ready: resolve names, open the connections of a closed loop. Sends no request."""

    def begin(self) -> None:
        """Start a closed loop: one request on every connection."""

    def measure_from(self, seq: int) -> None:
        """What the source numbers below ``seq`` belongs to the warm-up, whenever it is sent."""

    def dispatch(self) -> None:
        """Send what is due on idle or new connections; what the cap holds back goes later."""

    def sweep(self, now_ns: int) -> None:
        """End requests that are over their time. Called a few times per timeout."""

    def abandon(self, now_ns: int) -> None:
        """Record everything in flight or due as abandoned, and take no more."""

    async def close(self) -> None:
        """Close all connections."""


def make_driver(plan: Plan, worker: int, run_id: str, source: Source, outputs: Outputs) -> Driver:
    """The driver that the plan needs, for one worker's share of the connections."""
    if plan.scenario is not None:
        from benchlab.load.drivers.scenario.driver import ScenarioDriver

        return ScenarioDriver(plan, worker, run_id, source, outputs)
    if plan.driver == "http":
        from benchlab.load.drivers.wire.driver import WireDriver

        return WireDriver(plan, worker, run_id, source, outputs)
    if plan.driver == "httpx":
        from benchlab.load.drivers.httpx.driver import HttpxDriver

        return HttpxDriver(plan, worker, run_id, source, outputs)
    raise InputError("is unknown", field="driver", value=plan.driver)
