"""Ranks and autocorrelations of a series, with which the tests here are made."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["autocorrelation", "first_order_inflation", "mean_ranks", "variance_inflation"]


def mean_ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """The rank of each value from 1 upwards; equal values share the mean of theirs.

    >>> mean_ranks(np.array([30, 10, 20, 20])).tolist()
    [4.0, 1.0, 2.5, 2.5]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[np.float64] = (last - (counts - 1) / 2)[place]
    return ranks


def autocorrelation(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The autocorrelation at every lag from 0; 0 beyond lag 0 where all values are equal.

    The usual estimate, which divides by n at every lag (Box and Jenkins).
    """
    count = len(values)
    centred = values - values.mean()
    products: NDArray[np.float64] = np.correlate(centred, centred, "full")[count - 1 :]
    if products[0] <= 0:
        return np.concatenate([np.ones(1), np.zeros(count - 1)])
    found: NDArray[np.float64] = products / products[0]
    return found


def variance_inflation(values: NDArray[np.floating[Any]]) -> float:
    """By how much dependence multiplies the variance of the mean of ``values``, at least 1.

    The sum of autocorrelations up to the first that is not positive: the initial positive sequence
    of C. J. Geyer, "Practical Markov chain Monte Carlo", Statistical Science 7 (1992), without its
    pairs.
    """
    found = autocorrelation(values)[1:]
    negative = np.flatnonzero(found <= 0)
    end = int(negative[0]) if len(negative) else len(found)
    return 1 + 2 * float(found[:end].sum())


def first_order_inflation(rest: NDArray[np.floating[Any]], parameters: int) -> float:
    """The same for a first-order process, without the bias of short series, at least 1.

    ``rest`` is what a fit of ``parameters`` coefficients left. Such a fit, and the length itself,
    make the estimated autocorrelation r too low by about (parameters + (parameters + 2) r) / n:
    F. H. C. Marriott and J. A. Pope, "Bias in the estimation of autocorrelations", Biometrika 41
    (1954), for the mean; for a trend, the same expansion.
    """
    found = float(autocorrelation(rest)[1])
    found += (parameters + (parameters + 2) * found) / len(rest)
    found = min(max(found, 0.0), 0.98)
    return (1 + found) / (1 - found)
