"""What a driver does: send the requests that are due, and finish each in the recording."""

from __future__ import annotations

from typing import Protocol

from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.headers import ServerNames
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan

__all__ = ["Driver", "DriverFactory"]


class Driver(Protocol):
    """Sends what the source has due, over at most its share of the plan's connections.

    Every request taken from the source is finished in the `Recording` exactly once (a scenario's
    iteration at least once). Requests in flight are those taken and not yet finished. All times
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
        """Number of connections that failed for lack of ports, files or buffers here."""

    @property
    def in_flight(self) -> int:
        """Number of requests taken and not yet finished."""

    async def open(self) -> None:
        """Get ready: resolve names, open the connections of a closed loop. Sends no request."""

    def begin(self) -> None:
        """Start a closed loop: one request on every connection."""

    def measure_from(self, seq: int) -> None:
        """Flag what the source numbers below ``seq`` as warm-up, whenever it is sent."""

    def dispatch(self) -> None:
        """Send what is due on idle or new connections; with all in use, as they become free."""

    def sweep(self, now_ns: int) -> None:
        """Fail requests whose timeout has passed. Called a few times per timeout."""

    def abandon(self, now_ns: int) -> None:
        """Finish everything in flight or due as abandoned, and take no more."""

    async def close(self) -> None:
        """Close all connections."""


class DriverFactory(Protocol):
    """Makes a driver for one worker's share of the plan's connections."""

    def __call__(
        self, plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
    ) -> Driver: ...
