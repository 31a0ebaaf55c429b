"""What the engine needs of a kind of load: when requests are due, and who hands them out."""

from __future__ import annotations

import asyncio
from typing import Protocol

from benchlab.load.arrivals.source import Source

__all__ = ["Arrivals", "Sender"]


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
