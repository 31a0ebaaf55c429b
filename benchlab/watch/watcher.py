"""What shows work in progress, wherever it does: update it as often as you like."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Final

from benchlab.display.live import LiveView

__all__ = ["EVERY_S", "Watcher"]

EVERY_S: Final = 0.3
"""The time between two drawn states. More often would cost the machine that measures."""


class Watcher(ABC):
    """Shows the latest `LiveView` of some work. Thread-safe.

    It draws at most once in ``every_s`` seconds, and at once when the phase changes.
    """

    every_s: float = EVERY_S
    goes_on_alone = False
    """Whether another thread may draw it while the one that made it does something else."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._drawn_s = -float("inf")
        self._latest: LiveView | None = None
        self._stop_requested = False
        self._closed = False

    def update(self, view: LiveView) -> None:
        """Show ``view``, unless the last one was drawn just now.

        After `close` this begins again, in the same place.
        """
        with self._lock:
            if self._closed:
                self._closed = self._stop_requested = False
                self._latest = None
                self._begin()
            before, self._latest = self._latest, view
            is_same = before is not None and before.phase == view.phase
            if is_same and time.monotonic() < self._drawn_s + self.every_s:
                return
            self._drawn_s = time.monotonic()
            self._draw(self._with_stop(view))

    def close(self, final: LiveView | None = None) -> None:
        """Show the last state, by default the latest one, and leave it there."""
        with self._lock:
            last = final or self._latest
            if self._closed:
                return
            self._closed = True
            self._end(None if last is None else self._with_stop(replace(last, finished=True)))

    def _with_stop(self, view: LiveView) -> LiveView:
        """``view``, which keeps that a stop was requested: by the button, or by Ctrl-C."""
        self._stop_requested |= view.stop_requested
        return replace(view, stop_requested=True) if self._stop_requested else view

    def _begin(self) -> None:
        """Get ready for more after the end."""
        self._drawn_s = -float("inf")

    @abstractmethod
    def _draw(self, view: LiveView) -> None:
        """Show ``view``."""

    @abstractmethod
    def _end(self, view: LiveView | None) -> None:
        """Show the last state for good; None if there never was one."""
