"""What the shapes have in common whose rate follows a curve."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchlab.plan.shapes.constant_rate import ConstantRate
from benchlab.plan.shapes.poisson_rate import PoissonRate
from benchlab.plan.shapes.rate_curve import RateCurve

__all__ = ["VaryingRate"]


class VaryingRate:
    """An open loop along a `RateCurve`. A shape of this family gives its curve."""

    __slots__ = ()
    arrivals: str

    def curve(self) -> RateCurve:
        """The rate over time."""
        raise NotImplementedError

    @property
    def highest_rps(self) -> float:
        """The highest rate."""
        return float(self.curve().corners[1].max())

    def steady(self) -> ConstantRate | PoissonRate:
        """What the warm-up runs at: the first rate that is not 0; of a rise from 0, its mean."""
        rate_rps = self.curve().first_rps
        return PoissonRate(rate_rps) if self.arrivals == "poisson" else ConstantRate(rate_rps)

    def offsets(self, duration_ns: int, seed: int) -> Iterator[NDArray[np.int64]]:
        """Intended times in [0, ``duration_ns``), in order, in blocks of at most `BLOCK`.

        ``constant`` arrivals are exactly round(area under the rate) many; the count of
        ``poisson`` ones varies around that, and is fixed by the seed.
        """
        return self.curve().offsets(duration_ns, seed, self.arrivals)

    def _spacing(self) -> str:
        return "at random (Poisson) intervals" if self.arrivals == "poisson" else "evenly spaced"
