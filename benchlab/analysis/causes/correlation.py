"""Rank correlation of long series."""

from __future__ import annotations

import numpy as np

from benchlab.analysis.causes.requests import Floats
from benchlab.statistics.ranks import mean_ranks

__all__ = ["rank_correlation"]

_MOST = 20_000


def rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's rank correlation, of a part at equal distances if there are very many; 0 if one of
    them does not vary.

    Source: Spearman, American Journal of Psychology 15 (1904).
    """
    step = max(len(first) // _MOST, 1)
    one, two = mean_ranks(first[::step]), mean_ranks(second[::step])
    spread = float(np.std(one) * np.std(two)) if len(one) else 0.0
    return float(np.mean((one - one.mean()) * (two - two.mean())) / spread) if spread else 0.0
