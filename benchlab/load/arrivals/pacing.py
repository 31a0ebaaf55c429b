"""Deliver a schedule, each request at its intended time."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator

from benchlab.load.arrivals.timer import make_timer
from benchlab.plan.schedule import Arrivals

__all__ = ["OpenSource", "Pacer"]


class OpenSource:
    """A queue of due requests, filled by the pacer."""

    closed = False

    def __init__(self) -> None:
        self.queue: deque[tuple[int, int]] = deque()
        self.delivered_all = False

    def take(self, now_ns: int) -> tuple[int, int] | None:
        """The request that has waited longest, or None."""
        return self.queue.popleft() if self.queue else None

    def stop(self) -> None:
        """Make no further requests; those in the queue remain due."""
        self.delivered_all = True

    @property
    def exhausted(self) -> bool:
        """True if all arrivals were delivered and taken."""
        return self.delivered_all and not self.queue

    @property
    def waiting(self) -> int:
        """How many requests are due and not taken."""
        return len(self.queue)


class Pacer:
    """Delivers the schedule of an open loop to a source, each request at its time.

    The event loop runs after each delivery, so responses are read even when the pacer is late. Its
    lateness then shows as lag and not as longer service times.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        arrivals: Iterator[Arrivals],
        source: OpenSource,
        dispatch: Callable[[], None],
    ) -> None:
        """``dispatch`` is called after requests were put into ``source``."""
        self._requests = _flatten(arrivals)
        self._source = source
        self._dispatch = dispatch
        self._next = next(self._requests, None)
        self._start_ns = 0
        self._closed = False
        self._timer = make_timer(loop, self._on_timer)

    @property
    def clock(self) -> str:
        """The name of the timer."""
        return self._timer.name

    def start(self, start_ns: int) -> None:
        """Begin: intended times count from the clock time ``start_ns``."""
        self._start_ns = start_ns
        self._arm()

    def close(self) -> None:
        """Deliver nothing more. May be called again."""
        if not self._closed:
            self._closed = True
            self._timer.close()
            self._source.stop()

    def _arm(self) -> None:
        if self._next is None:
            self._source.stop()
        else:
            self._timer.set(self._start_ns + self._next[1])

    def _on_timer(self) -> None:
        put = self._source.queue.append
        start_ns = self._start_ns
        due_ns = time.monotonic_ns() - start_ns
        request = self._next
        while request is not None and request[1] <= due_ns:
            put((request[0], start_ns + request[1]))
            request = next(self._requests, None)
        self._next = request
        self._dispatch()
        if not self._closed:
            self._arm()


def _flatten(arrivals: Iterator[Arrivals]) -> Iterator[tuple[int, int]]:
    for block in arrivals:
        yield from zip(block.seq.tolist(), block.intended_ns.tolist(), strict=True)
