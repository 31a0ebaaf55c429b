"""The Kolmogorov-Smirnov test of gaps against the exponential distribution of a Poisson process."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fit", "fit_exponential"]


class Fit(NamedTuple):
    """The largest distance between the two distribution functions, and how likely one as large is
    if the gaps are what they should be."""

    distance: float
    p_value: float


def fit_exponential(gaps_s: NDArray[np.float64], rate_rps: float) -> Fit:
    """How well gaps fit the exponential distribution of a rate that was known beforehand.

    The p-value is of Kolmogorov's limit distribution with Stephens's correction for the number of
    gaps (1970).
    """
    count = len(gaps_s)
    expected = -np.expm1(-np.sort(gaps_s) * rate_rps)
    steps = np.arange(count + 1) / count
    distance = max(float(np.max(steps[1:] - expected)), float(np.max(expected - steps[:-1])))
    root = math.sqrt(count)
    scaled = (root + 0.12 + 0.11 / root) * distance
    if scaled < 0.2:  # the series does not converge there, and its limit is 1 to twelve digits
        return Fit(distance, 1.0)
    terms = ((-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101))
    return Fit(distance, min(1.0, max(0.0, 2 * math.fsum(terms))))
