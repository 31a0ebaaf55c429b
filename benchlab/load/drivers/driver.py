"""The protocol of drivers: send the requests that are due, and record each of them."""

from __future__ import annotations

from typing import Protocol

from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.headers import ServerNames
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan

__all__ = ["Driver", "DriverFactory"]


class Driver(Protocol):
    """Sends the requests that are due, on at most its share of the plan's connections.

    Every request taken from the source is finished in the `Recording` exactly once (a scenario's
    iteration at least once). A request is in flight from being taken to being finished. All times
    are clock times of ``time.monotonic_ns``.
    """

    in_flight_max: int
    cap_wait_count: int
    servers: ServerNames

    @property
    def connections_opened(self) -> int:
        """Number of connections opened."""

    @property
    def local_failure_count(self) -> int:
        """Number of connections that failed because this machine lacked ports, files or buffers."""

    @property
    def in_flight(self) -> int:
        """Number of requests taken and not yet finished."""

    async def open(self) -> None:
        """Resolve names and open the connections of a closed loop, without sending a request."""

    def begin(self) -> None:
        """Start a closed loop: one request on every connection."""

    def measure_from(self, seq: int) -> None:
        """Flag requests that the source numbers below ``seq`` as warm-up, whenever sent."""

    def dispatch(self) -> None:
        """Send due requests on idle or new connections, the rest as connections become free."""

    def sweep(self, now_ns: int) -> None:
        """Fail requests whose timeout has passed. Called a few times per timeout."""

    def abandon(self, now_ns: int) -> None:
        """Finish all requests in flight or due as abandoned, and take no more."""

    async def close(self) -> None:
        """Close all connections."""


class DriverFactory(Protocol):
    """Makes a driver for one worker's share of the plan's connections."""

    def __call__(
        self, plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
    ) -> Driver: ...
