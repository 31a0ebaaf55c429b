"""The distance of two samples: known answers, scipy's, and what a tolerance promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from benchlab.statistics.kolmogorov_smirnov import ks_distance

Values = st.lists(st.integers(0, 30), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("one", "other", "tolerance", "distance"),
    [
        ([1, 2, 3], [1, 2, 3], 0, 0),
        ([1, 2, 3], [3, 2, 1, 1, 2, 3], 0, 0),
        ([1, 2, 3, 4], [3, 4, 5, 6], 0, 0.5),
        ([1, 2, 3, 4], [3, 4, 5, 6], 1, 0.25),
        ([1, 2, 3, 4], [3, 4, 5, 6], 2, 0),
        ([1, 2], [11, 12], 0, 1),
        ([1, 2], [11, 12], 9, 0.5),
        ([5, 5, 5, 5], [4, 5, 5, 6], 0, 0.25),
        ([5, 5, 5, 5], [5, 6, 6, 6], 0, 0.75),  # all are equal, and a little off in the other
        ([5, 5, 5, 5], [5, 6, 6, 6], 1, 0),
    ],
)
def test_known_answers(one: list[int], other: list[int], tolerance: int, distance: float) -> None:
    assert ks_distance(np.array(one), np.array(other), tolerance) == distance
    assert ks_distance(np.array(other), np.array(one), tolerance) == distance


@given(Values, Values)
def test_without_a_tolerance_it_is_that_of_scipy(one: list[int], other: list[int]) -> None:
    expected = ks_2samp(one, other).statistic
    assert ks_distance(np.array(one), np.array(other)) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-9, 9)), min_size=1), st.integers(0, 9))
def test_it_is_at_most_the_share_of_pairs_that_differ_by_more(
    pairs: list[tuple[int, int]], tolerance: int
) -> None:
    """Strassen's bound: that is what the number means for times that were sent a little off."""
    one = np.array([value for value, _ in pairs])
    off = np.array([change for _, change in pairs])
    share = np.mean(np.abs(off) > tolerance)
    assert ks_distance(one, one + off, tolerance) <= share + 1e-12


@given(Values, Values)
def test_a_larger_tolerance_never_gives_a_larger_distance(one: list[int], other: list[int]) -> None:
    found = [ks_distance(np.array(one), np.array(other), tolerance) for tolerance in range(31)]
    assert found == sorted(found, reverse=True)
    assert found[-1] == 0
