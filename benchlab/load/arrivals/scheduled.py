"""The arrivals of an open loop: on schedule, independent of responses."""

from __future__ import annotations

import asyncio

from benchlab.load.arrivals.arrivals import Sender
from benchlab.load.arrivals.pacing import OpenSource, Pacer
from benchlab.plan.plan import Plan

__all__ = ["ScheduledArrivals"]


class ScheduledArrivals:
    """The `Arrivals` of an open loop."""

    def __init__(self, plan: Plan, worker: int) -> None:
        self._schedule = plan.arrivals(worker, plan.workers)
        self.source = OpenSource()
        self._pacer: Pacer | None = None

    @property
    def clock(self) -> str:
        """The name of the timer."""
        return self._pacer.clock if self._pacer is not None else ""

    def open(self, loop: asyncio.AbstractEventLoop, sender: Sender) -> None:
        """Get ready to deliver the schedule."""
        self._pacer = Pacer(loop, self._schedule, self.source, sender.dispatch)

    def start(self, start_ns: int) -> None:
        """Deliver each request at its time after ``start_ns``."""
        if self._pacer is not None:
            self._pacer.start(start_ns)

    def tick(self, now_ns: int) -> None:
        """Do nothing: the schedule ends by itself."""

    def stop(self) -> None:
        """Deliver nothing more."""
        self.source.stop()
        if self._pacer is not None:
            self._pacer.close()

    def close(self) -> None:
        """Deliver nothing more."""
        self.stop()
