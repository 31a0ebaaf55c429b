"""Shares of requests, and how far two of them differ."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from benchlab.statistics.normal import normal_deviations

__all__ = ["newcombe_interval", "share_variance", "wilson_bounds", "wilson_interval"]


def wilson_interval(hits: int, count: int, level: float) -> tuple[float, float]:
    """Interval of the share of which ``hits`` of ``count`` independent cases were seen.

    It also holds for a share of 0 or 1. Without cases it is 0 to 1.

    Source: Wilson, JASA 22 (1927).

    >>> low, high = wilson_interval(0, 100, 0.95)
    >>> low, round(high, 4)
    (0.0, 0.037)
    """
    if count == 0:
        return 0.0, 1.0
    low, high = wilson_bounds(hits / count, count, normal_deviations(level))
    return (low if hits else 0.0), (high if hits < count else 1.0)


def wilson_bounds(share: float, count: float, quantile: float) -> tuple[float, float]:
    """The shares that ``count`` independent cases with this ``share`` leave possible.

    The count may be an effective one, and the ``quantile`` that of Student's distribution.
    """
    square = quantile**2 / count
    centre = (share + square / 2) / (1 + square)
    half = math.sqrt(square * (share * (1 - share) + square / 4)) / (1 + square)
    return centre - half, centre + half


def newcombe_interval(
    base_hits: int, base_count: int, new_hits: int, new_count: int, level: float
) -> tuple[float, float]:
    """Interval of the difference of two shares, new minus base, of independent cases.

    Requests depend on each other, so that the true interval is wider, never narrower: this is what
    an interval from the spread between blocks or runs must not fall below by chance.

    Source: Newcombe, Statistics in Medicine 17 (1998), method 10.

    >>> [round(end, 4) for end in newcombe_interval(48, 80, 56, 70, 0.95)]
    [0.0524, 0.3339]
    """
    base, new = base_hits / max(base_count, 1), new_hits / max(new_count, 1)
    base_low, base_high = wilson_interval(base_hits, base_count, level)
    new_low, new_high = wilson_interval(new_hits, new_count, level)
    difference = new - base
    return (
        difference - math.hypot(new - new_low, base_high - base),
        difference + math.hypot(new_high - new, base - base_low),
    )


def share_variance(hits: ArrayLike, counts: ArrayLike) -> float:
    """The variance of the share Σhits/Σcounts, from batches that hardly depend on each other.

    Batches of consecutive requests keep most of the dependence between requests within themselves.
    It is 0 without cases, or in a single batch.

    Source: the ratio estimator of Cochran, Sampling Techniques (1977), section 6.3.
    """
    seen, of = np.asarray(hits, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    seen, of = seen[of > 0], of[of > 0]
    batches = len(of)
    if batches < 2:
        return 0.0
    residuals = seen - seen.sum() / of.sum() * of
    return float(batches / (batches - 1) * np.square(residuals).sum() / of.sum() ** 2)
