"""Stages: a rate that climbs and falls in straight lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from benchlab.plan.shapes.limits import check_arrivals, check_rate
from benchlab.plan.shapes.rate_curve import Piece, RateCurve, check_levels
from benchlab.plan.shapes.varying_rate import VaryingRate

__all__ = ["Stages"]


@dataclass(frozen=True, slots=True)
class Stages(VaryingRate):
    """An open loop whose rate goes in a straight line from one stage's rate to the next one's.

    ``stages`` are pairs (duration_s, rate_rps): over its duration a stage brings the rate from
    where the last one ended (the first: from ``start_rps``) to its own. A stage with the rate of
    the one before holds it. ``arrivals`` are ``constant`` or ``poisson``. A warm-up runs at
    ``start_rps``; where that is 0, at the mean rate of the first rise.
    """

    stages: Sequence[tuple[float, float]]
    start_rps: float = 0.0
    arrivals: str = "constant"
    kind: ClassVar[str] = "stages"

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", check_levels("stages", self.stages))
        check_rate("start_rps", self.start_rps, zero=True)
        check_arrivals(self.arrivals)
        self.curve()

    @property
    def duration_s(self) -> float:
        """How long all stages take."""
        return float(sum(duration_s for duration_s, _ in self.stages))

    def curve(self) -> RateCurve:
        """The rate over time."""
        rates = [self.start_rps, *(rate_rps for _, rate_rps in self.stages)]
        return RateCurve(
            [
                Piece(duration_s, rates[index], rate_rps)
                for index, (duration_s, rate_rps) in enumerate(self.stages)
            ]
        )

    def describe(self) -> str:
        """What it does, as a phrase."""
        start = f"open loop from {self.start_rps:,.10g} to "
        shown = [f"{rate:,.10g} in {length:g} s" for length, rate in self.stages]
        if len(shown) > 6:
            shown[2:-2] = [f"… ({len(shown) - 4} more stages)"]
        return f"{start}{', '.join(shown)} (requests/s), {self._spacing()}"
