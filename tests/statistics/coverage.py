"""How often the interval of a percentile holds its true value, by simulation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchlab.samples.percentile_interval import percentile_intervals
from tests.statistics.dependent import AutoRegression, Queue, Series, samples_of

__all__ = ["Coverage", "coverage"]


@dataclass
class Coverage:
    """Results of one percentile over many seeds: how many intervals there were, and held."""

    two_sided: int = 0
    two_sided_hold: int = 0
    one_sided: int = 0
    one_sided_hold: int = 0
    as_if_independent_hold: int = 0
    n_effs: list[float] = field(default_factory=list)

    @property
    def two_sided_ratio(self) -> float:
        """Share of the two-sided intervals that hold the true percentile."""
        return self.two_sided_hold / self.two_sided

    @property
    def one_sided_ratio(self) -> float:
        """Share of the lower bounds, where there are only these, that hold."""
        return self.one_sided_hold / self.one_sided

    @property
    def as_if_independent_ratio(self) -> float:
        """Share of the intervals for independent requests that hold."""
        return self.as_if_independent_hold / len(self.n_effs)


def coverage(
    process: Queue | AutoRegression,
    count: int,
    ratios: Sequence[float],
    seeds: Iterable[Sequence[int]],
) -> dict[float, Coverage]:
    """Draw ``count`` requests for each of ``seeds``, and compare with the true percentiles."""
    found = {ratio: Coverage() for ratio in ratios}
    for seed in seeds:
        series = process.draw(np.random.default_rng(seed), count)
        for interval in percentile_intervals(samples_of(series), 0, series.end_ns, ratios):
            cell, true_ns = found[interval.ratio], process.true_ns(interval.ratio)
            cell.n_effs.append(interval.n_eff)
            cell.as_if_independent_hold += _independent_holds(series, interval.ratio, true_ns)
            if interval.low_ns is None:
                continue
            if interval.high_ns is None:
                cell.one_sided += 1
                cell.one_sided_hold += interval.low_ns <= true_ns
            else:
                cell.two_sided += 1
                cell.two_sided_hold += interval.low_ns <= true_ns <= interval.high_ns
    return found


def _independent_holds(series: Series, ratio: float, true_ns: float) -> bool:
    """Whether the order statistics for independent requests hold, by the ranks around them."""
    count = len(series.latency_ns)
    half = 1.96 * math.sqrt(count * ratio * (1 - ratio))
    below = int(np.count_nonzero(series.latency_ns < true_ns))
    return count * ratio - half <= below <= count * ratio + half
