"""Percentiles with an interval that holds although requests depend on each other.

The method is that of `benchlab.statistics.batch_means`. What it takes is two order statistics and
one count by batches, which come from passes over samples, or from SQL over stored ones: the results
are the same to the nanosecond (`benchlab.store.runs.percentile_intervals`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from benchlab.displayed import Result
from benchlab.errors import InputError
from benchlab.samples.percentiles import Extent, OrderStatistics, rank_of
from benchlab.samples.samples import Samples
from benchlab.samples.statistics import DURATIONS
from benchlab.statistics.batch_means import (
    BATCHES,
    FEWEST,
    GAUGE_RATIO,
    batch_of,
    effective_count,
    has_enough,
    measured_ratio,
    ranks_of,
)
from benchlab.units import NS_PER_MS, format_ns

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ByBatch",
    "Durations",
    "PercentileInterval",
    "check_duration",
    "intervals_of",
    "percentile_intervals",
]


@dataclass(frozen=True, slots=True)
class PercentileInterval(Result):
    """A percentile of a run's requests, and the interval that its true value is in.

    The interval covers what would vary if *this run* went on longer, with the probability
    ``level``; it knows nothing of how much runs differ from each other. ``high_ns`` is None where
    only a lower bound can be given, which then alone has the ``level``; both are None where nothing
    can be said. ``n_eff`` is the number of independent requests that would say as much as the
    ``count`` requests do; 0 if it is not known.
    """

    ratio: float
    level: float
    value_ns: int | None
    low_ns: int | None
    high_ns: int | None
    n_eff: float
    count: int

    @property
    def is_two_sided(self) -> bool:
        """Whether there is a limit on either side."""
        return self.low_ns is not None and self.high_ns is not None

    def describe(self) -> str:
        """The limits for people: ``1.20 ms to 1.40 ms``, ``≥ 1.20 ms``, or a dash.

        >>> PercentileInterval(0.99, 0.95, 1_300_000, 1_200_000, None, 80.0, 5000).describe()
        '≥ 1.20 ms'
        """
        if self.low_ns is None:
            return "–"
        if self.high_ns is None:
            return f"≥ {format_ns(self.low_ns)}"
        return f"{format_ns(self.low_ns)} to {format_ns(self.high_ns)}"

    def to_dict(self) -> dict[str, Any]:
        """The fields as a JSON-ready dict; an unknown ``n_eff`` is None."""
        return {
            "ratio": self.ratio,
            "level": self.level,
            "value_ns": self.value_ns,
            "low_ns": self.low_ns,
            "high_ns": self.high_ns,
            "n_eff": self.n_eff or None,
            "count": self.count,
        }

    def to_pandas(self) -> pd.DataFrame:
        """A one-row frame of the fields, in ms."""
        import pandas as pd

        row = self.to_dict()
        for name in ("value", "low", "high"):
            value_ns = row.pop(f"{name}_ns")
            row[f"{name}_ms"] = None if value_ns is None else value_ns / NS_PER_MS
        return pd.DataFrame([row])


class Durations(Protocol):
    """Durations that are somewhere: in samples, or in a store."""

    @property
    def count(self) -> int:
        """How many there are."""

    def at(self, ranks: Iterable[int]) -> Mapping[int, int]:
        """The durations of these ranks, counted from 0 at the lowest."""

    def by_batch(self, limits: Sequence[int]) -> ByBatch:
        """How many durations are on either side of each of ``limits``, by `batch_of`."""


class ByBatch(NamedTuple):
    """Numbers of durations: in each batch, and of those the ones below and above each limit.

    ``counts`` has `BATCHES` numbers, the others a row of as many for each limit.
    """

    counts: NDArray[np.int64]
    below: NDArray[np.int64]
    above: NDArray[np.int64]


def percentile_intervals(
    samples: Samples,
    start_ns: int,
    end_ns: int,
    ratios: Sequence[float],
    level: float = 0.95,
    *,
    duration: str = "latency",
    ordered: OrderStatistics | None = None,
) -> list[PercentileInterval]:
    """The percentiles at ``ratios`` of a duration of ``samples``, each with its interval.

    The samples were intended in the window from ``start_ns`` to ``end_ns``. ``ordered`` saves
    sorting the durations again.

    Raises:
        InputError: a ratio or the level is not between 0 and 1, or the duration is unknown.
    """
    check_duration(duration)
    found = _OfSamples(samples, start_ns, end_ns, f"{duration}_ns", ordered)
    return intervals_of(found, ratios, level)


def intervals_of(
    durations: Durations, ratios: Sequence[float], level: float
) -> list[PercentileInterval]:
    """The percentiles at ``ratios`` of ``durations``, each with its interval.

    Raises:
        InputError: a ratio or the level is not between 0 and 1.
    """
    for field, value in (*(("ratio", ratio) for ratio in ratios), ("level", level)):
        if not _is_share(value):
            raise InputError(
                "is not between 0 and 1", field=field, value=value, remedy="0.99 is 99 %"
            )
    count = durations.count
    if count == 0:
        return [PercentileInterval(ratio, level, None, None, None, 0.0, 0) for ratio in ratios]
    ranks = [rank_of(ratio, count) for ratio in ratios]
    if count < FEWEST:
        return _unlimited(durations, ranks, ratios, level)
    measured = [rank_of(measured_ratio(ratio, count), count) for ratio in (*ratios, GAUGE_RATIO)]
    exact = durations.at({*ranks, *measured})
    places = sorted({exact[rank] for rank in measured})
    counts, below, above = durations.by_batch(places)
    if not has_enough(counts):
        return _unlimited(durations, ranks, ratios, level)
    effective = {
        place: effective_count(counts, *sides)
        for place, *sides in zip(places, below, above, strict=True)
    }
    *n_effs, gauge = (effective[exact[rank]] for rank in measured)
    limits = [
        ranks_of(count, n_eff, gauge, ratio, level)
        for ratio, n_eff in zip(ratios, n_effs, strict=True)
    ]
    found = durations.at({rank for pair in limits for rank in pair[:2] if rank is not None})
    return [
        PercentileInterval(
            ratio,
            level,
            exact[rank],
            None if low is None else found[low],
            None if high is None else found[high],
            n_eff,
            count,
        )
        for ratio, rank, (low, high, n_eff) in zip(ratios, ranks, limits, strict=True)
    ]


def _is_share(value: object) -> bool:
    return isinstance(value, Real) and 0 < float(value) < 1


def check_duration(duration: str) -> None:
    """Refuse what is not one of `DURATIONS`.

    Raises:
        InputError: it is not.
    """
    if duration not in DURATIONS:
        raise InputError(
            "is not a duration of a request",
            field="duration",
            value=duration,
            remedy=f"choose one of {', '.join(DURATIONS)}",
        )


def _unlimited(
    durations: Durations, ranks: Sequence[int], ratios: Sequence[float], level: float
) -> list[PercentileInterval]:
    """The percentiles alone: too few requests, or in too few of the batches."""
    exact = durations.at(set(ranks))
    return [
        PercentileInterval(ratio, level, exact[rank], None, None, 0.0, durations.count)
        for ratio, rank in zip(ratios, ranks, strict=True)
    ]


class _OfSamples:
    """A duration of samples, in passes over their blocks."""

    def __init__(
        self,
        samples: Samples,
        start_ns: int,
        end_ns: int,
        column: str,
        ordered: OrderStatistics | None,
    ) -> None:
        self._times = samples.in_blocks("intended_ns")
        self._values = samples.in_blocks(column)
        self._window = (start_ns, end_ns)
        if ordered is None and (extent := Extent.of(self._values)) is not None:
            ordered = OrderStatistics(self._values, extent)
        self._ordered = ordered

    @property
    def count(self) -> int:
        return len(self._values)

    def at(self, ranks: Iterable[int]) -> Mapping[int, int]:
        return self._ordered.at(ranks) if self._ordered is not None else {}

    def by_batch(self, limits: Sequence[int]) -> ByBatch:
        """Count in classes: below, equal to or above each of m limits are 2 m + 1 of them."""
        ordered = np.array(limits, dtype=np.int64)
        classes = 2 * len(ordered) + 1
        table = np.zeros(BATCHES * classes, dtype=np.int64)
        for times, values in zip(self._times, self._values, strict=True):
            place = np.searchsorted(ordered, values, "left")
            place += np.searchsorted(ordered, values, "right")
            place += batch_of(times, *self._window) * classes
            table += np.bincount(place, minlength=len(table))
        up_to = np.cumsum(table.reshape(BATCHES, classes), axis=1)
        counts = up_to[:, -1]
        return ByBatch(counts, up_to[:, :-1:2].T, (counts[:, np.newaxis] - up_to[:, 1::2]).T)
