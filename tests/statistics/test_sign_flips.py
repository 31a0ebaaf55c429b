"""P-values by sign flips, against counting and SciPy's permutation test."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import permutation_test

from benchlab.statistics.sign_flips import sign_flip_p


@pytest.mark.parametrize("count", [1, 2, 5, 8, 11])
def test_every_flip_is_counted(count: int) -> None:
    values = np.round(np.random.default_rng(count).normal(0.5, 1, count), 1)
    signs = itertools.product((-1, 1), repeat=count)
    sums = [abs(float(np.dot(sign, values))) for sign in signs]
    expected = np.mean([each >= abs(values.sum()) - 1e-9 for each in sums])
    assert sign_flip_p(values) == expected


def test_it_agrees_with_the_permutation_test_of_scipy() -> None:
    values = np.random.default_rng(3).normal(0.4, 1, 12)
    found = permutation_test((values,), np.sum, permutation_type="samples", n_resamples=5000)
    assert sign_flip_p(values) == pytest.approx(found.pvalue)


@pytest.mark.parametrize("count", [2, 6, 20, 30])
def test_the_smallest_p_value_is_that_of_one_sign_in_all(count: int) -> None:
    assert sign_flip_p(np.arange(1, count + 1)) == 2.0 ** (1 - count)


def test_no_difference_has_a_p_value_of_one() -> None:
    assert sign_flip_p([0.0, 0.0]) == 1
    assert sign_flip_p([1.0, -1.0]) == 1


def test_more_differences_are_approximated_by_a_normal_sum() -> None:
    values = np.random.default_rng(8).normal(0.35, 1, 31)
    spread = math.sqrt(float(np.square(values).sum()))
    assert sign_flip_p(values) == pytest.approx(math.erfc(values.sum() / spread / math.sqrt(2)))
    exact, approximate = sign_flip_p(values[:30]), sign_flip_p([*values[:30], 0.0])
    assert approximate == pytest.approx(exact, rel=0.15)
