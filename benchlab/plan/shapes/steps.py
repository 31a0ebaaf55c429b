"""Steps: a rate that jumps from one level to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from benchlab.plan.shapes.limits import check_arrivals
from benchlab.plan.shapes.rate_curve import Piece, RateCurve, check_levels
from benchlab.plan.shapes.varying_rate import VaryingRate

__all__ = ["Steps"]


@dataclass(frozen=True, slots=True)
class Steps(VaryingRate):
    """An open loop that holds one rate after the other.

    ``steps`` are pairs (duration_s, rate_rps); a rate of 0 is a pause. ``arrivals`` are
    ``constant`` or ``poisson``. A warm-up runs at the first rate that is not 0.
    """

    steps: Sequence[tuple[float, float]]
    arrivals: str = "constant"
    kind: ClassVar[str] = "steps"

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", check_levels("steps", self.steps))
        check_arrivals(self.arrivals)
        self.curve()

    @property
    def duration_s(self) -> float:
        """How long all steps take."""
        return float(sum(duration_s for duration_s, _ in self.steps))

    def curve(self) -> RateCurve:
        """The rate over time."""
        return RateCurve([Piece(length_s, rate, rate) for length_s, rate in self.steps])

    def describe(self) -> str:
        """What it does, as a phrase."""
        shown = [f"{rate:,.10g} for {length:g} s" for length, rate in self.steps]
        if len(shown) > 6:
            shown[2:-2] = [f"… ({len(shown) - 4} more steps)"]
        return f"open loop of {', '.join(shown)} (requests/s), {self._spacing()}"
