"""Request that a run stops: by Ctrl-C, by whoever ends this process, or from code.

SIGTERM (``docker stop``, systemd, a job scheduler) and SIGHUP (a closed terminal) are a Ctrl-C from
someone who does not wait for long: open requests get a few seconds. SIGHUP does nothing where it
was ignored from the start, as under ``nohup``.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from benchlab.signals import ENDING_SIGNALS, handle_signals
from benchlab.units import NS_PER_S

__all__ = ["StopSignal", "request_stop", "stop_on_signal"]

_PATIENCE_NS = 5 * NS_PER_S
"""``docker stop`` kills after 10 s: the other half is for collecting and saving the run."""


class StopSignal:
    """The first request drains the run, the second aborts it. Thread-safe.

    ``number`` is the first signal that requested it, or that the request is like; 0 if none.
    ``cause`` names who requested it. ``reason`` is what the run says of its end, if code did.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deadline_ns = 0
        self.level = 0
        self.number = 0
        self.reason = ""
        self.cause = ""

    def request(self, number: int = 0, reason: str = "", by: str = "") -> None:
        """Request a stop, or after an earlier request an abort; ``by`` says who, if no signal."""
        with self._lock:
            if not self.level:
                self.reason = reason
                self.cause = by or _cause(number)
            self.level += 1
            self.number = self.number or number
            if number in ENDING_SIGNALS and not self._deadline_ns:
                self._deadline_ns = time.monotonic_ns() + _PATIENCE_NS

    def reach(self, level: int) -> None:
        """Request what is missing to ``level``, as Ctrl-C would: 1 is a stop, 2 an abort."""
        while self.level < level:
            self.request(signal.SIGINT, by="a request to stop")

    def abort_when_due(self) -> None:
        """Abort a run that is still open a few seconds after one of `ENDING_SIGNALS`."""
        if self.level == 1 and self._deadline_ns and time.monotonic_ns() > self._deadline_ns:
            self.request()

    def pass_on(self) -> None:
        """Deliver one of `ENDING_SIGNALS` again, now that its run is whole on disk.

        It goes to whoever handled it before the run; usually nobody, and the process ends. While
        another run goes on in this process, nothing happens: that one passes it on.
        """
        if self.number in ENDING_SIGNALS and not _active:
            signal.raise_signal(self.number)


def _cause(number: int) -> str:
    if number in (0, signal.SIGINT):
        return "Ctrl-C" if number else "request"
    return signal.Signals(number).name


_under_way: list[StopSignal] = []  # all of them
_active: list[StopSignal] = []  # those that signals stop: of the main thread
_restore: Callable[[], None] | None = None


@contextmanager
def stop_on_signal(stop: StopSignal) -> Iterator[None]:
    """While inside, Ctrl-C, a kernel's interrupt and `ENDING_SIGNALS` request ``stop``.

    If several runs overlap, all of them stop; the last one to leave restores the old handlers.
    Outside the main thread, where Python allows no signal handlers, signals do nothing here; code
    requests a stop by `request_stop` from any thread.
    """
    _under_way.append(stop)
    try:
        with _handling_signals(stop):
            yield
    finally:
        _under_way.remove(stop)


def request_stop() -> None:
    """Request that every run under way in this process stops, as the first Ctrl-C does.

    For a Stop button: any thread may call it, and pressing it again aborts nothing.
    """
    for stop in tuple(_under_way):
        if not stop.level:
            stop.request(signal.SIGINT, by="the Stop button")


@contextmanager
def _handling_signals(stop: StopSignal) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    global _restore  # noqa: PLW0603 - handlers are the whole process's
    if not _active:
        every = (signal.SIGINT, *ENDING_SIGNALS)
        _restore = handle_signals(every, _request_all, always=(signal.SIGINT,))
    _active.append(stop)
    try:
        yield
    finally:
        _active.remove(stop)
        if not _active and _restore is not None:
            _restore()


def _request_all(number: int, _frame: FrameType | None) -> None:
    for stop in _active:
        stop.request(number)
