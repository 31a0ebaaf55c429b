"""Extremes, mean and exact percentiles of any number of values, in bounded memory.

Values come in blocks, an iterable of arrays that can be iterated more than once. Up to a million
values are sorted. For more, one pass over the blocks counts the values in equal parts of their
range, and another collects those of the parts that hold a wanted rank. A part with more than a
million values is divided again in the same way. For many groups of values at once, each pass
divides the range of every group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Extent",
    "OrderStatistics",
    "exact_percentile",
    "exact_percentiles",
    "percentile_by_group",
    "percentile_of",
    "rank_of",
]

_MOST_SORTED = 1_000_000  # values
_PART_BITS = 19  # a range has 2^19 parts at most: 4 MB of counts

_GROUP_BITS = 10  # a group's range has 2^10 parts: 8 MB of counts for a thousand groups

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
    return int(ordered_ns[rank_of(ratio, len(ordered_ns))])


def exact_percentiles(blocks: _Blocks, extent: Extent, ratios: Sequence[float]) -> list[int]:
    """Exact percentiles at ``ratios`` of the values in ``blocks``, which have this ``extent``."""
    return OrderStatistics(blocks, extent).percentiles(ratios)


def percentile_of(blocks: _Blocks, ratio: float) -> int | None:
    """One exact percentile of the values in ``blocks``; None without values."""
    extent = Extent.of(blocks)
    return None if extent is None else exact_percentiles(blocks, extent, [ratio])[0]


def percentile_by_group(
    groups: _Blocks, blocks: _Blocks, group_count: int, ratio: float
) -> list[int | None]:
    """The exact percentile at ``ratio`` of each group of values; None for one without any.

    ``groups`` has the number of each value's group, from 0 to ``group_count`` - 1, in blocks as
    long as those of the values. Both are iterated several times, however many groups there are.
    """
    counts = np.zeros(group_count, dtype=np.int64)
    low = np.full(group_count, np.iinfo(np.int64).max)
    high = np.full(group_count, np.iinfo(np.int64).min)
    for group, values in zip(groups, blocks, strict=True):
        counts += np.bincount(group, minlength=group_count)
        np.minimum.at(low, group, values)
        np.maximum.at(high, group, values)
    rank = np.array([rank_of(ratio, count) for count in counts.tolist()], dtype=np.int64)
    low[counts == 0] = high[counts == 0] = 0
    size = 1 << _GROUP_BITS
    while np.any(low < high):  # the value of the rank is between the two, which come nearer
        spans = [end - start for start, end in zip(low.tolist(), high.tolist(), strict=True)]
        shift = np.array([max(0, span.bit_length() - _GROUP_BITS) for span in spans], np.uint64)
        table = np.zeros(group_count * size, dtype=np.int64)
        for group, values in zip(groups, blocks, strict=True):
            inside = (values >= low[group]) & (values <= high[group])
            of = group[inside]
            offset = (values[inside] - low[of]).view(np.uint64)  # may need all 64 bits
            np.add.at(table, of * size + (offset >> shift[of]).view(np.int64), 1)
        up_to = np.cumsum(table.reshape(group_count, size), axis=1)
        part = np.minimum(np.count_nonzero(up_to <= rank[:, np.newaxis], axis=1), size - 1)
        here = np.arange(group_count) * size + part
        rank -= up_to.reshape(-1)[here] - table[here]
        low = low + (part.astype(np.uint64) << shift).view(np.int64)
        width = np.minimum((high - low).view(np.uint64), (np.uint64(1) << shift) - np.uint64(1))
        high = low + width.view(np.int64)
    return [int(value) if count else None for value, count in zip(low, counts, strict=True)]


def _sum(block: NDArray[np.int64]) -> int:
    """The exact sum, which may not fit into 64 bits."""
    return (int((block >> 32).sum()) << 32) + int((block & 0xFFFFFFFF).sum())


def rank_of(ratio: float, count: int) -> int:
    """The rank of the percentile at ``ratio`` of ``count`` values, counted from 0 at the lowest."""
    return min(int(ratio * count), count - 1)


class OrderStatistics:
    """The values in ``blocks``, which have this ``extent``, by their rank.

    What one question takes is kept for the next ones: up to a million sorted values, or how many
    are in each part of the range.
    """

    def __init__(self, blocks: _Blocks, extent: Extent) -> None:
        self.extent = extent
        self._blocks = blocks
        self._ordered: NDArray[np.int64] | None = None
        self._up_to: NDArray[np.int64] | None = None  # values in each part and all lower ones
        bits = (extent.high - extent.low).bit_length()
        self._shift = np.uint64(max(0, bits - _PART_BITS))
        self._part_count = 1 << min(bits, _PART_BITS)

    def percentiles(self, ratios: Sequence[float]) -> list[int]:
        """The exact percentiles at ``ratios``, as `exact_percentile` defines them."""
        ranks = [rank_of(ratio, self.extent.count) for ratio in ratios]
        found = self.at(ranks)
        return [found[rank] for rank in ranks]

    def at(self, ranks: Iterable[int]) -> dict[int, int]:
        """The value of each of ``ranks``, counted from 0 at the lowest."""
        if self.extent.count <= _MOST_SORTED:
            if self._ordered is None:
                self._ordered = np.sort(np.concatenate(list(self._blocks)))
            return {rank: int(self._ordered[rank]) for rank in ranks}
        if self._up_to is None:
            self._up_to = np.cumsum(self._count())
        by_part: dict[int, list[int]] = {}
        for rank in ranks:
            part = int(np.searchsorted(self._up_to, rank, side="right"))
            by_part.setdefault(part, []).append(rank)
        if not self._shift:
            return {rank: self.extent.low + part for part, held in by_part.items() for rank in held}
        found: dict[int, int] = {}
        few: dict[int, list[int]] = {}
        total = 0
        for part, held in sorted(by_part.items()):
            count = self._size(part)
            if count > _MOST_SORTED:
                found |= self._divide(part, held)
                continue
            if total + count > _MOST_SORTED:
                found |= self._collect(few)
                few, total = {}, 0
            few[part] = held
            total += count
        return found | self._collect(few)

    def _count(self) -> NDArray[np.int64]:
        counts = np.zeros(self._part_count, dtype=np.int64)
        for block in self._blocks:
            counts += np.bincount(self._parts_of(block), minlength=self._part_count)
        return counts

    def _parts_of(self, block: NDArray[np.int64]) -> NDArray[np.int64]:
        offset = (block - self.extent.low).view(np.uint64)  # may need all 64 bits
        return (offset >> self._shift).view(np.int64)

    def _before(self, part: int) -> int:
        assert self._up_to is not None
        return int(self._up_to[part - 1]) if part else 0

    def _size(self, part: int) -> int:
        assert self._up_to is not None
        return int(self._up_to[part]) - self._before(part)

    def _in_parts(self, parts: Iterable[int]) -> _Chosen:
        is_wanted = np.zeros(self._part_count, dtype=np.bool_)
        is_wanted[list(parts)] = True
        return _Chosen(self._blocks, lambda block: is_wanted[self._parts_of(block)])

    def _collect(self, ranks: dict[int, list[int]]) -> dict[int, int]:
        """Sort the values of these parts."""
        if not ranks:
            return {}
        ordered = np.sort(np.concatenate(list(self._in_parts(ranks))))
        found: dict[int, int] = {}
        start = 0
        for part, held in sorted(ranks.items()):
            found |= {rank: int(ordered[start + rank - self._before(part)]) for rank in held}
            start += self._size(part)
        return found

    def _divide(self, part: int, ranks: list[int]) -> dict[int, int]:
        """Count again within one part."""
        low = self.extent.low + (part << int(self._shift))
        high = low + (1 << int(self._shift)) - 1
        inside = Extent(self._size(part), low, high, 0)
        before = self._before(part)
        found = OrderStatistics(self._in_parts([part]), inside).at([r - before for r in ranks])
        return {rank + before: value for rank, value in found.items()}


class _Chosen:
    """The values of ``blocks`` for which ``choice`` is true, in blocks."""

    def __init__(
        self, blocks: _Blocks, choice: Callable[[NDArray[np.int64]], NDArray[np.bool_]]
    ) -> None:
        self._blocks = blocks
        self._choice = choice

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        return (block[self._choice(block)] for block in self._blocks)
