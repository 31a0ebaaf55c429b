"""Request that a run stops, by Ctrl-C or from code."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["StopSignal", "stop_on_interrupt"]


class StopSignal:
    """The first request drains the run, the second aborts it. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.level = 0

    def request(self) -> None:
        """Request a stop, or after an earlier request an abort."""
        with self._lock:
            self.level += 1


_asked_on_interrupt: list[StopSignal] = []
_handler_before: list[Any] = []


@contextmanager
def stop_on_interrupt(stop: StopSignal) -> Iterator[None]:
    """While inside, Ctrl-C (or a kernel's interrupt) requests ``stop`` instead of raising.

    If several runs overlap, all of them stop; the last one to leave restores the old handler.
    Outside the main thread, where Python allows no signal handlers, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if not _asked_on_interrupt:
        before = signal.signal(signal.SIGINT, _ask_all)
        _handler_before.append(signal.SIG_DFL if before is None else before)
    _asked_on_interrupt.append(stop)
    try:
        yield
    finally:
        _asked_on_interrupt.remove(stop)
        if not _asked_on_interrupt:
            signal.signal(signal.SIGINT, _handler_before.pop())


def _ask_all(_signal: int, _frame: FrameType | None) -> None:
    for stop in _asked_on_interrupt:
        stop.request()
