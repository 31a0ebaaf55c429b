"""Protocols of arrivals, which decide when requests are due, of their source and of its driver."""

from __future__ import annotations

import asyncio
from typing import Protocol

__all__ = ["Arrivals", "Sender", "Source"]


class Source(Protocol):
    """Returns requests as (sequence number, intended clock time in ns).

    If ``closed``, the driver ignores that time: the intended time is the time of sending.
    """

    closed: bool

    def take(self, now_ns: int) -> tuple[int, int] | None:
        """The next request that is due, or None if none is."""

    def stop(self) -> None:
        """Make no further requests."""

    @property
    def exhausted(self) -> bool:
        """True if no request will be due any more."""

    @property
    def waiting(self) -> int:
        """Number of requests that are due and not taken."""


class Sender(Protocol):
    """The part of a driver that arrivals call."""

    def begin(self) -> None:
        """Start a closed loop: one request on every connection."""

    def dispatch(self) -> None:
        """Send the requests that are due."""

    def measure_from(self, seq: int) -> None:
        """Flag requests with a sequence number below ``seq`` as warm-up."""


class Arrivals(Protocol):
    """One worker's arrivals. Order of calls: `open`, `start`, `tick` regularly, `close`."""

    @property
    def source(self) -> Source:
        """The source that the driver takes requests from."""

    @property
    def clock(self) -> str:
        """What triggers the sending of requests, for the report: responses or a timer's name."""

    def open(self, loop: asyncio.AbstractEventLoop, sender: Sender) -> None:
        """Get ready to call ``sender`` in ``loop``."""

    def start(self, start_ns: int) -> None:
        """Start at the clock time ``start_ns``, when the schedule or the first request is due."""

    def tick(self, now_ns: int) -> None:
        """Make no further requests if the end of the measured window has passed."""

    def stop(self) -> None:
        """Make no further requests. May be called at any time, and again."""

    def close(self) -> None:
        """Stop, and never call the sender again."""
