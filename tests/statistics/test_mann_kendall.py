"""Oracles: pymannkendall 1.4.3, whose results are typed in, and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from benchlab.statistics.mann_kendall import mann_kendall
from benchlab.statistics.ranks import autocorrelation, mean_ranks

RISING = np.array([1.0, 3, 2, 4, 6, 5, 7, 9, 8, 12, 10, 11, 13, 12.5, 15])
TIED = np.array([5.0, 5, 6, 4, 5, 7, 6, 6, 8, 7, 7, 9, 8, 8, 10, 9, 5, 11, 10, 10])


def chirp(count: int) -> NDArray[np.float64]:
    """Values that look random and are the same everywhere."""
    index = np.arange(count)
    found: NDArray[np.float64] = np.sin(index * index * 0.37)
    return found


def remembering(count: int) -> NDArray[np.float64]:
    """Values that depend on the ones before."""
    found = np.zeros(count)
    for index, new in enumerate(chirp(count)[1:], start=1):
        found[index] = 0.8 * found[index - 1] + new
    return found


@pytest.mark.parametrize(
    ("values", "dependent", "score", "variance", "z", "p_value", "slope"),
    [
        (RISING, False, 93, 408.3333333, 4.552819266, 5.293174459e-06, 1.0),
        (RISING, True, 93, 244.1860465, 5.887452355, 3.921941882e-09, 1.0),
        (TIED, False, 121, 925.6666667, 3.944154634, 8.008197338e-05, 1 / 3),
        (remembering(60), False, 442, 24583.33333, 2.812666266, 0.004913261529, 0.0206805156),
        (remembering(60), True, 442, 11132.36350, 4.179697969, 2.918965156e-05, 0.0206805156),
    ],
)
def test_the_test_agrees_with_pymannkendall(
    values: NDArray[np.float64],
    dependent: bool,
    score: float,
    variance: float,
    z: float,
    p_value: float,
    slope: float,
) -> None:
    found = mann_kendall(values, dependent=dependent)
    assert found.score == score
    assert (found.variance, found.z, found.slope) == pytest.approx((variance, z, slope), rel=1e-8)
    assert found.p_value == pytest.approx(p_value, rel=1e-6)


def test_the_interval_of_the_slope_is_that_of_scipy_or_a_rank_wider() -> None:
    values = remembering(60)
    slopes = sorted((b - a) / (j - i) for i, a in enumerate(values) for j, b in
                    enumerate(values) if j > i)  # fmt: skip
    found = mann_kendall(values, dependent=False)
    other = stats.theilslopes(values, alpha=0.95)
    for own, known in ((found.slope_low, other.low_slope), (found.slope_high, other.high_slope)):
        apart = np.searchsorted(slopes, own) - np.searchsorted(slopes, known)
        assert abs(int(apart)) <= 1
    assert found.slope_low <= other.low_slope
    assert found.slope_high >= other.high_slope


def test_the_least_inflation_widens_the_interval() -> None:
    plain = mann_kendall(remembering(60))
    wide = mann_kendall(remembering(60), least_inflation=4.0)
    assert wide.variance == pytest.approx(4 * 24583.33333)
    assert wide.slope_low < plain.slope_low < plain.slope_high < wide.slope_high


def test_equal_values_have_no_trend() -> None:
    found = mann_kendall(np.ones(10))
    assert (found.score, found.z, found.p_value, found.slope) == (0, 0, 1, 0)


def test_ranks_are_those_of_scipy() -> None:
    assert mean_ranks(TIED).tolist() == stats.rankdata(TIED).tolist()


def test_the_autocorrelation_of_equal_values_is_none() -> None:
    assert autocorrelation(np.ones(4)).tolist() == [1, 0, 0, 0]
