"""The share of requests that met a requirement, when requests depend on each other.

Requests that fail an objective come in clusters: a queue that is long stays long for a while. So
n requests say less than n independent ones. Their effective number is that of independent requests
whose share would vary as much: n_eff = p (1 − p) / Var(p), with the variance between batches of
equal time (`benchlab.statistics.proportions.share_variance`).
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from benchlab.statistics.proportions import share_variance

__all__ = ["independent_count", "probability_attained", "share_confidence"]

_NORMAL = NormalDist()


def independent_count(inside: NDArray[np.int64], counts: NDArray[np.int64]) -> float:
    """The number of independent requests that say as much as those of the batches.

    ``inside`` of the ``counts`` requests of each batch met the requirement. The result is between
    1 (or 0 without requests) and the number of requests, which it is when all or none met it: then
    nothing shows how they depend on each other.
    """
    total = float(counts.sum())
    share = float(inside.sum()) / total if total else 0.0
    variance = share_variance(inside, counts)
    if not variance:
        return total
    return min(max(share * (1 - share) / variance, 1.0), total)


def share_confidence(share: float, required: float, count: float) -> float:
    """Confidence that the true share is at least ``required``: 1 minus the p-value of the score
    test, one-sided.

    It is above 0.975 exactly if the lower end of Wilson's 95 % interval lies above ``required``,
    and below 0.025 if the upper end lies below: that interval is the inversion of this test
    (Wilson, J. Am. Stat. Assoc. 22, 1927).

    >>> round(share_confidence(1.0, 0.99, 380.3), 4)
    0.975
    """
    if count <= 0:
        return 0.5
    return _NORMAL.cdf((share - required) / math.sqrt(required * (1 - required) / count))


def probability_attained(share: float, required: float, count: float) -> float:
    """The probability that the true share is at least ``required``, where that is as likely as not
    beforehand.

    Every share below ``required`` is then equally likely, and so is every share above it. The
    posterior follows from the incomplete beta function (Bayes factor of a binomial share; Kass and
    Raftery, J. Am. Stat. Assoc. 90, 1995). Unlike `share_confidence` it says much after few
    requests: a service that does not cope leaves far more than 1 % of its requests outside.

    >>> round(probability_attained(1.0, 0.99, 20), 2)
    0.96
    """
    if count <= 0:
        return 0.5
    from scipy.special import betainc, betaincc

    inside, outside = share * count + 1, (1 - share) * count + 1
    above = float(betaincc(inside, outside, required)) / (1 - required)
    below = float(betainc(inside, outside, required)) / required
    return above / (above + below) if above + below else float(share >= required)
