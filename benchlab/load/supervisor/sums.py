"""Sums of samples as they are written to a file: what a tally is made of (`…supervisor.tally`)."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchlab.decoding import Count, Integer

__all__ = ["ConditionSums", "SeriesSums", "Sparse", "TallySums", "sparse_of"]


class Sparse(msgspec.Struct, array_like=True, frozen=True):
    """The entries of an array that are not zero: their places as uint32, and their values."""

    places: bytes
    values: bytes

    def add_to(self, array: NDArray[Any]) -> None:
        """Add the entries to ``array``, which is contiguous and of the type that they were of.

        Raises:
            IndexError: a place lies beyond its end.
        """
        flat = array.reshape(-1)
        flat[np.frombuffer(self.places, "<u4")] += np.frombuffer(self.values, array.dtype)


def sparse_of(array: NDArray[Any]) -> Sparse:
    """The entries of ``array`` that are not zero.

    >>> sums = np.array([1, 0, 0, 5])
    >>> sparse_of(np.array([0, 0, 7, 1])).add_to(sums)
    >>> sums.tolist()
    [1, 0, 7, 6]
    """
    flat = array.reshape(-1)
    places = np.flatnonzero(flat)
    return Sparse(places.astype("<u4").tobytes(), flat[places].tobytes())


class ConditionSums(msgspec.Struct, array_like=True, frozen=True):
    """The samples that a condition covers: their number, how many failed, and of their durations
    the sum, the extremes and a histogram, as far as the condition is about these."""

    count: Count
    failed: Count
    sum_ns: int
    max_ns: Integer
    min_ns: Integer | None
    histogram: Sparse | None


class SeriesSums(msgspec.Struct, array_like=True, frozen=True):
    """The bins of `benchlab.load.supervisor.series.SeriesBins`."""

    width_ns: Count
    last_ns: Count
    longest_ns: Count
    columns: tuple[Sparse, ...]


class TallySums(msgspec.Struct, array_like=True, frozen=True):
    """A `benchlab.load.supervisor.tally.Tally`. Of each condition the sums, by number of slice."""

    count: Count
    begun_count: Count
    warmup_count: Count
    last_ns: Count
    errors: dict[str, Count]
    by_worker: Sparse
    latencies: Sparse
    lags: Sparse
    series: SeriesSums
    objectives: list[dict[int, ConditionSums]]
    aborting: list[dict[int, ConditionSums]]
