"""The p-value of paired differences by flipping their signs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["sign_flip_p"]

_EXACT_MAX = 30  # differences: two tables of 2^15 sums
_TOLERANCE = 1e-12  # of the largest possible sum: sums that are equal differ by rounding


def sign_flip_p(differences: ArrayLike) -> float:
    """Two-sided p-value of a mean of 0: the share of sign flips that move it as far from 0.

    If neither side of the pairs differs, each difference may as well have had the other sign. For
    up to 30 differences all 2^m flips are counted: those of each half are listed, and matched
    by sorting. For more, the sum of flipped differences is taken to be normal with the variance
    Σd², which is off by a few percent of p, less than it varies from sample to sample.

    The smallest p-value that m differences can have is 2^(1−m): with fewer than 6, no
    difference, however large, has one of 5 %.

    Source: Fisher, The Design of Experiments (1935), section 21; the two halves: Pagano and
    Tritchler, JASA 78 (1983).

    >>> sign_flip_p([0.1, 0.2, 0.15, 0.11, 0.3, 0.07]) == 2**-5
    True
    """
    values = np.asarray(differences, dtype=np.float64)
    reach = float(np.abs(values).sum())
    if reach == 0:
        return 1.0
    seen = abs(float(values.sum())) - _TOLERANCE * reach
    if len(values) > _EXACT_MAX:
        spread = float(np.sqrt(np.square(values).sum()))
        return math.erfc(max(seen, 0.0) / spread / math.sqrt(2))
    left, right = _sums(values[::2]), np.sort(_sums(values[1::2]))
    low_enough = np.searchsorted(right, -seen - left, side="right").sum()
    high_enough = len(left) * len(right) - np.searchsorted(right, seen - left, side="left").sum()
    return min(1.0, float(low_enough + high_enough) / 2.0 ** len(values))


def _sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of ``values`` with each of the possible signs."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums - value, sums + value])
    return sums
