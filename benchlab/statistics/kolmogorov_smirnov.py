"""The distance of Kolmogorov and Smirnov between two samples, exact or with a tolerance.

N. Smirnov, "On the estimation of the discrepancy between empirical curves of distribution for two
independent samples", Bull. Math. Univ. Moscou 2 (1939). It is the largest difference between the
shares of both samples up to any value: 0 if they are distributed alike, 1 if they do not overlap.

It takes no account of how far apart values are: of values that are all equal in one sample, and
differ by a nanosecond in the other, it may be anything up to 1. With a tolerance, values that are
so close count as equal. That is the excess in Strassen's theorem (V. Strassen, "The existence of
probability measures with given marginals", Ann. Math. Statist. 36 (1965)) for half-lines, and so at
most the share of values that differ by more than the tolerance, however both samples are paired.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ks_distance"]


def ks_distance(one: NDArray[Any], other: NDArray[Any], tolerance: float = 0) -> float:
    """The largest share of one sample that lies lower than in the other by over ``tolerance``.

    Without a tolerance it is the two-sided distance of Kolmogorov and Smirnov. The samples may have
    different lengths, need no order, and are not empty.

    >>> ks_distance(np.array([1, 2, 3, 4]), np.array([3, 4, 5, 6]))
    0.5
    >>> ks_distance(np.array([1, 2, 3, 4]), np.array([3, 4, 5, 6]), tolerance=2)
    0.0
    """
    one, other = np.sort(one), np.sort(other)
    return max(_excess(one, other, tolerance), _excess(other, one, tolerance), 0.0)


def _excess(low: NDArray[Any], high: NDArray[Any], tolerance: float) -> float:
    """By how much the share of ``low`` up to a value exceeds that of ``high``, at the most.

    It is largest at a value of ``low``: between two of them only the other share rises.
    """
    up_to = np.searchsorted(low, low, side="right") / len(low)
    beside = np.searchsorted(high, low + tolerance, side="right") / len(high)
    return float(np.max(up_to - beside))
