"""Intervals by Student's t, against SciPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from benchlab.statistics.estimates import Student, half_samples, halves, pooled_difference, welch

BASE, NEW = [4.1, 5.0, 4.6, 4.4], [5.2, 6.1, 5.0, 6.6, 5.9]


@pytest.mark.parametrize(("method", "equal"), [(welch, False), (pooled_difference, True)])
def test_two_samples_agree_with_scipy(method: Callable[..., Student], equal: bool) -> None:
    found, expected = method(BASE, NEW), ttest_ind(NEW, BASE, equal_var=equal)
    assert found.p_value() == pytest.approx(expected.pvalue)
    assert found.freedom == pytest.approx(expected.df)
    interval = expected.confidence_interval(0.95)
    assert found.interval(0.95) == pytest.approx((interval.low, interval.high))


def test_single_values_take_their_variance_from_other_groups() -> None:
    found = pooled_difference([1.0], [2.0], [0.0, 1.0, 2.0])
    assert (found.estimate, found.freedom) == (1.0, 2)
    assert found.error == pytest.approx(2**0.5)


def test_values_that_do_not_vary_have_an_interval_of_no_width() -> None:
    found = welch([2.0, 2.0], [3.0, 3.0, 3.0])
    assert found == Student(1.0, 0.0, 3.0)
    assert found.interval(0.95) == (1.0, 1.0)
    assert (found.p_value(1.0), found.p_value(0.5)) == (1.0, 0.0)


@pytest.mark.parametrize("count", [2, 5, 8])
def test_half_samples_of_a_mean_give_its_standard_error(count: int) -> None:
    values = np.random.default_rng(count).exponential(size=count)
    found = half_samples(values.mean(), [values[kept].mean() for kept in halves(count)], count)
    assert found.error == pytest.approx(values.std(ddof=1) / np.sqrt(count))
    assert found.freedom == count - 1


def test_many_groups_have_halves_that_are_drawn_and_always_the_same() -> None:
    found = halves(21)
    assert (found.sum(axis=1) == 11).all()
    assert len(np.unique(found, axis=0)) == len(found) == 256
    assert (found == halves(21)).all()


def test_half_samples_cover_the_ratio_of_two_percentiles_of_groups() -> None:
    rng, covered, groups, size = np.random.default_rng(99), 0, 20, 100
    kept = halves(groups)[:64]  # fewer, which is quicker

    def log_ratio(pair: NDArray[np.float64]) -> float:
        base, new = np.sort(pair.reshape(2, -1))[:, int(0.9 * pair[0].size)]
        return float(np.log(new / base))

    for _ in range(120):
        levels = np.exp(0.2 * rng.standard_normal((groups, 1)))
        pair = levels * rng.exponential(size=(2, groups, size))
        of_halves = [log_ratio(pair[:, each]) for each in kept]
        low, high = half_samples(log_ratio(pair), of_halves, groups).interval(0.95)
        covered += low <= 0 <= high
    assert covered >= 0.92 * 120
