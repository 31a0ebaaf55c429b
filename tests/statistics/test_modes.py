from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from benchlab.statistics.modes import BINS_PER_UNIT, find_modes


def _counts(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.bincount((np.log(np.maximum(values, 1)) * BINS_PER_UNIT).astype(np.int64))


_ONE_KIND: dict[str, Callable[[np.random.Generator, int], NDArray[np.float64]]] = {
    "exponential": lambda rng, count: rng.exponential(5e6, count),
    "lognormal": lambda rng, count: 5e6 * rng.lognormal(0, 0.5, count),
    "wide": lambda rng, count: 5e6 * rng.lognormal(0, 1.5, count),
    "narrow": lambda rng, count: 5e6 * rng.lognormal(0, 0.01, count),
    "gamma": lambda rng, count: rng.gamma(0.7, 5e6, count),
    "pareto": lambda rng, count: 1e6 * (1 + rng.pareto(1.5, count)),
    "uniform": lambda rng, count: rng.uniform(1e6, 9e6, count),
    "equal": lambda _, count: np.full(count, 5e6),
}


@pytest.mark.parametrize("count", [600, 5_000])
@pytest.mark.parametrize("kind", _ONE_KIND)
def test_one_kind_of_requests_has_one_mode(kind: str, count: int) -> None:
    for seed in range(5):
        values = _ONE_KIND[kind](np.random.default_rng(seed), count)
        assert len(find_modes(_counts(values))) == 1


@pytest.mark.parametrize(("misses", "count"), [(0.2, 600), (0.05, 5_000), (0.5, 600)])
def test_hits_and_misses_are_two_modes(misses: float, count: int) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        level = np.where(rng.random(count) < misses, 1e7, 1e6)
        hit, miss = find_modes(_counts(level * rng.lognormal(0, 0.3, count)))
        assert miss.share == pytest.approx(misses, abs=0.06)
        assert np.exp(hit.peak / BINS_PER_UNIT) == pytest.approx(1e6, rel=0.2)
        assert np.exp(miss.peak / BINS_PER_UNIT) == pytest.approx(1e7, rel=0.3)
        assert hit.end == miss.start


def test_a_few_slow_requests_are_no_mode() -> None:
    rng = np.random.default_rng(1)
    level = np.where(rng.random(5_000) < 0.01, 1e9, 1e6)
    assert len(find_modes(_counts(level * rng.lognormal(0, 0.3, 5_000)))) == 1


def test_few_values_say_nothing() -> None:
    assert find_modes(_counts(np.full(499, 1e6))) == []
