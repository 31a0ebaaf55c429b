"""Shares of dependent requests."""

from __future__ import annotations

import numpy as np
import pytest

from benchlab.statistics.attained_share import (
    independent_count,
    probability_attained,
    share_confidence,
)
from benchlab.statistics.proportions import wilson_interval


def test_independent_requests_say_as_much_as_they_are() -> None:
    rng = np.random.default_rng(1)
    counts = np.full(30, 200)
    found = [independent_count(rng.binomial(200, 0.9, 30), counts) for _ in range(200)]
    assert 0.85 * 6000 < np.mean(found) <= 6000


def test_requests_that_fail_together_say_less() -> None:
    rng = np.random.default_rng(2)
    counts = np.full(30, 200)
    # ten at a time: an effective number of a tenth
    found = [independent_count(10 * rng.binomial(20, 0.9, 30), counts) for _ in range(200)]
    assert 500 < np.median(found) < 760


@pytest.mark.parametrize(("met", "expected"), [(200, 6000.0), (0, 6000.0)])
def test_where_all_or_none_met_it_nothing_shows_dependence(met: int, expected: float) -> None:
    assert independent_count(np.full(30, met), np.full(30, 200)) == expected


def test_empty_batches_do_not_count() -> None:
    assert independent_count(np.zeros(30, np.int64), np.zeros(30, np.int64)) == 0


@pytest.mark.parametrize("hits", [400, 396, 390, 380, 300])
@pytest.mark.parametrize("required", [0.9, 0.95, 0.99])
def test_the_confidence_is_the_inversion_of_wilsons_interval(hits: int, required: float) -> None:
    low, high = wilson_interval(hits, 400, 0.95)
    confidence = share_confidence(hits / 400, required, 400)
    assert (confidence > 0.975) == (low > required)
    assert (confidence < 0.025) == (high < required)


def test_the_probability_is_that_of_a_simulation() -> None:
    rng = np.random.default_rng(3)
    good = rng.random(400_000) < 0.5
    share = np.where(good, rng.uniform(0.99, 1, good.size), rng.uniform(0, 0.99, good.size))
    seen = rng.binomial(50, share)
    for hits in (50, 49):
        expected = good[seen == hits].mean()
        assert probability_attained(hits / 50, 0.99, 50) == pytest.approx(expected, abs=0.01)


def test_without_requests_nothing_is_known() -> None:
    assert share_confidence(0.0, 0.99, 0) == probability_attained(0.0, 0.99, 0) == 0.5


def test_an_extreme_share_of_very_many_is_certain() -> None:
    assert probability_attained(0.2, 0.99, 1e6) == 0.0
    assert probability_attained(1.0, 0.99, 1e6) == 1.0
