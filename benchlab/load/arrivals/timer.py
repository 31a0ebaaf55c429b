"""Event loop timers, as precise as the system allows.

The event loop's own timers have a resolution of 1 ms, which would add half a millisecond to the
average latency. Linux's timerfd has the resolution of the kernel's clock, and the loop watches its
descriptor like a socket. Without timerfd the loop's own timers are used; their delay shows as lag.
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

__all__ = ["LoopTimer", "Timer", "Timerfd", "make_timer"]

_CLOCK_MONOTONIC = 1
_TFD_NONBLOCK = 0o4000
_TFD_CLOEXEC = 0o2000000
_TFD_TIMER_ABSTIME = 1


class Timer(Protocol):
    """Fires once at a time of the monotonic clock, never early."""

    name: str

    def set(self, at_ns: int) -> None:
        """Fire at ``at_ns``, or at once if that has passed; replaces the time set before."""

    def close(self) -> None:
        """Cancel the timer for good."""


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("it_interval", _Timespec), ("it_value", _Timespec))


class Timerfd:
    """A timer on timerfd(2).

    Raises:
        OSError: this system has no timerfd.
    """

    name = "timerfd"

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._libc, "timerfd_create"):
            raise OSError("this system has no timerfd")
        self._fd = self._libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._spec = _Itimerspec()
        self._value = self._spec.it_value
        self._pointer = ctypes.byref(self._spec)
        self._settime = self._libc.timerfd_settime
        self._loop = loop
        self._callback = callback
        loop.add_reader(self._fd, self._on_readable)

    def set(self, at_ns: int) -> None:
        """Fire at ``at_ns``."""
        value = self._value
        value.tv_sec, value.tv_nsec = divmod(at_ns, NS_PER_S)
        self._settime(self._fd, _TFD_TIMER_ABSTIME, self._pointer, None)

    def close(self) -> None:
        """Cancel the timer for good."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _on_readable(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return
        self._callback()


class LoopTimer:
    """A timer of the event loop."""

    name = "event loop"

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None
        self._at_ns = 0

    def set(self, at_ns: int) -> None:
        """Fire at ``at_ns``."""
        self.close()
        self._at_ns = at_ns
        delay_s = (at_ns - time.monotonic_ns()) / NS_PER_S
        self._handle = self._loop.call_later(max(0.0, delay_s), self._on_timer)

    def close(self) -> None:
        """Cancel the timer."""
        if self._handle is not None:
            self._handle.cancel()

    def _on_timer(self) -> None:
        if time.monotonic_ns() < self._at_ns:
            self.set(self._at_ns)  # the loop's clock rounds to 1 ms, so it may fire early
        else:
            self._callback()


def make_timer(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> Timer:
    """Make the most precise timer of this system; ``callback`` is called when it fires."""
    if sys.platform == "linux":
        try:
            return Timerfd(loop, callback)
        except OSError:
            pass
    return LoopTimer(loop, callback)
