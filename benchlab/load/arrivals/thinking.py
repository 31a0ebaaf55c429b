"""Think time: the users of a closed loop pause before each request."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np

from benchlab.load.arrivals.source import ClosedSource
from benchlab.load.arrivals.timer import make_alarm
from benchlab.plan.shapes import ClosedLoop
from benchlab.units import NS_PER_S

__all__ = ["ThinkingSource", "pauses"]

_DRAWN_AT_ONCE = 1_024


class ThinkingSource:
    """A closed loop whose users think: who asks here and gets nothing begins to, and is called.

    A driver asks once for every user that is free. That user's next request is made when its
    pause is over, and waits here for the ``dispatch`` that follows at once. One alarm wakes all.
    """

    closed = True

    def __init__(self, source: ClosedSource, pauses_ns: Iterator[int]) -> None:
        """``pauses_ns`` are the think times in the order in which users begin to think."""
        self._source = source
        self._pauses_ns = pauses_ns
        self._due_ns: list[int] = []
        self._ready: deque[tuple[int, int]] = deque()
        self._dispatch: Callable[[], None] = lambda: None

    def attach(self, loop: asyncio.AbstractEventLoop, dispatch: Callable[[], None]) -> None:
        """Call ``dispatch`` in ``loop`` whenever requests are due."""
        self._dispatch = dispatch
        self._alarm = make_alarm(loop, self._ring)
        self.clock = self._alarm.name

    def take(self, now_ns: int) -> tuple[int, int] | None:
        """A request that is due; None, and the user thinks, when there is none."""
        if self._ready:
            return self._ready.popleft()
        if not self.exhausted:
            due_ns = now_ns + next(self._pauses_ns)
            if not self._due_ns or due_ns < self._due_ns[0]:
                self._alarm.set(due_ns)
            heapq.heappush(self._due_ns, due_ns)
        return None

    def stop(self) -> None:
        """Make no further requests."""
        self._source.stop()
        self._due_ns.clear()

    def close(self) -> None:
        """Never call again."""
        self._alarm.close()

    @property
    def exhausted(self) -> bool:
        """Nothing will ever be due again."""
        return self._source.exhausted and not self._ready

    @property
    def waiting(self) -> int:
        """How many requests are due and not taken."""
        return len(self._ready)

    def _ring(self) -> None:
        now_ns = time.monotonic_ns()
        while self._due_ns and self._due_ns[0] <= now_ns:
            heapq.heappop(self._due_ns)
            request = self._source.take(now_ns)
            if request is not None:
                self._ready.append(request)
        self._dispatch()
        if self._due_ns:
            self._alarm.set(self._due_ns[0])


def pauses(load: ClosedLoop, users: int, seed: int, worker: int) -> Iterator[int]:
    """Think times in ns, endlessly; the first of each of ``users`` only a part of one.

    Users who all began at once would march in step, and the service would see bursts that no
    crowd of people makes.
    """
    rng = np.random.default_rng([seed, worker])
    think_ns = load.think_time_s * NS_PER_S
    random = load.think_distribution == "exponential"
    if not random:
        yield from (rng.random(users) * think_ns).astype(np.int64).tolist()
    while True:
        drawn = rng.standard_exponential(_DRAWN_AT_ONCE) if random else np.ones(_DRAWN_AT_ONCE)
        yield from (drawn * think_ns).astype(np.int64).tolist()
