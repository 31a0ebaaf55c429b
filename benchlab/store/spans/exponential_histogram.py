"""Add OpenTelemetry's exponential histograms, which may differ in resolution.

Bucket ``i`` at scale ``s`` holds the values in ``(base**i, base**(i+1)]`` with
``base = 2**(2**-s)``. Lowering the scale by one merges neighbouring pairs exactly, so histograms
of different scales are added at the lowest of them.
Source: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["ExponentialHistogram", "add"]


@dataclass(frozen=True)
class ExponentialHistogram:
    """Counts of consecutive buckets, the first with index ``offset``, and of zero values."""

    scale: int
    offset: int
    counts: NDArray[np.int64]
    zero_count: int = 0

    @classmethod
    def of(cls, scale: int, offset: int, counts: Sequence[int], zero_count: int) -> Self:
        """From the fields of a data point."""
        return cls(scale, offset, np.array(counts, dtype=np.int64), zero_count)

    @property
    def count(self) -> int:
        """Number of values."""
        return int(self.counts.sum()) + self.zero_count

    @property
    def edges(self) -> NDArray[np.float64]:
        """The bounds of the buckets, ascending: one more than there are counts."""
        index = np.arange(self.offset, self.offset + len(self.counts) + 1)
        edges: NDArray[np.float64] = np.exp2(index * 2.0**-self.scale)
        return edges

    def at(self, scale: int) -> Self:
        """The same histogram at ``scale``, at most its own: buckets can be merged, not split."""
        if scale > self.scale:
            raise ValueError(f"a histogram of scale {self.scale} has no buckets of scale {scale}")
        if scale == self.scale:
            return self
        index = np.arange(self.offset, self.offset + len(self.counts)) >> (self.scale - scale)
        first = int(self.offset) >> (self.scale - scale)
        counts = np.zeros(int(index[-1]) - first + 1 if len(index) else 0, dtype=np.int64)
        np.add.at(counts, index - first, self.counts)
        return type(self)(scale, first, counts, self.zero_count)


def add(histograms: Iterable[tuple[int, ExponentialHistogram]]) -> ExponentialHistogram | None:
    """The sum of histograms with a sign each, +1 or -1; None when there are none."""
    terms = list(histograms)
    if not terms:
        return None
    scale = min(histogram.scale for _, histogram in terms)
    level = [(sign, histogram.at(scale)) for sign, histogram in terms]
    filled = [histogram for _, histogram in level if len(histogram.counts)]
    first = min((histogram.offset for histogram in filled), default=0)
    last = max((histogram.offset + len(histogram.counts) for histogram in filled), default=first)
    counts = np.zeros(last - first, dtype=np.int64)
    for sign, histogram in level:
        if len(histogram.counts):
            start = histogram.offset - first
            counts[start : start + len(histogram.counts)] += sign * histogram.counts
    zero_count = sum(sign * histogram.zero_count for sign, histogram in level)
    # A service that restarted in between would leave negative counts.
    return ExponentialHistogram(scale, first, np.maximum(counts, 0), max(zero_count, 0))
