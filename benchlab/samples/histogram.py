"""A mergeable histogram of durations with a fixed relative error and bounded memory.

Values fall into buckets whose width doubles with every power of two above ``sub_buckets``, so a
value is known to three significant decimal digits wherever it lies. The layout is that of
HdrHistogram (Gil Tene, https://hdrhistogram.github.io/HdrHistogram/) with a lowest discernible
value of 1 ns; merging is adding counts, and `LatencyHistogram.encode` writes what its tools read.
"""

from __future__ import annotations

import math
from typing import Self

import numpy as np
from numpy.typing import NDArray

from benchlab.displayed import Displayed
from benchlab.errors import InputError
from benchlab.samples import hdr
from benchlab.units import NS_PER_S

__all__ = ["LatencyHistogram"]

_DAY_NS = 24 * 3600 * NS_PER_S


class LatencyHistogram(Displayed):
    """Counts of integer nanosecond values from 0 to ``highest_ns``, three significant digits.

    ``counts`` is an int64 array, one entry per bucket, lowest first.

    >>> first = LatencyHistogram().record(np.array([1_000_000, 2_000_000]))
    >>> second = LatencyHistogram().record(np.array([4_000_000]))
    >>> whole = first.merge(second)
    >>> whole.count, whole.percentile_ns(0.5)
    (3, 2000895)
    """

    SIGNIFICANT_DIGITS = 3
    LOWEST_NS = 1
    LIMIT_NS = 1 << 53  # 104 days; above that, float64 would put values into the wrong bucket
    _SUB_BITS = 11  # 2,048 sub-buckets: twice 10^3, rounded up to a power of two
    _HALF = 1 << (_SUB_BITS - 1)

    __slots__ = ("counts", "highest_ns")

    def __init__(self, highest_ns: int = _DAY_NS) -> None:
        if not 2 <= highest_ns <= self.LIMIT_NS:
            raise InputError(
                f"highest_ns={highest_ns} must be at least 2 and at most {self.LIMIT_NS}"
            )
        self.highest_ns = highest_ns
        self.counts = np.zeros(int(self._index(np.array([highest_ns]))[0]) + 1, dtype=np.int64)

    def record(self, values_ns: NDArray[np.int64]) -> Self:
        """Count every value of a 1-d int64 array; returns the histogram.

        Raises:
            InputError: a value below 0 or above ``highest_ns``. Nothing is recorded then.
        """
        if len(values_ns) == 0:
            return self
        low, high = int(values_ns.min()), int(values_ns.max())
        if low < 0 or high > self.highest_ns:
            wrong = low if low < 0 else high
            raise InputError(f"value {wrong} ns lies outside 0 … {self.highest_ns} ns")
        index = self._index(values_ns)
        found = np.bincount(index)
        self.counts[: len(found)] += found
        return self

    def merge(self, other: LatencyHistogram) -> Self:
        """Add the counts of ``other``; the same as having recorded its values here.

        Raises:
            InputError: the two have different ranges.
        """
        if other.highest_ns != self.highest_ns:
            raise InputError(
                f"histograms up to {self.highest_ns} ns and {other.highest_ns} ns do not merge:"
                " make both with the same highest_ns"
            )
        self.counts += other.counts
        return self

    def encode(self) -> str:
        """The histogram in HdrHistogram's V2 compressed encoding, in base64, as in its logs."""
        return hdr.pack(
            hdr.Encoded(self.SIGNIFICANT_DIGITS, self.LOWEST_NS, self.highest_ns, self.counts)
        )

    @classmethod
    def decode(cls, text: str) -> Self:
        """Read what `encode`, or an HdrHistogram library of any language, wrote.

        Raises:
            InputError: ``text`` is something else, damaged, or of another precision.
        """
        encoded = hdr.unpack(text)
        if (encoded.digits, encoded.lowest) != (cls.SIGNIFICANT_DIGITS, cls.LOWEST_NS):
            raise InputError(
                f"the histogram has {encoded.digits} significant digits from"
                f" {encoded.lowest} upwards: only {cls.SIGNIFICANT_DIGITS} from"
                f" {cls.LOWEST_NS} (ns) can be read"
            )
        if encoded.highest > cls.LIMIT_NS:
            raise InputError(
                f"the histogram goes up to {encoded.highest} ns: {cls.LIMIT_NS} ns is the most"
            )
        histogram = cls(encoded.highest)
        filled = len(encoded.counts)
        if filled > len(histogram.counts):
            raise InputError(f"the histogram has counts above its highest value {encoded.highest}")
        histogram.counts[:filled] = encoded.counts
        return histogram

    @property
    def count(self) -> int:
        """Number of values recorded."""
        return int(self.counts.sum())

    def percentile_ns(self, ratio: float) -> int:
        """Upper edge of the bucket holding the value of rank ⌈``ratio`` × count⌉, in ns.

        At most 0.1 % above that value. ``ratio`` is 0 to 1.

        Raises:
            InputError: the histogram is empty or ``ratio`` lies outside 0 to 1.
        """
        if not 0 <= ratio <= 1:
            raise InputError(f"percentile {ratio!r} must be a ratio between 0 and 1")
        total = self.count
        if total == 0:
            raise InputError("an empty histogram has no percentiles: record values first")
        rank = max(1, math.ceil(ratio * total))
        index = int(np.searchsorted(np.cumsum(self.counts), rank))
        return int(self.edges_ns(np.array([index]))[1][0]) - 1

    def edges_ns(self, index: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Inclusive lower and exclusive upper edge, in ns, of the buckets at ``index``."""
        return hdr.edges(index, self._HALF)

    @classmethod
    def _index(cls, values_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        # frexp's exponent is the bit length; float64 can round a value up to the next power of
        # two only above 2**53, far beyond any duration here.
        bits = np.frexp(values_ns.astype(np.float64))[1].astype(np.int64)
        level = np.maximum(bits - cls._SUB_BITS, 0)
        index: NDArray[np.int64] = level * cls._HALF + np.right_shift(values_ns, level)
        return index
