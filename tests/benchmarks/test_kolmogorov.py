"""The test of gaps can tell a Poisson process from others, and has the published values."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.kolmogorov import fit_exponential

RATE_RPS = 500.0
COUNT = 20_000


def test_poisson_is_not_rejected() -> None:
    gaps = np.random.default_rng(1).exponential(1 / RATE_RPS, COUNT)
    assert fit_exponential(gaps, RATE_RPS).p_value > 0.01


@pytest.mark.parametrize("rate_rps", [RATE_RPS * 0.97, RATE_RPS * 1.03])
def test_another_rate_is_rejected(rate_rps: float) -> None:
    gaps = np.random.default_rng(1).exponential(1 / rate_rps, COUNT)
    assert fit_exponential(gaps, RATE_RPS).p_value < 0.01


def test_an_even_schedule_is_rejected() -> None:
    fit = fit_exponential(np.full(COUNT, 1 / RATE_RPS), RATE_RPS)
    assert fit.distance == pytest.approx(1 - np.exp(-1))
    assert fit.p_value == 0


@pytest.mark.parametrize(("scaled", "p_value"), [(1.2238, 0.10), (1.3581, 0.05), (1.6276, 0.01)])
def test_critical_values(scaled: float, p_value: float) -> None:
    """Those of the limit distribution, for gaps made to be ``scaled`` / √n away."""
    count = 1_000_000
    distance = scaled / np.sqrt(count)
    levels = np.clip((np.arange(count) + 1) / count - distance, 1e-12, 1 - 1e-12)
    fit = fit_exponential(-np.log1p(-levels), 1.0)
    assert fit.distance == pytest.approx(distance, rel=1e-6)
    assert fit.p_value == pytest.approx(p_value, rel=0.02)
