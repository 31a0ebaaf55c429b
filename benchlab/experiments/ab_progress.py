"""The progress of an A/B."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["ABProgress", "OnABProgress"]


@dataclass(frozen=True, slots=True)
class ABProgress:
    """The state of an A/B in progress: ``done`` of ``blocks`` are measured.

    ``ratio`` is that of the primary ``metric``, new over base, with its 95 % interval, of the
    complete blocks so far; None while there are too few. They are for display: the number of blocks
    is fixed, and to stop because the interval looks right makes it narrower than it should be.
    """

    done: int
    blocks: int
    metric: str
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None


OnABProgress = Callable[[ABProgress], None]
