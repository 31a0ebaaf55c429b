"""Pettitt's test for one change of level in a series.

Source: A. N. Pettitt, "A non-parametric approach to the change-point problem", Journal of the Royal
Statistical Society C 28 (1979).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchlab.statistics.ranks import mean_ranks, variance_inflation

__all__ = ["ChangeOfLevel", "pettitt"]


@dataclass(frozen=True, slots=True)
class ChangeOfLevel:
    """Where the level of a series changes most: ``index`` is the first value after the change.

    ``statistic`` is Pettitt's K; ``p_value`` is the approximation that he gives for it.
    """

    index: int
    statistic: float
    p_value: float


def pettitt(values: NDArray[np.floating[Any]], *, dependent: bool = False) -> ChangeOfLevel:
    """The change of level in ``values``, a 1-d array of at least 2.

    The test assumes independent values. With ``dependent`` the p-value allows for the
    autocorrelation that is left on the two sides of the change.
    """
    ranks = mean_ranks(values)
    count = len(values)
    before = np.arange(1, count)
    departure = 2 * np.cumsum(ranks)[:-1] - before * (count + 1)
    index = int(np.argmax(np.abs(departure))) + 1
    statistic = float(np.abs(departure[index - 1]))
    inflation = 1.0
    if dependent:
        rest = np.concatenate([part - part.mean() for part in np.split(ranks, [index])])
        inflation = variance_inflation(rest)
    exponent = -6 * statistic**2 / (inflation * (count**3 + count**2))
    return ChangeOfLevel(index, statistic, min(1.0, 2 * math.exp(exponent)))
