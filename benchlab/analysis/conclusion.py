"""From estimated differences to verdicts: the rules that all designs of a comparison share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchlab.analysis.comparison import ERRORS, ErrorComparison, MetricComparison
from benchlab.analysis.run_statistics import METRICS
from benchlab.errors import InputError
from benchlab.statistics.change import (
    Change,
    Claim,
    Effect,
    decide,
    detectable_difference,
    further_needed,
)
from benchlab.statistics.estimates import Student
from benchlab.statistics.holm import holm
from benchlab.statistics.proportions import newcombe_interval

__all__ = [
    "ERROR_MARGIN",
    "Evidence",
    "Verdicts",
    "all_positive",
    "check_settings",
    "compare_errors",
    "conclude",
    "fewest_pairs",
]

ERROR_MARGIN = 0.005
"""Shares of errors that differ by no more than this are called the same, if none has more."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a design found of one metric, on the scale of logarithms of new over base.

    ``base`` and ``new`` are in the metric's unit. Without ``effect`` there is no interval, and
    ``ratio`` may still be known. ``error_after`` gives the standard error, and its degrees of
    freedom, after so many more observations, 0 for now; None if nothing is known of it.
    ``least_further`` is how many more it takes at least before there is an interval at all, and
    ``least_at`` gives how many it takes before there can be one of another level.
    """

    base: float | None = None
    new: float | None = None
    ratio: float | None = None
    effect: Effect | None = None
    error_after: Callable[[int], tuple[float, float]] | None = None
    least_further: int | None = 0
    least_at: Callable[[float], int] | None = None
    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What is concluded of all metrics."""

    metrics: Mapping[str, MetricComparison]
    verdict: Change
    reason: Literal["errors"] | None
    demoted: tuple[str, ...]
    """Metrics whose interval alone would support a verdict, which Holm's correction does not."""


def check_settings(primary: str, threshold: float, level: float) -> None:
    """Refuse settings that no comparison can have.

    Raises:
        InputError: an unknown metric, or a threshold or level that is not a share above 0.
    """
    known = [*METRICS, ERRORS]
    if primary not in known:
        raise InputError(
            "is not a metric of a comparison",
            field="metric",
            value=primary,
            remedy=f"use one of {', '.join(known)}",
        )
    if not 0 < threshold < 1:
        raise InputError(
            "must lie between 0 and 1",
            field="threshold",
            value=threshold,
            remedy="0.02 is a change of 2 %",
        )
    if not 0.5 <= level < 1:
        raise InputError("must lie between 0.5 and 1", field="level", value=level)


def conclude(
    evidence: Mapping[str, Evidence],
    errors: ErrorComparison,
    *,
    primary: str,
    threshold: float,
    level: float,
) -> Verdicts:
    """Verdicts on all metrics, and on the comparison as a whole.

    Errors go first: a side that fails more is not faster, however fast it fails. Then the primary
    metric decides, by its interval. A claim on one of the others stands if its p-value, that of the
    values which its interval rules out, passes Holm's correction.
    """
    margin = math.log1p(threshold)
    claims = {
        name: Claim("inconclusive", 1.0)
        if item.effect is None
        else decide(item.effect, margin, level, up_is=METRICS[name].up_is)
        for name, item in evidence.items()
    }
    others = [name for name in claims if name != primary]
    adjusted = dict(zip(others, holm([claims[name].p_value for name in others]), strict=True))
    demoted = tuple(
        name
        for name in others
        if claims[name].verdict != "inconclusive" and adjusted[name] > 1 - level
    )
    metrics = {
        name: _compared(
            name,
            item,
            "inconclusive" if name in demoted else claims[name].verdict,
            margin=margin,
            level=level,
            family=1 if name == primary else len(others),
        )
        for name, item in evidence.items()
    }
    if errors.verdict == "slower":
        return Verdicts(metrics, "slower", "errors", demoted)
    whole = errors.verdict if primary == ERRORS else metrics[primary].verdict
    return Verdicts(metrics, whole, None, demoted)


def compare_errors(
    spread: Student | None, base: tuple[int, int], new: tuple[int, int], level: float
) -> ErrorComparison:
    """Compare shares of errors, each side given as the numbers of errors and of requests.

    The interval covers both that of ``spread``, the differences between blocks or runs, and that
    which as many independent requests would have: a few blocks may agree by chance.
    """
    if not (base[1] and new[1]):
        shares = [errors / count if count else None for errors, count in (base, new)]
        return ErrorComparison(
            base=shares[0],
            new=shares[1],
            difference=None,
            difference_low=None,
            difference_high=None,
            verdict="inconclusive",
        )
    low, high = newcombe_interval(*base, *new, level)
    if spread is not None:
        spread_low, spread_high = spread.interval(level)
        low, high = max(-1.0, min(low, spread_low)), min(1.0, max(high, spread_high))
    verdict: Change = "inconclusive"
    if low > 0:
        verdict = "slower"
    elif high < 0:
        verdict = "faster"
    elif low >= -ERROR_MARGIN and high <= ERROR_MARGIN:
        verdict = "same"
    base_ratio, new_ratio = base[0] / base[1], new[0] / new[1]
    return ErrorComparison(
        base=base_ratio,
        new=new_ratio,
        difference=new_ratio - base_ratio,
        difference_low=low,
        difference_high=high,
        verdict=verdict,
    )


def _compared(
    name: str, item: Evidence, verdict: Change, *, margin: float, level: float, family: int
) -> MetricComparison:
    effect, error_after = item.effect, item.error_after
    interval = None if effect is None else effect.interval(level)
    detectable: float | None = None
    needed = item.least_further
    if effect is not None and error_after is not None and interval is not None:
        detectable = detectable_difference(margin, *error_after(0), level)
        needed = 0
        if verdict == "inconclusive":
            # One of several metrics has to pass Holm's correction, at worst as the smallest.
            strict = 1 - (1 - level) / family
            needed = further_needed(effect.estimate, margin, error_after, strict)
            if needed is not None and item.least_at is not None:
                needed = max(needed, item.least_at(strict))
    return MetricComparison(
        metric=name,
        base=item.base,
        new=item.new,
        ratio=item.ratio,
        ratio_low=None if interval is None else _exp(interval[0]),
        ratio_high=None if interval is None else _exp(interval[1]),
        verdict=verdict,
        detectable_ratio=None if detectable is None else _exp(detectable),
        needed=needed,
        p_value=item.p_value,
    )


def _exp(value: float) -> float | None:
    """The ratio of a difference of logarithms; None if a float cannot hold it."""
    try:
        return math.exp(value)
    except OverflowError:
        return None


def fewest_pairs(level: float) -> int:
    """The fewest pairs with which an interval of this level exists: 6 for 95 %."""
    return math.ceil(1 - math.log2(1 - level))


def all_positive(values: Sequence[float | None]) -> list[float] | None:
    """``values`` if each has a logarithm; None if one is missing or not above 0."""
    found = [value for value in values if value is not None and value > 0]
    return found if values and len(found) == len(values) else None
