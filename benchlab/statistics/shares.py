"""The interval of a share when the requests depend on each other.

E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
American Statistical Association 22 (1927), with the number of requests that are independent of each
other in place of all: how much the share varies between equal batches of time says how many.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchlab.statistics.batch_means import BATCHES, has_enough
from benchlab.statistics.proportions import share_variance, wilson_bounds
from benchlab.statistics.student import student_quantile

__all__ = ["Share", "share_interval"]


class Share(NamedTuple):
    """A share, 0 to 1, and its interval; None where too few requests say anything about it."""

    ratio: float
    low: float | None
    high: float | None


def share_interval(
    counts: NDArray[np.int64], scores: NDArray[np.floating[Any]], level: float = 0.95
) -> Share | None:
    """The mean score of requests, each 0 to 1, of which batches have ``scores`` in total.

    Arrays of `BATCHES` values. None without requests.

    >>> round(share_interval(np.full(BATCHES, 100), np.full(BATCHES, 100.0)).low, 4)
    0.9986
    """
    total = int(counts.sum())
    if not total:
        return None
    ratio = float(scores.sum()) / total
    if not has_enough(counts):
        return Share(ratio, None, None)
    # Where dependence reaches across batches, longer ones vary more: the larger variance counts.
    pairs = (part.reshape(-1, 2).sum(axis=1) for part in (scores, counts))
    variance = max(share_variance(scores, counts), share_variance(*pairs))
    independent = float(total)
    if variance > 0:
        independent = min(independent, ratio * (1 - ratio) / variance)
    quantile = student_quantile((1 + level) / 2, BATCHES // 2 - 1)
    low, high = wilson_bounds(ratio, max(independent, 1.0), quantile)
    return Share(ratio, max(low, 0.0), min(high, 1.0))
