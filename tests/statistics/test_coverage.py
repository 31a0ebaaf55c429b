"""Intervals hold the true percentile of dependent requests; the large version is a benchmark."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchlab.samples.percentile_interval import percentile_intervals
from tests.statistics.coverage import coverage
from tests.statistics.dependent import AutoRegression, Queue, samples_of

SEEDS = [(4, number) for number in range(200)]


@pytest.mark.parametrize(
    ("process", "count"),
    [(Queue(0.5), 8_000), (AutoRegression(0.9, "pareto"), 8_000)],
    ids=["queue", "autoregression"],
)
def test_intervals_hold_where_those_of_independent_requests_do_not(
    process: Queue | AutoRegression, count: int
) -> None:
    assert count / 32 >= 10 * process.relaxation_requests
    for cell in coverage(process, count, [0.5, 0.9], SEEDS).values():
        assert cell.two_sided == len(SEEDS)
        assert cell.two_sided_ratio >= 0.92
        assert cell.as_if_independent_ratio <= 0.75


def test_below_the_floor_the_lower_bound_holds() -> None:
    cell = coverage(Queue(0.5), 2_500, [0.999], SEEDS)[0.999]
    assert cell.one_sided == len(SEEDS)
    assert cell.one_sided_ratio >= 0.93


def test_sectioning_finds_intervals_of_the_same_width() -> None:
    """Asmussen and Glynn, *Stochastic Simulation* (2007), III.5: percentiles of sections."""
    process, sections, t = Queue(0.5), 20, 2.093
    ours, theirs = [], []
    for number in range(60):
        series = process.draw(np.random.default_rng([5, number]), 40_000)
        parts = np.quantile(series.latency_ns.reshape(sections, -1), 0.9, axis=1)
        theirs.append(2 * t * float(np.std(parts, ddof=1)) / math.sqrt(sections))
        (found,) = percentile_intervals(samples_of(series), 0, series.end_ns, [0.9])
        assert found.low_ns is not None
        assert found.high_ns is not None
        ours.append(found.high_ns - found.low_ns)
    assert 0.9 <= np.median(ours) / np.median(theirs) <= 1.25
