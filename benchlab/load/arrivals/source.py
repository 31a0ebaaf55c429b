"""Sources of requests. A driver takes the next request whenever a connection is free."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

__all__ = ["ClosedSource", "CountedSource", "OpenSource", "Source"]


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
