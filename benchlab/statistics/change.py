"""Whether something changed by more than a threshold, what would have shown, and what is missing.

All values are differences on a logarithmic scale, ``new`` less ``base``, so that a threshold of δ
reaches from 1/(1 + δ) to 1 + δ; but the rules hold for any scale.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

__all__ = [
    "POWER",
    "Change",
    "Claim",
    "Effect",
    "decide",
    "detectable_difference",
    "further_needed",
]

POWER = 0.8
"""How often a difference of the detectable size is found."""

_FURTHER_MAX = 1_000

Change = Literal["faster", "slower", "same", "inconclusive"]
"""What a comparison concludes of a metric."""


class Effect(Protocol):
    """An estimated difference: `benchlab.statistics.signed_rank` and `student` have them."""

    @property
    def estimate(self) -> float:
        """The best guess of the difference."""

    def interval(self, level: float) -> tuple[float, float] | None:
        """Interval that covers the difference with probability ``level``; None if there is none."""

    def p_value(self, center: float = 0.0) -> float:
        """Two-sided p-value of ``center``: at most 1 − level where `interval` leaves it out."""


class Claim(NamedTuple):
    """A verdict on one metric, and the p-value of the values that it rules out."""

    verdict: Change
    p_value: float


def decide(effect: Effect, margin: float, level: float, *, up_is: Change = "slower") -> Claim:
    """Conclude from the interval: it lies wholly above ``margin``, below −``margin``, or inside.

    If none of these, the verdict is ``inconclusive``, whatever the estimate is. ``up_is`` is what
    to call a difference above zero.
    """
    found = effect.interval(level)
    if found is None:
        return Claim("inconclusive", 1.0)
    low, high = found
    down_is: Change = "faster" if up_is == "slower" else "slower"
    if low > margin:
        return Claim(up_is, effect.p_value(margin))
    if high < -margin:
        return Claim(down_is, effect.p_value(-margin))
    if -margin <= low and high <= margin:
        return Claim("same", max(effect.p_value(margin), effect.p_value(-margin)))
    return Claim("inconclusive", 1.0)


def detectable_difference(margin: float, error: float, freedom: float, level: float) -> float:
    """The smallest difference that `decide` finds in `POWER` of experiments of this error.

    ``margin`` + (t(1−α/2) + t(1−β))·``error``: the interval has to clear the margin, and not only
    zero. ``error`` is the standard error: s/√m for m pairs whose differences deviate by s.

    Source: Cohen, Statistical Power Analysis (1988), section 2, with t for both quantiles.
    """
    return margin + _quantiles(freedom, level) * error


def further_needed(
    estimate: float, margin: float, error_after: Callable[[int], tuple[float, float]], level: float
) -> int | None:
    """How many more observations are likely to end an inconclusive comparison; None: too many.

    ``error_after`` is the standard error and its degrees of freedom after so many more. If the
    ``estimate`` is right, these let the interval end on one side of the margin in `POWER` of cases.
    The closer the estimate is to the margin, the more it takes; beyond 1,000 the result is None.
    """
    gap = abs(abs(estimate) - margin)

    def is_enough(further: int) -> bool:
        error, freedom = error_after(further)
        return _quantiles(freedom, level) * error <= gap

    if not is_enough(_FURTHER_MAX):
        return None
    low, high = 0, _FURTHER_MAX  # not enough by assumption: it was inconclusive; and enough
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _quantiles(freedom: float, level: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + level) / 2) + stdtrit(freedom, POWER))
