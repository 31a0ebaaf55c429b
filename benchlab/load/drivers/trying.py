"""Carry out a request with the policies of a plan: its tries, one after the other or side by side.

For drivers whose tries are coroutines; the wire driver does the same with callbacks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

from benchlab.load.drivers.policies import FASTER, Course, Policies
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.samples.tries import TryReason
from benchlab.units import NS_PER_S

__all__ = ["Tries", "Try", "carry_out"]

_clock = time.monotonic_ns


class Try(Protocol):
    """A try in flight; ``sent`` is 0 until it is sent."""

    flags: int
    sent: int
    first_byte: int

    @property
    def status(self) -> int:
        """The response's status, 0 without a response."""


T = TypeVar("T", bound=Try)


class Tries(Protocol, Generic[T]):
    """What a driver does for one request."""

    @property
    def course(self) -> Course:
        """How often it has been tried."""

    @property
    def origin(self) -> Hashable:
        """The service."""

    @property
    def replayable(self) -> bool:
        """Whether Go's client would repeat it on its own."""

    def begin(self, reason: TryReason | None) -> T:
        """Number a try; ``reason`` is None for the first one."""

    async def carry_out(self, attempt: T) -> tuple[ErrorKind, str]:
        """Send a try; returns its error and a message."""

    def replaced(self, attempt: T, error: ErrorKind, message: str, by: TryReason) -> None:
        """Record a try whose outcome another one replaces: ``by`` says why there is another."""


async def carry_out(policies: Policies, tries: Tries[T]) -> tuple[T, ErrorKind, str]:
    """Try until a try succeeds or the policies give up; the deciding try is not recorded yet."""
    reason: TryReason | None = None
    while True:
        if not policies.admits(tries.origin, _clock()):
            return tries.begin(reason), ErrorKind.CIRCUIT_OPEN, ""
        attempt, error, message = await _race(policies, tries, tries.begin(reason))
        now = _clock()
        if not error:
            return attempt, error, message
        reused = not attempt.flags & Flag.NEW_CONNECTION and not attempt.first_byte
        if policies.resend(tries.course, error, reused=reused, replayable=tries.replayable):
            reason = TryReason.REUSED
            tries.replaced(attempt, error, message, reason)
            continue
        at = policies.retry_at(tries.course, error, attempt.status, now)
        if at is None:
            return attempt, error, message
        reason = TryReason.RETRY
        tries.replaced(attempt, error, message, reason)
        await asyncio.sleep((at - now) / NS_PER_S)


async def _race(policies: Policies, tries: Tries[T], first: T) -> tuple[T, ErrorKind, str]:
    """The outcome of a try, or that of a hedge of it which was faster."""
    if not policies.hedge_ns:
        error, message = ErrorKind.ABANDONED, ""
        try:
            error, message = await tries.carry_out(first)
        finally:  # also of a try that is cancelled: it may have been a probe
            policies.note(tries.origin, error, first.status, first.sent, _clock())
        return first, error, message
    running = {asyncio.create_task(tries.carry_out(first)): first}
    wait_s: float | None = policies.hedge_ns / NS_PER_S
    try:
        while True:
            done, _ = await asyncio.wait(
                running, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                now = _clock()
                if policies.hedge(tries.course) and policies.admits(tries.origin, now):
                    hedge = tries.begin(TryReason.HEDGE)
                    running[asyncio.create_task(tries.carry_out(hedge))] = hedge
                else:
                    wait_s = None
            for task in done:
                attempt = running.pop(task)
                error, message = task.result()
                policies.note(tries.origin, error, attempt.status, attempt.sent, _clock())
                if not error or not running:
                    return attempt, error, message
                tries.replaced(attempt, error, message, TryReason.HEDGE)
    finally:
        for task, attempt in running.items():
            task.cancel()
            policies.note(tries.origin, ErrorKind.ABANDONED, 0, attempt.sent, _clock())
            tries.replaced(attempt, ErrorKind.ABANDONED, FASTER, TryReason.HEDGE)
        if running:
            await asyncio.wait(running)
