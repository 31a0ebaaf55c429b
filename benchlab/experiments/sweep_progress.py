"""The progress of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchlab.analysis.sweep import SweepPoint
from benchlab.load.supervisor.progress import Progress

__all__ = ["OnSweepProgress", "SweepProgress"]


@dataclass(frozen=True, slots=True)
class SweepProgress:
    """The state of a sweep in progress, ``elapsed_s`` after its start.

    Of the ``points``, ``skipped`` were finished before it started, and ``done`` have finished since
    then, of which ``failed`` failed. ``current`` are the swept parameters of the point that is
    measured, and ``run`` is the progress of its run, if it is making one; with several points at
    once, of the one that started last. ``last`` is the point that finished last. ``left_s`` is the
    estimated time left; None if it is unknown.
    """

    points: int
    done: int = 0
    failed: int = 0
    skipped: int = 0
    current: Mapping[str, Any] = field(default_factory=dict)
    run: Progress | None = None
    last: SweepPoint | None = None
    elapsed_s: float = 0.0
    left_s: float | None = None

    @property
    def done_ratio(self) -> float:
        """The share of the points that are finished, 0 to 1; a run in progress counts in part."""
        if not self.points:
            return 1.0
        part = 0.0 if self.run is None else self.run.done_ratio
        return min(1.0, (self.skipped + self.done + part) / self.points)


OnSweepProgress = Callable[[SweepProgress], None]
