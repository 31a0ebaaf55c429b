from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from benchlab.statistics.batch_means import (
    BATCHES,
    batch_of,
    effective_count,
    has_enough,
    independent_floor,
    measured_ratio,
    ranks_of,
)


def even(total: int) -> np.ndarray:
    return np.full(BATCHES, total // BATCHES)


@pytest.mark.parametrize(
    ("ratio", "floor"),
    [(0.5, 11), (0.9, 64), (0.95, 130), (0.99, 662), (0.999, 6_636), (0.01, 662)],
)
def test_floors_are_those_of_early_stopping(ratio: float, floor: int) -> None:
    """MLPerf: so many queries that two of them are above the percentile with 99 % certainty."""
    assert independent_floor(ratio) == floor
    beyond = min(ratio, 1 - ratio)
    assert stats.binom.cdf(1, floor, beyond) <= 0.01 < stats.binom.cdf(1, floor - 1, beyond)


def test_a_percentile_that_no_number_of_requests_supports_has_a_floor() -> None:
    assert independent_floor(5e-324) > 1e18


def test_effective_count_is_the_ratio_of_variances() -> None:
    """By the definition: n p (1 - p) over the variance of the batches' excess."""
    rng = np.random.default_rng(3)
    counts = rng.integers(200, 300, BATCHES)
    above = rng.binomial(counts, rng.uniform(0.02, 0.3, BATCHES))
    ratio = above.sum() / counts.sum()

    def variance(above: np.ndarray, counts: np.ndarray) -> float:
        return float(np.var(above - counts * ratio, ddof=1)) * len(counts)

    single = variance(above, counts)
    double = variance(above[::2] + above[1::2], counts[::2] + counts[1::2])
    expected = counts.sum() ** 2 * ratio * (1 - ratio) / max(single, double)
    assert effective_count(counts, counts - above, above) == pytest.approx(expected)
    assert expected < counts.sum() / 3


def test_longer_batches_count_where_neighbours_resemble_each_other() -> None:
    counts = even(32_000)
    alternating = np.where(np.arange(BATCHES) % 2, 120, 80)
    in_pairs = np.where(np.arange(BATCHES) // 2 % 2, 120, 80)
    alone = effective_count(counts, counts - alternating, alternating)
    together = effective_count(counts, counts - in_pairs, in_pairs)
    assert together == pytest.approx(alone / 2 * (32 / 31) / (16 / 15))


def test_effective_count_is_at_most_the_number_of_values() -> None:
    counts, above = even(3_200), np.full(BATCHES, 10)
    assert effective_count(counts, counts - above, above) == 3_200


def test_equal_values_count_on_neither_side() -> None:
    counts = even(3_200)
    none = np.zeros(BATCHES, dtype=np.int64)
    below = np.where(np.arange(BATCHES) % 2, 90, 10)
    assert effective_count(counts, none, none) == 3_200
    one_side = effective_count(counts, below, none)
    assert one_side == effective_count(counts, none, below)
    assert one_side < 100


def test_too_few_values_or_batches_say_nothing() -> None:
    assert not has_enough(even(319))
    assert has_enough(even(320))
    burst = np.zeros(BATCHES, dtype=np.int64)
    burst[:15] = 1_000
    assert not has_enough(burst)
    burst[:16] = 1_000
    assert has_enough(burst)


def test_batches_are_equal_parts_of_the_window() -> None:
    times_ns = np.array([-5, 1_000, 1_099, 1_100, 2_599, 4_199, 4_200, 9_999])
    assert batch_of(times_ns, 1_000, 4_200).tolist() == [0, 0, 0, 1, 15, 31, 31, 31]
    assert batch_of(times_ns[1:2], 1_000, 1_000).tolist() == [0]


def test_dependence_is_measured_where_64_values_are_beyond() -> None:
    assert measured_ratio(0.99, 6_400) == 0.99
    assert measured_ratio(0.99, 3_200) == 0.98
    assert measured_ratio(0.999, 640) == 0.9
    assert measured_ratio(0.01, 3_200) == 0.02


def test_independent_values_have_the_ranks_of_the_binomial_distribution() -> None:
    """At most a rank apart, plus 5 % for Student's t instead of the normal distribution."""
    for count, ratio in ((1_000, 0.5), (100_000, 0.9), (10_000, 0.99), (1_000_000, 0.999)):
        ranks = ranks_of(count, count, count, ratio, 0.95)
        assert ranks.low is not None
        assert ranks.high is not None
        low, high = (float(stats.binom.ppf(at, count, ratio)) for at in (0.025, 0.975))
        half = (high - low) / 2
        assert ranks.low == pytest.approx(low, abs=0.1 * half + 2)
        assert ranks.high == pytest.approx(high, abs=0.1 * half + 2)


def test_dependence_widens_the_ranks_by_the_root_of_its_factor() -> None:
    free = ranks_of(1_000_000, 1e6, 1e6, 0.9, 0.95)
    dependent = ranks_of(1_000_000, 1e4, 1e4, 0.9, 0.95)
    assert free.low is not None
    assert dependent.low is not None
    assert (900_000 - dependent.low) / (900_000 - free.low) == pytest.approx(10, rel=0.01)


def test_below_the_floor_there_is_only_a_lower_bound() -> None:
    low, high, n_eff = ranks_of(100_000, 661, 10_000, 0.99, 0.95)
    assert low is not None
    assert low < 99_000
    assert (high, n_eff) == (None, 661)
    assert ranks_of(100_000, 662, 662, 0.99, 0.95).high is not None


def test_dependence_at_p90_keeps_a_percentile_below_its_floor() -> None:
    assert ranks_of(100_000, 5_000, 400, 0.99, 0.95) == ranks_of(100_000, 400, 400, 0.99, 0.95)
    enough = ranks_of(100_000, 5_000, 700, 0.99, 0.95)
    assert (enough.high is not None, enough.n_eff) == (True, 700)
    assert ranks_of(100_000, 5_000, 1_324, 0.99, 0.95).n_eff == 5_000


@pytest.mark.parametrize("n_eff", [20, 60, 200, 600])
def test_the_lower_bound_of_few_independent_values_holds(n_eff: int) -> None:
    """By the binomial distribution: the bound is too high if too few values are below it."""
    low = ranks_of(n_eff, n_eff, n_eff, 0.99, 0.95).low
    assert low is not None
    assert stats.binom.cdf(low, n_eff, 0.99) <= 0.065


def test_nothing_is_said_of_a_low_percentile_of_hardly_any_independent_values() -> None:
    assert ranks_of(10_000, 2.5, 2.5, 0.5, 0.95)[:2] == (None, None)
    assert not math.isnan(ranks_of(10_000, 2.5, 2.5, 0.5, 0.95).n_eff)
