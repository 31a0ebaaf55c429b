"""What the engine and drivers need of a kind of load: when requests are due, and which is next."""

from __future__ import annotations

import asyncio
from typing import Protocol

__all__ = ["Arrivals", "Sender", "Source"]


class Source(Protocol):
    """Hands out requests as (sequence number, intended clock time in ns).

    With ``closed``, the intended time is the time of sending, whatever was handed out.
    """

    closed: bool

    def take(self, now_ns: int) -> tuple[int, int] | None:
        """The next request that is due, or None when nothing is."""

    def stop(self) -> None:
        """Make no further requests."""

    @property
    def exhausted(self) -> bool:
        """Nothing will ever be due again."""

    @property
    def waiting(self) -> int:
        """How many requests are due and not taken."""


class Sender(Protocol):
    """What arrivals need of a driver."""

    def begin(self) -> None:
        """Start a closed loop: one request on every connection."""

    def dispatch(self) -> None:
        """Send the requests that are due."""

    def measure_from(self, seq: int) -> None:
        """Flag what the source numbers below ``seq`` as warm-up."""


class Arrivals(Protocol):
    """One worker's arrivals. Order of calls: `open`, `start`, `tick` now and then, `close`."""

    @property
    def source(self) -> Source:
        """What the driver takes requests from."""

    @property
    def clock(self) -> str:
        """What decides when requests are sent, for the report."""

    def open(self, loop: asyncio.AbstractEventLoop, sender: Sender) -> None:
        """Get ready to call ``sender`` in ``loop``."""

    def start(self, start_ns: int) -> None:
        """Make the first request due at the clock time ``start_ns``, or as scheduled after it."""

    def tick(self, now_ns: int) -> None:
        """Make no further requests if the end of the measured window has passed."""

    def stop(self) -> None:
        """Make no further requests. May be called at any time, and again."""

    def close(self) -> None:
        """Stop, and call the sender no more."""
