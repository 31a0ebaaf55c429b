"""The course of a run while it goes on: at most 300 points, in constant memory.

The run's time is divided into bins of equal width. When a run outlasts its bins, because it is long
or only the number of its requests is known, neighbours are merged and the width doubles.
Percentiles of a bin come from counts in logarithmic buckets, 32 to a power of two: a value is known
to 1.1 %, less than a chart of this size can show.

A bin appears once the workers must have written its samples. Its requests in flight are the mean
over its time, as `benchlab.analysis.in_flight` defines it; only completed requests are known, so
it appears only when no request that takes as long as the longest so far could still be missing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchlab.load.supervisor.conditions import IN_THE_FILE_AFTER_NS
from benchlab.load.supervisor.sums import SeriesSums, sparse_of
from benchlab.plan.plan import Plan
from benchlab.samples.samples import ErrorKind
from benchlab.units import NS_PER_MS, NS_PER_S, seconds_to_ns

__all__ = ["MOST_POINTS", "ProgressSeries", "SeriesBins"]

MOST_POINTS: Final = 300

_USUAL_POINTS = 240  # bins that a plan's own length fills at most; the rest is for draining
_WIDTHS_S = (0.2, 0.5, 1, 2)  # wider ones would let people wait for the first point
_PER_DOUBLING = 32
_BUCKETS = 38 * _PER_DOUBLING + 1  # up to 2**38 ns, 4.6 minutes; longer ones are in the last


@dataclass(frozen=True, slots=True)
class ProgressSeries:
    """A run over time, warm-up included: columns of one length, at most `MOST_POINTS`.

    ``t_s`` is the start of each interval of ``width_s`` seconds. Responses, errors and percentiles
    are of the requests that ended in it; what was not measured, or is not known yet, is NaN.
    """

    width_s: float = 1.0
    t_s: tuple[float, ...] = ()
    rate_rps: tuple[float, ...] = ()
    p50_ms: tuple[float, ...] = ()
    p99_ms: tuple[float, ...] = ()
    error_rps: tuple[float, ...] = ()
    lag_p99_ms: tuple[float, ...] = ()
    in_flight: tuple[float, ...] = ()


class SeriesBins:
    """Collects records into bins as they arrive: all of them ``late_ns`` after they were done."""

    def __init__(self, plan: Plan, late_ns: int = IN_THE_FILE_AFTER_NS) -> None:
        self._plan = plan
        self._late_ns = late_ns
        self.width_ns = _first_width_ns(plan)
        self._counts = np.zeros(MOST_POINTS, dtype=np.int64)
        self._errors = np.zeros(MOST_POINTS, dtype=np.int64)
        self._latencies = np.zeros((MOST_POINTS, _BUCKETS), dtype=np.uint32)
        self._lags = np.zeros((MOST_POINTS, _BUCKETS), dtype=np.uint32)
        self._changes = np.zeros(MOST_POINTS, dtype=np.int64)  # sends less ends
        self._open_ns = np.zeros(MOST_POINTS)  # open time of what starts here, less what ends
        self._p50_ms, self._p99_ms, self._lag_ms = np.full((3, MOST_POINTS), np.nan)
        self._last_ns = self._longest_ns = 0

    def take(self, records: NDArray[np.void]) -> None:
        """Add records of any worker, in any order."""
        if not len(records):
            return
        done_ns, sent_ns = records["done_ns"], records["sent_ns"]
        self._last_ns = max(self._last_ns, int(done_ns.max()))
        self._longest_ns = max(self._longest_ns, int((done_ns - sent_ns).max()))
        self._reach(self._last_ns + 1)
        bins = self._bins(done_ns)
        counts = np.bincount(bins, minlength=MOST_POINTS)
        self._counts += counts
        self._errors += np.bincount(bins[records["error"] != ErrorKind.OK], minlength=MOST_POINTS)
        _add(self._latencies, bins, _buckets(done_ns - records["intended_ns"]))
        _add(self._lags, bins, _buckets(sent_ns - records["intended_ns"]))
        for times_ns, places, sign in ((sent_ns, self._bins(sent_ns), 1), (done_ns, bins, -1)):
            rest_ns = (places + 1) * self.width_ns - np.maximum(times_ns, 0)
            self._changes += sign * np.bincount(places, minlength=MOST_POINTS)
            self._open_ns += sign * np.bincount(places, rest_ns, minlength=MOST_POINTS)
        for index in np.flatnonzero(counts).tolist():
            self._evaluate(index)

    def merge(self, part: SeriesSums) -> None:
        """Add the `sums` of the bins of another part of the run.

        Raises:
            IndexError: they have other bins.
        """
        if not part.last_ns:
            return
        self._last_ns = max(self._last_ns, part.last_ns)
        self._longest_ns = max(self._longest_ns, part.longest_ns)
        self._reach(self._last_ns + 1)
        while self.width_ns < part.width_ns:
            self._double()
        other = SeriesBins(self._plan)
        other.width_ns = part.width_ns
        for column, sums in zip(other._columns, part.columns, strict=True):
            sums.add_to(column)
        while other.width_ns < self.width_ns:
            other._double()
        for column, more in zip(self._columns, other._columns, strict=True):
            np.add(column, more, out=column)
        for index in np.flatnonzero(other._counts).tolist():
            self._evaluate(index)

    def sums(self) -> SeriesSums:
        """All bins, for `merge`."""
        columns = tuple(sparse_of(column) for column in self._columns)
        return SeriesSums(self.width_ns, self._last_ns, self._longest_ns, columns)

    def series(self, run_ns: int, *, complete: bool) -> ProgressSeries:
        """The bins that are known at ``run_ns``; all of them when the run is ``complete``."""
        self._reach(run_ns)
        if complete:
            count = -(-max(run_ns, self._last_ns) // self.width_ns)
        else:
            count = max(0, run_ns - self._late_ns) // self.width_ns
        known = slice(0, count)
        starts_ns = np.arange(MOST_POINTS)[known] * self.width_ns
        width_s = self.width_ns / NS_PER_S
        return ProgressSeries(
            width_s,
            tuple((starts_ns / NS_PER_S).tolist()),
            tuple((self._counts[known] / width_s).tolist()),
            tuple(self._p50_ms[known].tolist()),
            tuple(self._p99_ms[known].tolist()),
            tuple((self._errors[known] / width_s).tolist()),
            tuple(self._lag_ms[known].tolist()),
            tuple(self._in_flight(complete=complete)[known].tolist()),
        )

    @property
    def _columns(self) -> tuple[NDArray[Any], ...]:
        """All that is added up."""
        return (
            self._counts,
            self._errors,
            self._latencies,
            self._lags,
            self._changes,
            self._open_ns,
        )

    def _in_flight(self, *, complete: bool) -> NDArray[np.float64]:
        before = np.cumsum(self._changes) - self._changes
        mean = before + self._open_ns / self.width_ns
        ends_ns = np.arange(1, MOST_POINTS + 1) * self.width_ns
        known_ns = math.inf if complete else self._last_ns - self._longest_ns - self._late_ns
        return np.where(ends_ns <= known_ns, mean, np.nan)

    def _bins(self, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        bins: NDArray[np.int64] = np.maximum(times_ns, 0) // self.width_ns
        return bins

    def _reach(self, end_ns: int) -> None:
        while end_ns > MOST_POINTS * self.width_ns:
            self._double()

    def _double(self) -> None:
        """Merge each bin with its neighbour."""
        half = MOST_POINTS // 2
        self._open_ns[::2] += self._changes[::2] * self.width_ns  # open through the second bin too
        self.width_ns *= 2
        for column in self._columns:
            column[:half] = column[::2] + column[1::2]
            column[half:] = 0
        self._p50_ms[half:] = self._p99_ms[half:] = self._lag_ms[half:] = np.nan
        for index in range(half):
            self._evaluate(index)

    def _evaluate(self, index: int) -> None:
        if self._counts[index]:
            self._p50_ms[index], self._p99_ms[index] = _percentiles_ms(
                self._latencies[index], (0.5, 0.99)
            )
            (self._lag_ms[index],) = _percentiles_ms(self._lags[index], (0.99,))


def _first_width_ns(plan: Plan) -> int:
    """The narrowest width with which the plan's own length leaves bins to spare, if one does."""
    length_s = plan.end_ns / NS_PER_S
    if plan.request_count is not None and not plan.load.has_schedule:
        return seconds_to_ns(_WIDTHS_S[0])  # it takes as long as it takes
    fitting = (width for width in _WIDTHS_S if length_s <= _USUAL_POINTS * width)
    return seconds_to_ns(next(fitting, _WIDTHS_S[-1]))


def _add(table: NDArray[np.uint32], bins: NDArray[np.int64], buckets: NDArray[np.int64]) -> None:
    """Count each pair of a bin and a bucket; numpy.add.at would take twenty times as long."""
    first, last = int(bins.min()), int(bins.max())
    places = (bins - first) * _BUCKETS + buckets
    found = np.bincount(places, minlength=(last - first + 1) * _BUCKETS)
    table[first : last + 1] += found.reshape(-1, _BUCKETS).astype(np.uint32)


def _buckets(durations_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The bucket of each duration; 0 is for 1 ns and less."""
    levels = np.log2(np.maximum(durations_ns, 1)) * _PER_DOUBLING
    buckets: NDArray[np.int64] = np.minimum(np.ceil(levels), _BUCKETS - 1).astype(np.int64)
    return buckets


def _percentiles_ms(counts: NDArray[np.uint32], ratios: tuple[float, ...]) -> list[float]:
    """Percentiles by nearest rank, each as the geometric middle of its bucket."""
    ranks = np.cumsum(counts)
    places = np.searchsorted(ranks, [max(1, math.ceil(ratio * int(ranks[-1]))) for ratio in ratios])
    return [
        0.0 if place == 0 else 2 ** ((int(place) - 0.5) / _PER_DOUBLING) / NS_PER_MS
        for place in places
    ]
