"""A Poisson rate: random gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from benchlab.plan.shapes.limits import BLOCK, check_rate
from benchlab.units import NS_PER_S

__all__ = ["PoissonRate"]


@dataclass(frozen=True, slots=True)
class PoissonRate:
    """An open loop with independent, exponentially distributed gaps of mean 1 / ``rate_rps``.

    This is how requests of many independent users arrive. The realised count varies around
    rate × duration, and is fixed by the seed.
    """

    rate_rps: float
    kind: ClassVar[str] = "poisson_rate"
    duration_s: ClassVar[None] = None

    def __post_init__(self) -> None:
        check_rate("rate_rps", self.rate_rps)

    def describe(self) -> str:
        """What it does, as a phrase."""
        return f"open loop of {self.rate_rps:,.10g} requests/s at random (Poisson) intervals"

    @property
    def highest_rps(self) -> float:
        """The highest rate."""
        return self.rate_rps

    def steady(self) -> PoissonRate:
        """What the warm-up runs at."""
        return self

    def offsets(self, duration_ns: int, seed: int) -> Iterator[NDArray[np.int64]]:
        """Arrival times of one realisation in [0, ``duration_ns``); the same for the same seed."""
        rng = np.random.default_rng(seed)
        last = 0.0
        while True:
            gaps = rng.exponential(NS_PER_S / self.rate_rps, size=BLOCK)
            times = last + np.cumsum(gaps)
            last = float(times[-1])
            yield times[times < duration_ns].astype(np.int64)
            if last >= duration_ns:
                return
