"""Intervals of percentiles when the values depend on each other: indicator batch means.

Requests of one run are not independent: what delays one delays its neighbours. How much that costs
shows in equal batches of time. If requests were independent, the share of those above a percentile
would vary between batches as chance does; how much more it varies says how many independent
requests would tell as much (``n_eff``). The ranks that limit the percentile follow from n_eff, and
the order statistics at these ranks are the interval (Woodruff 1952, *Confidence intervals for
medians and other position measures*). No density is estimated, and no distribution is assumed.

- Batches must be longer than the dependence. So the variance is measured with 32 batches and with
  16 of twice the length, and the larger one counts: where dependence reaches across batches, longer
  ones vary more (von Neumann's ratio; Fishman 1978, *Grouping observations in digital simulation*).
  Student's t has the 15 degrees of freedom of the 16 batches.
- Below a floor of independent requests (11 for p50, 64 for p90, 662 for p99, 6,636 for p99.9) there
  is a lower bound only. The floors are those of MLPerf's early stopping: with 99 % certainty at
  least two of so many independent requests are beyond the percentile.
- Dependence is not measured where fewer than 64 requests are beyond the threshold, two for each
  batch, but at the percentile that has as many beyond it. Up to twice the floor, dependence at p90
  counts if that is stronger: a rare cluster of slow requests may be missing from the run. Otherwise
  those runs would seem to be above the floor whose percentile is too low.
- n_eff never exceeds the number of requests: the interval is never narrower than that of
  independent requests.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchlab.statistics.student import student_quantile

__all__ = [
    "BATCHES",
    "FEWEST",
    "GAUGE_RATIO",
    "Ranks",
    "batch_of",
    "effective_count",
    "has_enough",
    "independent_floor",
    "measured_ratio",
    "ranks_of",
]

BATCHES = 32
"""Batches of equal time that a run is divided into."""

FEWEST = 320
"""Requests below which nothing is said: ten for each batch."""

FEWEST_BEYOND = 64
"""Requests beyond the threshold at which dependence is measured: two for each batch."""

FEWEST_EVEN = 16
"""Batches that must have requests, if all of these had equally many."""

GAUGE_RATIO = 0.9
"""Where dependence is measured as well if the percentile itself is hardly above its floor."""

GAUGED_BELOW = 2.0
"""Up to this many times the floor, the dependence at `GAUGE_RATIO` counts if it is stronger."""

_CERTAINTY = 0.99
_LEAST_RATIO = 1e-18  # beyond it, no number of requests would do


class Ranks(NamedTuple):
    """The ranks that limit a percentile, counted from 0 at the lowest; None: no limit there.

    ``n_eff`` is the number of independent values that they rest on.
    """

    low: int | None
    high: int | None
    n_eff: float


@functools.lru_cache
def independent_floor(ratio: float) -> int:
    """The number of independent values that a two-sided interval of a percentile takes.

    Of so many values at least two are beyond the percentile, with 99 % certainty (MLPerf's early
    stopping, table of its inference rules: 64 for p90, 130 for p95, 662 for p99, 6,636 for p99.9).

    >>> [independent_floor(ratio) for ratio in (0.5, 0.9, 0.95, 0.99, 0.999)]
    [11, 64, 130, 662, 6636]
    """
    beyond = max(min(ratio, 1 - ratio), _LEAST_RATIO)

    def is_enough(count: int) -> bool:
        one_or_none = math.exp((count - 1) * math.log1p(-beyond)) * (1 - beyond + count * beyond)
        return one_or_none <= 1 - _CERTAINTY

    high = 2
    while not is_enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def measured_ratio(ratio: float, count: int) -> float:
    """Where dependence is measured for the percentile at ``ratio`` of ``count`` values."""
    least = FEWEST_BEYOND / count
    return min(max(ratio, least), 1 - least)


def batch_of(
    times_ns: NDArray[np.int64], start_ns: int, end_ns: int, batches: int = BATCHES
) -> NDArray[np.int64]:
    """The batch, from 0, of each time in the window from ``start_ns`` to ``end_ns``."""
    offset = (times_ns - start_ns) * batches
    return np.clip(offset // max(1, end_ns - start_ns), 0, batches - 1)


def has_enough(counts: NDArray[np.int64]) -> bool:
    """Whether this many values in each of `BATCHES` batches show how much batches vary."""
    total = int(counts.sum())
    # Kish's effective number of batches is Σ² / Σ of squares.
    return total >= FEWEST and total * total >= FEWEST_EVEN * float((counts * counts).sum())


def effective_count(
    counts: NDArray[np.int64], below: NDArray[np.int64], above: NDArray[np.int64]
) -> float:
    """How many independent values say as much about a percentile as those in these batches.

    Arrays of `BATCHES` numbers: of the values, of those below the percentile's value and of those
    above it. Equal values count on neither side, and the side that varies more decides.
    """
    total = int(counts.sum())
    return min(float(total), *(_effective(counts, side, total) for side in (below, above)))


def ranks_of(count: int, n_eff: float, gauge_n_eff: float, ratio: float, level: float) -> Ranks:
    """The ranks that limit the percentile at ``ratio`` with the probability ``level``.

    ``gauge_n_eff`` is the `effective_count` at `GAUGE_RATIO`. Below the floor there is only a low
    one, which alone has the ``level``; it is corrected for the skewness of small counts (Cornish
    and Fisher 1938).
    """
    floor = independent_floor(ratio)
    if min(n_eff, gauge_n_eff) < GAUGED_BELOW * floor:
        n_eff = min(n_eff, gauge_n_eff)
    deviation = math.sqrt(ratio * (1 - ratio) / n_eff)
    if n_eff >= floor:
        half = _quantile((1 + level) / 2) * deviation
        low = math.ceil(count * (ratio - half)) - 1
        high = math.floor(count * (ratio + half))
        if low >= 0 and high < count:
            return Ranks(low, high, n_eff)
    t = _quantile(level)
    skew = (t * t - 1) / 6 * (1 - 2 * ratio) / n_eff
    low = math.ceil(count * (ratio - t * deviation + skew)) - 1
    return Ranks(low if low >= 0 else None, None, n_eff)


def _quantile(probability: float) -> float:
    return student_quantile(probability, BATCHES // 2 - 1)


def _effective(counts: NDArray[np.int64], side: NDArray[np.int64], total: int) -> float:
    """The effective number of values by one indicator; no limit where it never varies."""
    ratio = int(side.sum()) / total
    if not 0 < ratio < 1:
        return math.inf
    excess = side - counts * ratio
    pairs = excess.reshape(-1, 2).sum(axis=1)
    variance = max(
        float(parts @ parts) * len(parts) / (len(parts) - 1) for parts in (excess, pairs)
    )
    return total * total * ratio * (1 - ratio) / variance if variance else math.inf
