"""The Mann–Kendall test for a trend, for values that depend on each other, and Sen's slope.

Sources: H. B. Mann, "Nonparametric tests against trend", Econometrica 13 (1945); K. H. Hamed and
A. R. Rao, "A modified Mann-Kendall trend test for autocorrelated data", Journal of Hydrology 204
(1998); P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", Journal of the
American Statistical Association 63 (1968), whose interval is built on the variance of the score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchlab.statistics.normal import normal_deviations
from benchlab.statistics.ranks import autocorrelation, mean_ranks

__all__ = ["Trend", "mann_kendall"]

_SIGNIFICANT = 1.959963984540054  # 95 % of normal values lie within this many deviations


@dataclass(frozen=True, slots=True)
class Trend:
    """The trend of a series.

    ``score`` is Kendall's S, the rising pairs less the falling ones, and ``variance`` its variance
    without a trend. ``p_value`` is two-sided. ``slope`` is Sen's, per step of the series, between
    ``slope_low`` and ``slope_high``.
    """

    score: float
    variance: float
    z: float
    p_value: float
    slope: float
    slope_low: float
    slope_high: float


def mann_kendall(
    values: NDArray[np.floating[Any]],
    *,
    dependent: bool = True,
    least_inflation: float = 0.0,
    level: float = 0.95,
) -> Trend:
    """The trend of ``values``, a 1-d array of equally spaced measurements, at least 3.

    With ``dependent`` the variance has the correction of Hamed and Rao, from the significant
    autocorrelations of the detrended ranks. It can also shrink the variance, where neighbours
    alternate by chance, but not below ``least_inflation`` times that of independent values. It
    takes O(n²) memory: 100 values need 4,950 slopes.
    """
    count = len(values)
    before, after = np.triu_indices(count, k=1)
    rises = values[after] - values[before]
    score = float(np.sign(rises).sum())
    slopes = np.sort(rises / (after - before))
    slope = float(np.median(slopes))
    variance = _variance(values)
    if dependent:
        variance *= max(_correction(values - slope * np.arange(count)), least_inflation)
    z = (score - np.sign(score)) / math.sqrt(variance) if variance > 0 else 0.0
    reach = normal_deviations(level) * math.sqrt(max(variance, 0.0))
    # The slopes of these ranks, counted from 1: (N - reach) / 2 and (N + reach) / 2 + 1.
    low = math.floor((len(slopes) - reach) / 2) - 1
    high = math.ceil((len(slopes) + reach) / 2)
    return Trend(
        score,
        variance,
        float(z),
        math.erfc(abs(z) / math.sqrt(2)),
        slope,
        float(slopes[low]) if low >= 0 else -math.inf,
        float(slopes[high]) if high < len(slopes) else math.inf,
    )


def _variance(values: NDArray[np.floating[Any]]) -> float:
    """The variance of S for independent values, with the correction for ties."""
    count = len(values)
    ties = np.unique(values, return_counts=True)[1].astype(np.float64)
    tied = float((ties * (ties - 1) * (2 * ties + 5)).sum())
    return (count * (count - 1) * (2 * count + 5) - tied) / 18


def _correction(detrended: NDArray[np.floating[Any]]) -> float:
    """n / n* of Hamed and Rao: by how much dependence multiplies the variance of S."""
    count = len(detrended)
    if count < 3:
        return 1.0
    found = autocorrelation(mean_ranks(detrended))[1:]
    lag = np.arange(1, count)
    weights = (count - lag) * (count - lag - 1) * (count - lag - 2)
    significant = np.abs(found) > _SIGNIFICANT / math.sqrt(count)
    total = float((weights * found)[significant].sum())
    return 1 + 2 * total / (count * (count - 1) * (count - 2))
