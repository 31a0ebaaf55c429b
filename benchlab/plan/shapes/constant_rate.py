"""A constant rate: equal gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from benchlab.plan.shapes.limits import BLOCK, check_rate
from benchlab.units import NS_PER_S

__all__ = ["ConstantRate"]


@dataclass(frozen=True, slots=True)
class ConstantRate:
    """An open loop with equal gaps: request k is intended at k / ``rate_rps``."""

    rate_rps: float
    kind: ClassVar[str] = "constant_rate"
    duration_s: ClassVar[None] = None

    def __post_init__(self) -> None:
        check_rate("rate_rps", self.rate_rps)

    def describe(self) -> str:
        """What it does, as a phrase."""
        return f"open loop of {self.rate_rps:,.10g} requests/s at equal intervals"

    @property
    def highest_rps(self) -> float:
        """The highest rate."""
        return self.rate_rps

    def steady(self) -> ConstantRate:
        """What the warm-up runs at."""
        return self

    def offsets(self, duration_ns: int, seed: int) -> Iterator[NDArray[np.int64]]:
        """Exactly round(rate × duration) intended times in [0, ``duration_ns``). Unseeded."""
        del seed
        gap_ns = NS_PER_S / self.rate_rps
        count = round(self.rate_rps * duration_ns / NS_PER_S)
        for start in range(0, count, BLOCK):
            index = np.arange(start, min(start + BLOCK, count), dtype=np.float64)
            yield np.minimum((index * gap_ns).astype(np.int64), duration_ns - 1)
