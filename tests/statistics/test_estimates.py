"""Intervals by Student's t, against SciPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from benchlab.statistics.estimates import Student, jackknife, pooled_difference, welch

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


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.array(NEW)
    left_out = [np.delete(values, index).mean() for index in range(len(values))]
    found = jackknife(values.mean(), left_out)
    assert found.error == pytest.approx(values.std(ddof=1) / np.sqrt(len(values)))
    assert found.freedom == len(values) - 1


def test_the_jackknife_covers_the_ratio_of_two_percentiles_of_groups() -> None:
    rng, covered, groups, size = np.random.default_rng(99), 0, 20, 100

    def log_ratio(pair: NDArray[np.float64]) -> float:
        base, new = np.sort(pair.reshape(2, -1))[:, int(0.9 * pair[0].size)]
        return float(np.log(new / base))

    for _ in range(120):
        levels = np.exp(0.2 * rng.standard_normal((groups, 1)))
        pair = levels * rng.exponential(size=(2, groups, size))
        rest = [log_ratio(np.delete(pair, index, 1)) for index in range(groups)]
        low, high = jackknife(log_ratio(pair), rest).interval(0.95)
        covered += low <= 0 <= high
    assert covered >= 0.92 * 120
