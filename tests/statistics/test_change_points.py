"""Change points: known series, pure noise, and steps of a known size.

The series with changes at 5 and 8, and at 10, are those of Apache Otava's tests; the steps that an
L1 fit finds are those of the tests of airspeed velocity. More seeds are in tests/benchmarks.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from benchlab.statistics.change_points import Change, best_segments, change_points, energy_split

Values = NDArray[np.float64]

TWO_STEPS = [0.3, 2.4, 1.5, -0.9, -0.5, 99.7, 98.3, 99.1, 149.0, 149.7, 149.5, 149.1, 148.8, 150.0]
HALVED = [
    *(1.02, 0.95, 0.99, 1.00, 1.12, 1.00, 1.01, 0.98, 1.01, 0.96),
    *(0.50, 0.51, 0.48, 0.48, 0.55, 0.50, 0.49, 0.51, 0.50, 0.49),
]


def places(found: list[Change]) -> list[int]:
    return [change.index for change in found]


def slow_energy(values: Values, split: int) -> float:
    """The statistic of Matteson and James, by its definition."""
    left, right = values[:split], values[split:]
    m, n = len(left), len(right)
    across = np.mean([abs(x - y) for x in left for y in right])
    within = [
        np.mean([abs(part[i] - part[k]) for i in range(len(part)) for k in range(i)])
        for part in (left, right)
    ]
    return float(m * n / (m + n) * (2 * across - sum(within)))


def test_the_energy_distance_is_that_of_its_definition() -> None:
    values = np.random.default_rng(4).normal(size=17)
    expected = {split: slow_energy(values, split) for split in range(3, 15)}
    index, distance = energy_split(values, np.ones(17))
    assert index == max(expected, key=lambda split: expected[split])
    assert distance == pytest.approx(max(expected.values()))


def test_a_weight_of_two_is_that_value_twice_across_a_split() -> None:
    values = np.array([0.0, 1, 0, 1, 5, 6, 5, 6])
    index, distance = energy_split(values, np.ones(8))
    assert (index, energy_split(values, np.full(8, 3.0))[0]) == (4, 4)
    assert distance > 0


def test_series_with_known_changes() -> None:
    assert places(change_points(TWO_STEPS, max_p=0.05, correlation=0)) == [5, 8]
    assert places(change_points(np.log(HALVED))) == [10]
    assert places(change_points(HALVED)) == [10]


def test_the_second_detector_finds_known_steps() -> None:
    assert best_segments(np.repeat([1.0, 2, 3], 3), 0.1) == [3, 6]
    assert best_segments(np.repeat([1.0, 2, 3], 3), 8.0) == []
    rng, place = np.random.default_rng(1234), np.arange(100)
    steps = ((5, 0.4), (10, 0.9), (20, -0.2), (50, 0.2), (70, 1.1))
    values = sum(size * (place >= start) for start, size in steps) + 0.05 * rng.random(100)
    assert best_segments(values, 0.1) == [5, 10, 20, 50, 70]
    noise = 5 * rng.normal(size=3000) + (np.arange(3000) >= 2500)
    assert best_segments(noise, 3 * np.log(3000) * 25) == []


@pytest.mark.parametrize("penalty", [0.3, 1.0, 3.0])
def test_no_other_segments_cost_less(penalty: float) -> None:
    rng = np.random.default_rng(round(10 * penalty))
    for count in range(3, 13):
        values = rng.normal(10, 1, count) + 2 * (np.arange(count) >= rng.integers(count))
        splits = [
            found
            for number in range(count // 3)
            for found in combinations(range(3, count - 2), number)
            if all(end - start >= 3 for start, end in pairwise([0, *found, count]))
        ]

        def cost(found: Sequence[int], values: Values = values) -> float:
            parts = np.split(values, found)
            return sum(part.var() * len(part) for part in parts) + penalty * len(found)

        assert tuple(best_segments(values, penalty)) == min(splits, key=cost)


def test_a_slow_drift_beside_a_step_is_worth_no_penalty() -> None:
    place = np.arange(1000)
    values = 0.2 * np.cos(place / 100) + (place >= 500)
    assert best_segments(values, 25.0) == [500]


def test_steps_after_each_other_are_all_found() -> None:
    levels = np.repeat([0.0, 0.5, 0.2, 0.9], 25)
    values = levels + np.random.default_rng(8).normal(0, 0.03, 100)
    assert places(change_points(values)) == [25, 50, 75]


def test_one_or_two_unusual_runs_are_not_a_change() -> None:
    rng = np.random.default_rng(3)
    for first, count in ((30, 1), (30, 2), (58, 2), (59, 1)):
        values = rng.normal(0, 0.03, 60)
        values[first : first + count] += 2.0
        assert change_points(values) == []


def test_a_change_is_named_with_the_third_run_after_it() -> None:
    values = np.concatenate([np.random.default_rng(5).normal(0, 0.03, 40), [0.5] * 6])
    assert change_points(values[:42]) == []
    (change,) = change_points(values)
    assert (change.first, change.index, change.last) == (40, 40, 40)
    assert change.named_at in (42, 43)
    assert change.difference == pytest.approx(0.5, abs=0.02)


def test_what_was_named_stays_named_whatever_comes_later() -> None:
    rng = np.random.default_rng(21)
    values = rng.normal(0, 0.03, 90) + 0.08 * (np.arange(90) >= 30) - 0.1 * (np.arange(90) >= 60)
    named: list[int] = []
    for end in (25, 34, 40, 62, 66, 90):
        found = [change.named_at for change in change_points(values[:end])]
        assert found[: len(named)] == named
        named = found
    assert len(named) == 2


def test_a_small_change_is_not_named() -> None:
    values = np.random.default_rng(6).normal(0, 0.001, 60) + 0.015 * (np.arange(60) >= 30)
    assert len(change_points(values)) == 1
    assert change_points(values, min_difference=0.02) == []


def test_imprecise_runs_count_less() -> None:
    rng = np.random.default_rng(7)
    values = rng.normal(0, 0.01, 40)
    errors = np.full(40, 0.005)
    values[30:36], errors[30:36] = values[30:36] + 0.3, 1.0
    assert change_points(values, errors) == []
    assert places(change_points(values))[:1] == [30]


def test_values_without_noise_change_where_they_change() -> None:
    assert change_points([1.0] * 40) == []
    assert places(change_points([1.0] * 30 + [2.0] * 6)) == [30]
    assert change_points([]) == []


def test_pure_noise_has_no_changes() -> None:
    """A small version; tests/benchmarks has 200 series of each kind of noise."""
    alarms = 0
    for seed in range(12):
        rng = np.random.default_rng(880_000 + seed)
        for values in (
            rng.normal(size=100),
            rng.standard_t(3, 100),
            np.log(rng.lognormal(size=100)),
        ):
            alarms += bool(change_points(0.03 * values))
    assert alarms <= 3


def test_runs_that_begin_to_differ_more_are_no_new_level() -> None:
    """Of 40 such series 17 had a change before each side was given its own noise, and now 9."""
    spread = np.where(np.arange(100) < 50, 0.02, 0.08)
    alarms = 0
    for seed in (5, 13, 16, 18, 24, 25):
        alarms += bool(change_points(np.random.default_rng(seed).normal(0, 1, 100) * spread))
    assert alarms <= 2


def test_a_step_of_ten_percent_is_found_within_three_percent_of_noise() -> None:
    hits = 0
    for seed in range(6):
        values = np.random.default_rng(990_000 + seed).normal(0, 0.03, 70)
        found = change_points(values + np.log(1.1) * (np.arange(70) >= 40))
        hits += any(change.first <= 40 <= change.last for change in found)
    assert hits >= 5
