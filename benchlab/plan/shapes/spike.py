"""A spike: a level, a peak, the level again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from benchlab.errors import InputError
from benchlab.plan.shapes.limits import check_arrivals, check_rate
from benchlab.plan.shapes.rate_curve import Piece, RateCurve
from benchlab.plan.shapes.varying_rate import VaryingRate
from benchlab.plan.validation import check_seconds

__all__ = ["Spike"]

_TOLERANCE_S = 1e-9  # 0.1 + 0.2 is not beyond 0.3


@dataclass(frozen=True, slots=True)
class Spike(VaryingRate):
    """An open loop at ``base_rps``, but at ``peak_rps`` for ``length_s`` from ``at_s`` on.

    It ends after ``duration_s``: what lies behind the peak shows how the service recovers. A
    ``base_rps`` of 0 means silence around the peak. ``arrivals`` are ``constant`` or ``poisson``.
    A warm-up runs at ``base_rps``, or at ``peak_rps`` when that is 0.
    """

    base_rps: float
    peak_rps: float
    at_s: float
    length_s: float
    duration_s: float
    arrivals: str = "constant"
    kind: ClassVar[str] = "spike"

    def __post_init__(self) -> None:
        check_rate("base_rps", self.base_rps, zero=True)
        check_rate("peak_rps", self.peak_rps)
        check_seconds("at_s", self.at_s, zero=True)
        check_seconds("length_s", self.length_s)
        check_seconds("duration_s", self.duration_s)
        check_arrivals(self.arrivals)
        if self.at_s + self.length_s > self.duration_s + _TOLERANCE_S:
            raise InputError(
                f"ends before the peak does, which lasts from {self.at_s:g} s to"
                f" {self.at_s + self.length_s:g} s",
                field="duration_s",
                value=self.duration_s,
                remedy="let the peak begin earlier or make the whole longer",
            )

    def curve(self) -> RateCurve:
        """The rate over time."""
        after_s = self.duration_s - self.at_s - self.length_s
        pieces = (
            Piece(self.at_s, self.base_rps, self.base_rps),
            Piece(self.length_s, self.peak_rps, self.peak_rps),
            Piece(after_s, self.base_rps, self.base_rps),
        )
        return RateCurve([piece for piece in pieces if piece.duration_s > _TOLERANCE_S])

    def describe(self) -> str:
        """What it does, as a phrase."""
        return (
            f"open loop of {self.base_rps:,.10g} requests/s, {self.peak_rps:,.10g}"
            f" from {self.at_s:g} s to {self.at_s + self.length_s:g} s, {self._spacing()}"
        )
