"""Intervals of shares, against published examples."""

from __future__ import annotations

import numpy as np
import pytest

from benchlab.statistics.proportions import newcombe_interval, share_variance, wilson_interval


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_wilson(hits: int, count: int, low: float, high: float) -> None:
    assert wilson_interval(hits, count, 0.95) == pytest.approx((low, high), abs=5e-5)
    found = wilson_interval(count - hits, count, 0.95)
    assert found == pytest.approx((1 - high, 1 - low), abs=5e-5)


@pytest.mark.parametrize(
    ("new", "base", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998) 873, table II, method 10
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 10), 0.6075, 1.0),
        ((0, 10), (0, 10), -0.2775, 0.2775),
    ],
)
def test_newcombe(new: tuple[int, int], base: tuple[int, int], low: float, high: float) -> None:
    assert newcombe_interval(*base, *new, 0.95) == pytest.approx((low, high), abs=5e-5)


def test_nothing_is_known_without_requests() -> None:
    assert wilson_interval(0, 0, 0.95) == (0.0, 1.0)
    assert share_variance([], []) == share_variance([3], [10]) == 0.0


def test_a_burst_of_errors_has_more_variance_than_independent_ones() -> None:
    counts = np.full(30, 100)
    burst, even = np.zeros(30), np.full(30, 10.0)
    burst[4:7] = 100
    assert share_variance(even, counts) == 0
    assert share_variance(burst, counts) > 10 * 0.1 * 0.9 / 3000
