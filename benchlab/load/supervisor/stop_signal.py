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

__all__ = ["StopSignal", "stop_on_signal"]

_PATIENCE_NS = 5 * NS_PER_S
"""``docker stop`` kills after 10 s: the other half is for collecting and saving the run."""


class StopSignal:
    """The first request drains the run, the second aborts it. Thread-safe.

    ``number`` is the first signal that requested it, 0 if none did. ``reason`` is what the run says
    of its end, if code requested it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deadline_ns = 0
        self.level = 0
        self.number = 0
        self.reason = ""

    def request(self, number: int = 0, reason: str = "") -> None:
        """Request a stop, or after an earlier request an abort."""
        with self._lock:
            if not self.level:
                self.reason = reason
            self.level += 1
            self.number = self.number or number
            if number in ENDING_SIGNALS and not self._deadline_ns:
                self._deadline_ns = time.monotonic_ns() + _PATIENCE_NS

    def reach(self, level: int) -> None:
        """Request what is missing to ``level``: 1 is a stop, 2 an abort."""
        while self.level < level:
            self.request()

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


_active: list[StopSignal] = []
_restore: Callable[[], None] | None = None


@contextmanager
def stop_on_signal(stop: StopSignal) -> Iterator[None]:
    """While inside, Ctrl-C, a kernel's interrupt and `ENDING_SIGNALS` request ``stop``.

    If several runs overlap, all of them stop; the last one to leave restores the old handlers.
    Outside the main thread, where Python allows no signal handlers, this does nothing.
    """
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
