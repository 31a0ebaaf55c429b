"""Extremes, mean and exact percentiles of any number of values, in bounded memory.

Values come in blocks, an iterable of arrays that can be iterated more than once. Up to a million
values are sorted. For more, each pass over the blocks narrows the interval that holds a wanted
rank: it counts the values in equal parts of the interval and continues in one of them, until the
interval is a single value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Extent", "exact_percentile", "exact_percentiles", "percentile_of"]

_MOST_SORTED = 1_000_000  # values
_PART_BITS = 19  # an interval has 2^19 parts at most: 4 MB of counts

_Blocks = Iterable[NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Extent:
    """Count, minimum, maximum and sum of values, exactly."""

    count: int
    low: int
    high: int
    total: int

    @property
    def mean(self) -> int:
        """The mean, rounded to an integer."""
        return round(self.total / self.count)

    @classmethod
    def of(cls, blocks: _Blocks) -> Self | None:
        """The extent of all values; None without values."""
        found = [
            (len(block), int(block.min()), int(block.max()), _sum(block))
            for block in blocks
            if len(block)
        ]
        if not found:
            return None
        counts, lows, highs, totals = zip(*found, strict=True)
        return cls(sum(counts), min(lows), max(highs), sum(totals))


def exact_percentile(ordered_ns: NDArray[np.int64], ratio: float) -> int:
    """The recorded value at ``ratio`` (0 to 1) of a sorted, non-empty array, without interpolation.

    The element at index ⌊ratio × n⌋, or the last one: what ClickHouse's ``quantileExact``
    returns, so that SQL over stored samples and this function agree to the nanosecond.

    >>> exact_percentile(np.arange(1, 101), 0.99)
    100
    """
    return int(ordered_ns[_rank(ratio, len(ordered_ns))])


def exact_percentiles(blocks: _Blocks, extent: Extent, ratios: Sequence[float]) -> list[int]:
    """Exact percentiles at ``ratios`` of the values in ``blocks``, which have this ``extent``."""
    if extent.count <= _MOST_SORTED:
        ordered = np.sort(np.concatenate(list(blocks)))
        return [exact_percentile(ordered, ratio) for ratio in ratios]
    ranks = [_rank(ratio, extent.count) for ratio in ratios]
    found = _narrow(blocks, extent, set(ranks))
    return [found[rank] for rank in ranks]


def percentile_of(blocks: _Blocks, ratio: float) -> int | None:
    """One exact percentile of the values in ``blocks``; None without values."""
    extent = Extent.of(blocks)
    return None if extent is None else exact_percentiles(blocks, extent, [ratio])[0]


def _sum(block: NDArray[np.int64]) -> int:
    """The exact sum, which may not fit into 64 bits."""
    return (int((block >> 32).sum()) << 32) + int((block & 0xFFFFFFFF).sum())


def _rank(ratio: float, count: int) -> int:
    return min(int(ratio * count), count - 1)


def _narrow(blocks: _Blocks, extent: Extent, ranks: set[int]) -> dict[int, int]:
    """The value of each rank, counted from 0 at the lowest."""
    bits = bits_of_all = (extent.high - extent.low).bit_length()
    starts = dict.fromkeys(ranks, extent.low)
    below = dict.fromkeys(ranks, 0)  # values below the interval
    while bits:
        passes = -(-bits // _PART_BITS)
        rest = bits - -(-bits // passes)
        counts = {start: np.zeros(1 << (bits - rest), dtype=np.int64) for start in starts.values()}
        for block in blocks:
            for start in counts:
                offset = (block - start).view(np.uint64)  # lower values wrap around to high ones
                if bits < bits_of_all:
                    offset = offset[offset < np.uint64(1 << bits)]
                part_of = (offset >> np.uint64(rest)).view(np.int64)
                counts[start] += np.bincount(part_of, minlength=1 << (bits - rest))
        for rank, start in starts.items():
            up_to = np.cumsum(counts[start])
            part = int(np.searchsorted(up_to, rank - below[rank], side="right"))
            below[rank] += int(up_to[part - 1]) if part else 0
            starts[rank] = start + (part << rest)
        bits = rest
    return starts
