"""Alarms: being called back at a time of the monotonic clock, within an event loop.

The event loop's own timers have a resolution of 1 ms, which would add half a millisecond to every
latency. Linux's timerfd has that of the kernel's clock; the loop watches its descriptor like any
socket. Where there is no timerfd the loop's timers are used, and what they are late by shows.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import time
from collections.abc import Callable
from typing import Protocol

from benchlab.units import NS_PER_S

__all__ = ["Alarm", "LoopAlarm", "TimerfdAlarm", "make_alarm"]

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
