"""Waking up at the intended times.

The event loop's own timers have a resolution of 1 ms, which would add half a millisecond to every
latency. Linux's timerfd has that of the kernel's clock; the loop watches its descriptor like any
socket. Where there is no timerfd the loop's timers are used, and the lag shows what that costs.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from benchlab.load.source import OpenSource
from benchlab.units import NS_PER_S
from benchlab.values.plan import Arrivals

__all__ = ["Alarm", "LoopAlarm", "Pacer", "TimerfdAlarm", "make_alarm"]

_CLOCK_MONOTONIC = 1
_TFD_NONBLOCK = 0o4000
_TFD_CLOEXEC = 0o2000000
_TFD_TIMER_ABSTIME = 1


class Alarm(Protocol):
    """Calls back at a time of the monotonic clock, never before it."""

    name: str

    def set(self, at_ns: int) -> None:
        """Ring at ``at_ns``, or at once if that has passed. Replaces what was set before."""

    def close(self) -> None:
        """Never ring again."""


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("it_interval", _Timespec), ("it_value", _Timespec))


class TimerfdAlarm:
    """An alarm on timerfd(2).

    Raises:
        OSError: this system has no timerfd.
    """

    name = "timerfd"

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._libc, "timerfd_create"):
            raise OSError("no timerfd on this system")
        self._fd = self._libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._spec = _Itimerspec()
        self._value = self._spec.it_value
        self._pointer = ctypes.byref(self._spec)
        self._settime = self._libc.timerfd_settime
        self._loop = loop
        self._ring = ring
        loop.add_reader(self._fd, self._on_readable)

    def set(self, at_ns: int) -> None:
        """Ring at ``at_ns``."""
        value = self._value
        value.tv_sec, value.tv_nsec = divmod(at_ns, NS_PER_S)
        self._settime(self._fd, _TFD_TIMER_ABSTIME, self._pointer, None)

    def close(self) -> None:
        """Never ring again."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _on_readable(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return
        self._ring()


class LoopAlarm:
    """An alarm on the event loop's timers."""

    name = "event loop"

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None
        self._at_ns = 0

    def set(self, at_ns: int) -> None:
        """Ring at ``at_ns``."""
        self.close()
        self._at_ns = at_ns
        delay_s = (at_ns - time.monotonic_ns()) / NS_PER_S
        self._handle = self._loop.call_later(max(0.0, delay_s), self._on_timer)

    def close(self) -> None:
        """Never ring again."""
        if self._handle is not None:
            self._handle.cancel()

    def _on_timer(self) -> None:
        if time.monotonic_ns() < self._at_ns:
            self.set(self._at_ns)  # the loop's clock ran ahead by a part of its millisecond
        else:
            self._ring()


def make_alarm(loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> Alarm:
    """The most precise alarm this system has."""
    if sys.platform == "linux":
        try:
            return TimerfdAlarm(loop, ring)
        except OSError:
            pass
    return LoopAlarm(loop, ring)


class Pacer:
    """Delivers the schedule of an open loop to a source, each request at its time.

    After each delivery the loop gets its turn, so that answers are taken in even when the
    schedule is behind: falling behind shows as lag, not as a deaf generator.
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
        self._alarm = make_alarm(loop, self._ring)

    @property
    def clock(self) -> str:
        """What the sends are timed by."""
        return self._alarm.name

    def start(self, start_ns: int) -> None:
        """Begin: intended times count from the clock time ``start_ns``."""
        self._start_ns = start_ns
        self._arm()

    def close(self) -> None:
        """Deliver nothing more. May be called again."""
        if not self._closed:
            self._closed = True
            self._alarm.close()
            self._source.stop()

    def _arm(self) -> None:
        if self._next is None:
            self._source.stop()
        else:
            self._alarm.set(self._start_ns + self._next[1])

    def _ring(self) -> None:
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
