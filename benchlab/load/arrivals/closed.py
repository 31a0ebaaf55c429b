"""The arrivals of a closed loop: each connection's next request follows its last response."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from benchlab.load.arrivals.arrivals import Sender
from benchlab.load.arrivals.timer import Timer, make_timer
from benchlab.plan.plan import Plan

__all__ = ["ClosedArrivals", "ClosedSource", "CountedArrivals", "CountedSource"]


class ClosedSource:
    """A source that always has a request, until the end of the run."""

    closed = True
    waiting = 0

    def __init__(self, first: int, step: int) -> None:
        """Number requests ``first``, ``first + step``, …; set ``end_ns`` when the run starts."""
        self._next = first
        self._step = step
        self.end_ns = 0
        self.exhausted = False

    def take(self, now_ns: int) -> tuple[int, int] | None:
        """The next request, or None after the end."""
        if now_ns >= self.end_ns or self.exhausted:
            self.exhausted = True
            return None
        seq = self._next
        self._next = seq + self._step
        return seq, now_ns

    def stop(self) -> None:
        """Make no further requests."""
        self.exhausted = True


class CountedSource(ClosedSource):
    """A closed loop that ends after a number of measured requests.

    A request counts if it is taken after the warm-up. It is sent a moment later, so the time of
    sending cannot decide whether it counts. Instead ``on_measuring`` is called with the first
    sequence number that counts; all lower ones belong to the warm-up.
    """

    def __init__(
        self, first: int, step: int, count: int, on_measuring: Callable[[int], None]
    ) -> None:
        """End after ``count`` requests since ``measured_ns``, which is set when the run starts."""
        super().__init__(first, step)
        self._left = count
        self._on_measuring = on_measuring
        self._measuring = False
        self.measured_ns = 0

    def take(self, now_ns: int) -> tuple[int, int] | None:
        """The next request, or None after the end or the last counted request."""
        if now_ns >= self.measured_ns and not self.exhausted:
            if not self._measuring:
                self._measuring = True
                self._on_measuring(self._next)
            self._left -= 1
            if self._left <= 0:
                request = super().take(now_ns) if self._left == 0 else None
                self.exhausted = True
                return request
        return super().take(now_ns)


class ClosedArrivals:
    """The `Arrivals` of a closed loop that ends after a time."""

    clock = "responses"

    def __init__(self, plan: Plan, worker: int) -> None:
        self._length_ns = plan.end_ns
        self._end_ns = sys.maxsize
        self._starter: Timer | None = None
        self.source = self._make_source(plan, worker)

    def _make_source(self, plan: Plan, worker: int) -> ClosedSource:
        return ClosedSource(worker, plan.workers)

    def open(self, loop: asyncio.AbstractEventLoop, sender: Sender) -> None:
        """Get ready to start ``sender``."""
        self._loop = loop
        self._sender = sender

    def start(self, start_ns: int) -> None:
        """Begin at ``start_ns``."""
        self._end_ns = self.source.end_ns = start_ns + self._length_ns
        # The event loop's own timers may fire a little early, which would be before time 0.
        self._starter = make_timer(self._loop, self._begin)
        self._starter.set(start_ns)

    def tick(self, now_ns: int) -> None:
        """Stop at the end of the measured window."""
        if now_ns >= self._end_ns:
            self.source.stop()

    def stop(self) -> None:
        """Make no further requests."""
        self.source.stop()
        if self._starter is not None:
            self._starter.close()
            self._starter = None

    def close(self) -> None:
        """Make no further requests."""
        self.stop()

    def _begin(self) -> None:
        if self._starter is not None:
            self._starter.close()
            self._starter = None
            self._sender.begin()


class CountedArrivals(ClosedArrivals):
    """A closed loop that ends after the worker's share of the plan's ``request_count``."""

    source: CountedSource

    def __init__(self, plan: Plan, worker: int) -> None:
        super().__init__(plan, worker)
        self._warmup_ns = plan.warmup_ns

    def _make_source(self, plan: Plan, worker: int) -> CountedSource:
        count = plan.count_share(worker)
        assert count is not None
        return CountedSource(worker, plan.workers, count, self._measure_from)

    def _measure_from(self, seq: int) -> None:
        self._sender.measure_from(seq)

    def open(self, loop: asyncio.AbstractEventLoop, sender: Sender) -> None:
        """Get ready; every request is warm-up until the first one that counts."""
        super().open(loop, sender)
        sender.measure_from(sys.maxsize)

    def start(self, start_ns: int) -> None:
        """Begin at ``start_ns``, and count from the end of the warm-up."""
        self.source.measured_ns = start_ns + self._warmup_ns
        super().start(start_ns)
