"""The progress of an A/B."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from benchlab.load.supervisor.progress import Progress

__all__ = ["ABInterval", "ABProgress", "OnABProgress"]


@dataclass(frozen=True, slots=True)
class ABInterval:
    """The result after ``done`` blocks, as it was then: how the interval closes.

    ``low`` and ``high`` are None while the blocks are too few for an interval.
    """

    done: int
    ratio: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ABProgress:
    """The state of an A/B in progress: ``done`` of ``blocks`` are measured.

    ``ratio`` is that of the primary ``metric``, new over base, with its 95 % interval, of the
    complete blocks so far; None while there are too few. They are for display: the number of blocks
    is fixed, and to stop because the interval looks right makes it narrower than it should be.
    ``intervals`` are those after each block. ``threshold`` is the smallest change that matters.

    ``arm`` is the one that is measured, in a ``run`` that is None between two of them. It may
    have ``finished`` before all blocks are done.
    ``elapsed_s`` is since the start, and ``total_s`` how long all takes, about.
    """

    done: int
    blocks: int
    metric: str
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    intervals: tuple[ABInterval, ...] = ()
    threshold: float = 0.0
    title: str = ""
    arm: Literal["", "a", "b"] = ""
    run: Progress | None = None
    finished: bool = False
    elapsed_s: float = 0.0
    total_s: float = 0.0


OnABProgress = Callable[[ABProgress], None]
