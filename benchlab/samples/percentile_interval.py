"""Percentiles with an interval that holds although requests depend on each other.

The method is that of `benchlab.statistics.batch_means`; here are the passes over the samples. The
store computes the same in SQL (`benchlab.store.runs.percentile_intervals`), to the nanosecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import InputError
from benchlab.samples.percentiles import Extent, OrderStatistics
from benchlab.samples.samples import Samples
from benchlab.samples.statistics import DURATIONS
from benchlab.statistics.batch_means import (
    BATCHES,
    FEWEST,
    GAUGE_RATIO,
    batch_of,
    effective_count,
    measured_ratio,
    ranks_of,
)
from benchlab.units import format_ns

__all__ = ["PercentileInterval", "percentile_intervals"]


@dataclass(frozen=True, slots=True)
class PercentileInterval:
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
    _check(ratios, level, duration)
    values = samples.in_blocks(f"{duration}_ns")
    if ordered is None:
        extent = Extent.of(values)
        if extent is None:
            return [PercentileInterval(ratio, level, None, None, None, 0.0, 0) for ratio in ratios]
        ordered = OrderStatistics(values, extent)
    count = ordered.extent.count
    exact = ordered.percentiles(ratios)
    effective = {}
    if count >= FEWEST:
        measured = [measured_ratio(ratio, count) for ratio in (*ratios, GAUGE_RATIO)]
        thresholds = ordered.percentiles(measured)
        times = samples.in_blocks("intended_ns")
        effective = _effective_counts(
            ((batch_of(at, start_ns, end_ns), of) for at, of in zip(times, values, strict=True)),
            thresholds,
        )
    if not effective:
        return [
            PercentileInterval(ratio, level, value, None, None, 0.0, count)
            for ratio, value in zip(ratios, exact, strict=True)
        ]
    *n_effs, gauge = (effective[threshold] for threshold in thresholds)
    limits = [
        ranks_of(count, n_eff, gauge, ratio, level)
        for ratio, n_eff in zip(ratios, n_effs, strict=True)
    ]
    found = ordered.at({rank for pair in limits for rank in pair[:2] if rank is not None})
    return [
        PercentileInterval(
            ratio,
            level,
            value,
            None if low is None else found[low],
            None if high is None else found[high],
            n_eff,
            count,
        )
        for ratio, value, (low, high, n_eff) in zip(ratios, exact, limits, strict=True)
    ]


def _check(ratios: Sequence[float], level: float, duration: str) -> None:
    for field, value in (*(("ratio", ratio) for ratio in ratios), ("level", level)):
        if not 0 < value < 1:
            raise InputError(
                "is not between 0 and 1", field=field, value=value, remedy="0.99 is 99 %"
            )
    if duration not in DURATIONS:
        raise InputError(
            "is not a duration of a request",
            field="duration",
            value=duration,
            remedy=f"choose one of {', '.join(DURATIONS)}",
        )


def _effective_counts(
    blocks: Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]], thresholds: Sequence[int]
) -> dict[int, float]:
    """The effective count at each threshold; empty if it cannot be said.

    ``blocks`` has the batch and the duration of each sample.
    """
    limits = np.unique(np.array(thresholds, dtype=np.int64))
    # Values are in 2 m + 1 classes: below, equal to or above each of m thresholds.
    classes = 2 * len(limits) + 1
    table = np.zeros(BATCHES * classes, dtype=np.int64)
    for batches, values in blocks:
        place = np.searchsorted(limits, values, "left") + np.searchsorted(limits, values, "right")
        table += np.bincount(batches * classes + place, minlength=len(table))
    up_to = np.cumsum(table.reshape(BATCHES, classes), axis=1)
    counts = up_to[:, -1]
    found = {}
    for number, limit in enumerate(limits.tolist()):
        n_eff = effective_count(counts, up_to[:, 2 * number], counts - up_to[:, 2 * number + 1])
        if n_eff is None:
            return {}
        found[limit] = n_eff
    return found
