"""Values by rank, for curves: of any number of values, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from benchlab.samples.histogram import LatencyHistogram

__all__ = ["values_at"]

_MOST_SORTED = 1_000_000  # values


def values_at(
    blocks: Iterable[NDArray[np.int64]], count: int, ranks: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The values with these ``ranks``, counted from 0 at the lowest of ``count`` values.

    ``blocks`` is iterated once. Up to a million values are sorted, and the result is exact. Of
    more, it comes from a `LatencyHistogram`: at most 0.1 % above, much less than the width of a
    line, and exact at both ends. Durations below 0 count as 0. Numbers that people read
    come from `exact_percentiles`.
    """
    if count <= _MOST_SORTED:
        ordered: NDArray[np.int64] = np.sort(np.concatenate([np.empty(0, np.int64), *blocks]))
        exact: NDArray[np.int64] = np.maximum(ordered[ranks], 0)
        return exact
    histogram = LatencyHistogram(LatencyHistogram.LIMIT_NS)
    low, high = LatencyHistogram.LIMIT_NS, 0
    for block in blocks:
        values = np.clip(block, 0, LatencyHistogram.LIMIT_NS)
        low, high = min(low, int(values.min())), max(high, int(values.max()))
        histogram.record(values)
    index = np.searchsorted(np.cumsum(histogram.counts), ranks, side="right")
    found = np.clip(histogram.edges_ns(index)[1] - 1, low, high)
    return np.where(ranks == 0, low, found)
