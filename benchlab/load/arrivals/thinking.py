"""Think time: the users of a closed loop pause before each request."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Callable, Iterator

from benchlab.load.arrivals.arrivals import Sender
from benchlab.load.arrivals.closed import ClosedArrivals, ClosedSource
from benchlab.load.arrivals.timer import make_timer
from benchlab.plan.plan import Plan

__all__ = ["ThinkingArrivals", "ThinkingSource"]


class ThinkingSource:
    """A source for users with think time: if no request is due, `take` starts a user's pause.

    A driver calls `take` once for every user that becomes free. When the user's pause ends, its
    next request becomes due and ``dispatch`` is called. One timer serves all users.
    """

    closed = True

    def __init__(self, source: ClosedSource, pauses_ns: Iterator[int]) -> None:
        """``pauses_ns`` are the think times, in the order in which the pauses start."""
        self._source = source
        self._pauses_ns = pauses_ns
        self._due_ns: list[int] = []
        self._ready: deque[tuple[int, int]] = deque()
        self._dispatch: Callable[[], None] = lambda: None

    def attach(self, loop: asyncio.AbstractEventLoop, dispatch: Callable[[], None]) -> None:
        """Call ``dispatch`` in ``loop`` whenever requests are due."""
        self._dispatch = dispatch
        self._timer = make_timer(loop, self._on_timer)
        self.clock = self._timer.name

    def take(self, now_ns: int) -> tuple[int, int] | None:
        """A request that is due; if there is none, start a pause and return None."""
        if self._ready:
            return self._ready.popleft()
        if not self.exhausted:
            due_ns = now_ns + next(self._pauses_ns)
            if not self._due_ns or due_ns < self._due_ns[0]:
                self._timer.set(due_ns)
            heapq.heappush(self._due_ns, due_ns)
        return None

    def stop(self) -> None:
        """Make no further requests."""
        self._source.stop()
        self._due_ns.clear()

    def close(self) -> None:
        """Close the timer."""
        self._timer.close()

    @property
    def is_stopped(self) -> bool:
        """True if no further requests will be made; those that are due can still be taken."""
        return self._source.exhausted

    @property
    def exhausted(self) -> bool:
        """True if no request will be due any more."""
        return self._source.exhausted and not self._ready

    @property
    def waiting(self) -> int:
        """Number of requests that are due and not taken."""
        return len(self._ready)

    def _on_timer(self) -> None:
        now_ns = time.monotonic_ns()
        while self._due_ns and self._due_ns[0] <= now_ns:
            heapq.heappop(self._due_ns)
            request = self._source.take(now_ns)
            if request is not None:
                self._ready.append(request)
        self._dispatch()
        if self._due_ns:
            self._timer.set(self._due_ns[0])


class ThinkingArrivals:
    """The `Arrivals` of a closed loop with think time."""

    def __init__(self, closed: ClosedArrivals, plan: Plan, worker: int) -> None:
        """``closed`` decides when the loop starts and ends."""
        self._closed = closed
        drawn = plan.load.pauses(plan.share(worker), plan.seed, worker)
        self.source = ThinkingSource(closed.source, drawn)

    @property
    def clock(self) -> str:
        """Responses, and the name of the timer for the pauses."""
        return f"{self._closed.clock}, {self.source.clock}"

    def open(self, loop: asyncio.AbstractEventLoop, sender: Sender) -> None:
        """Get ready to call ``sender`` when a pause is over."""
        self._closed.open(loop, sender)
        self.source.attach(loop, sender.dispatch)

    def start(self, start_ns: int) -> None:
        """Begin at ``start_ns``, every user with a pause."""
        self._closed.start(start_ns)

    def tick(self, now_ns: int) -> None:
        """Stop at the end of the measured window, and cancel the pauses."""
        self._closed.tick(now_ns)
        if self.source.is_stopped:
            self.source.stop()

    def stop(self) -> None:
        """Make no further requests."""
        self._closed.stop()
        self.source.stop()

    def close(self) -> None:
        """Make no further requests, and close the timer."""
        self.stop()
        self.source.close()
