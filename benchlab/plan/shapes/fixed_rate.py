"""Open loops at one rate: at equal intervals, or as a Poisson process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from benchlab.plan.shapes.base import BLOCK, OpenLoop
from benchlab.plan.validation import check_rate
from benchlab.units import NS_PER_S

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ConstantRate", "PoissonRate"]


@frozen
class _FixedRate(OpenLoop):
    """Common to both: a rate, and no length of its own."""

    rate_rps: float

    def __attrs_post_init__(self) -> None:
        check_rate("rate_rps", self.rate_rps)

    @property
    def highest_rps(self) -> float:
        """The rate."""
        return self.rate_rps

    def options(self) -> tuple[tuple[str, str], ...]:
        """``--rate``, and ``--arrivals`` unless they are constant."""
        return (("--rate", f"{self.rate_rps:.12g}"), *self._arrivals_option())


@frozen
class ConstantRate(_FixedRate):
    """An open loop with equal gaps: request k is intended at k / ``rate_rps``.

    >>> [block.tolist() for block in ConstantRate(4).offsets(1_000_000_000, seed=1)]
    [[0, 250000000, 500000000, 750000000]]
    """

    kind: ClassVar[str] = "constant_rate"

    def describe(self) -> str:
        """Short description."""
        return f"open loop of {self.rate_rps:,.10g} requests/s at equal intervals"

    def offsets(self, duration_ns: int, seed: int) -> Iterator[NDArray[np.int64]]:
        """Exactly round(rate × duration) intended times in [0, ``duration_ns``). Unseeded."""
        import numpy as np

        del seed
        gap_ns = NS_PER_S / self.rate_rps
        count = round(self.rate_rps * duration_ns / NS_PER_S)
        for start in range(0, count, BLOCK):
            index = np.arange(start, min(start + BLOCK, count), dtype=np.float64)
            yield np.minimum((index * gap_ns).astype(np.int64), duration_ns - 1)


@frozen
class PoissonRate(_FixedRate):
    """An open loop with independent, exponentially distributed gaps of mean 1 / ``rate_rps``.

    This is how requests of many independent users arrive. The realised count varies around
    rate × duration, and is fixed by the seed.
    """

    kind: ClassVar[str] = "poisson_rate"

    @property
    def arrivals(self) -> str:
        """``poisson``."""
        return "poisson"

    def describe(self) -> str:
        """Short description."""
        return f"open loop of {self.rate_rps:,.10g} requests/s at random (Poisson) intervals"

    def offsets(self, duration_ns: int, seed: int) -> Iterator[NDArray[np.int64]]:
        """Arrival times of one realisation in [0, ``duration_ns``); the same for the same seed."""
        import numpy as np

        rng = np.random.default_rng(seed)
        last = 0.0
        while True:
            gaps = rng.exponential(NS_PER_S / self.rate_rps, size=BLOCK)
            times = last + np.cumsum(gaps)
            last = float(times[-1])
            yield times[times < duration_ns].astype(np.int64)
            if last >= duration_ns:
                return
