"""A connection whose request may have several tries."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from benchlab.load.drivers.policies import Course
from benchlab.load.drivers.wire.connection import Connection, Pool
from benchlab.load.recording.outcome import Outcome
from benchlab.samples.samples import ErrorKind, Flag

__all__ = ["Call", "TryConnection", "TryPool"]


@dataclass(slots=True, eq=False)
class Call:
    """A request as its user sees it, with its tries. ``number`` is the source's.

    ``open`` are the connections that carry a try of it; ``first_seq`` is the sample of its first
    try; ``timer`` is for its next retry or hedge. It ``is_over`` once its outcome is recorded.
    """

    number: int
    intended: int
    endpoint: int
    origin: int
    flags: int
    course: Course
    first_seq: int = -1
    open: set[TryConnection] = field(default_factory=set)
    timer: asyncio.TimerHandle | None = None
    is_over: bool = False

    def cancel_timer(self) -> None:
        """Plan no further try."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class TryPool(Pool, Protocol):
    """The part of the driver that such connections use."""

    def encode(self, call: Call, seq: int) -> bytes:
        """The bytes of a try."""

    def finished(self, connection: TryConnection, call: Call, outcome: Outcome) -> None:
        """A try has ended; the driver records it."""


class TryConnection(Connection):
    """Gives the outcome of each try to its driver, which decides what becomes of the request."""

    __slots__ = ("_pool", "call", "limit_ns")

    def __init__(self, driver: TryPool, origin: int, number: int) -> None:
        super().__init__(driver, origin, number)
        self._pool = driver
        self.call: Call | None = None
        self.limit_ns = 0

    @property
    def is_reused(self) -> bool:
        """Whether its request is not the one that it was opened for."""
        return not self._flags & Flag.NEW_CONNECTION

    def write(self) -> None:
        """Send the assigned try; the connection must be open."""
        assert self._transport is not None
        assert self.call is not None
        self._transport.write(self._pool.encode(self.call, self._seq))

    def _complete(
        self, now: int, error: ErrorKind, status: int, bytes_in: int, reusable: bool
    ) -> None:
        if now - self.sent > self.limit_ns:
            self._fail_late(now, status, bytes_in)
            return
        self._report(self._outcome(now, error, status, bytes_in))
        self._release(now, reusable)

    def _report(self, outcome: Outcome) -> None:
        """Give the outcome of a try to the driver, which records it."""
        self.busy = False
        call, self.call = self.call, None
        assert call is not None
        self._pool.finished(self, call, outcome)

    def _time_limit_ns(self) -> int:
        return self.limit_ns
