"""Hodges–Lehmann and the signed-rank distribution, against SciPy and published values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wilcoxon

from benchlab.statistics.signed_rank import SignedRank, _distribution


def test_the_published_example() -> None:
    x, y = [447, 832, 640, 286, 501, 123], [241, 608, 130, 951, 604, 690]
    found = SignedRank(np.subtract(x, y))
    assert found.estimate == -77.5
    assert found.interval(0.95) == (-665, 510)
    assert found.p_value() == 0.84375


@pytest.mark.parametrize("count", [1, 2, 6, 11, 25, 50])
def test_p_values_are_those_of_scipy(count: int) -> None:
    values = np.random.default_rng(count).normal(0.3, 1, count)
    expected = wilcoxon(values, method="exact").pvalue
    assert SignedRank(values).p_value() == pytest.approx(expected, rel=1e-9)


def test_a_center_is_outside_of_the_interval_exactly_if_its_p_value_says_so() -> None:
    for seed in range(20):
        values = np.round(np.random.default_rng(seed).normal(0, 2, 12))  # with ties
        found = SignedRank(values)
        low, high = found.interval(0.95) or (0.0, 0.0)
        for center in np.arange(-5, 5, 0.5):
            assert (found.p_value(center) <= 0.05) == (not low <= center <= high)


@pytest.mark.parametrize(("level", "fewest"), [(0.95, 6), (0.9, 5), (0.99, 8)])
def test_there_is_no_interval_of_too_few_differences(level: float, fewest: int) -> None:
    assert SignedRank(range(fewest - 1)).interval(level) is None
    assert SignedRank(range(fewest)).interval(level) == (0, fewest - 1)


def test_many_differences_use_the_normal_distribution() -> None:
    exact, approximate = _distribution(300), _distribution(301)
    assert np.abs(exact - approximate[301 // 2 :][: len(exact)]).max() < 0.01
    assert SignedRank([0.5] * 400).interval(0.95) == (0.5, 0.5)


def test_equal_differences_have_an_interval_of_no_width() -> None:
    found = SignedRank([0.0] * 20)
    assert found.interval(0.95) == (0, 0)
    assert found.p_value() == 1


@pytest.mark.parametrize("draw", ["standard_normal", "laplace", "heavy"])
def test_the_interval_covers_the_center(draw: str) -> None:
    rng = np.random.default_rng(2026)
    shape = (400, 20)
    sample = rng.standard_t(3, shape) if draw == "heavy" else getattr(rng, draw)(size=shape)
    intervals = [SignedRank(row).interval(0.95) or (1.0, 0.0) for row in sample]
    assert sum(low <= 0 <= high for low, high in intervals) >= 0.93 * len(intervals)
