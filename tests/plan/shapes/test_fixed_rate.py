"""Constant and Poisson rates, and the connections of a closed loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.plan.shapes import (
    BLOCK,
    ClosedLoop,
    ConstantRate,
    PoissonRate,
)
from benchlab.units import NS_PER_S
from tests.plan.shapes.shapes import offsets_of

durations_ns = st.integers(1, 30 * NS_PER_S)


@given(st.floats(0.01, 20_000), durations_ns)
def test_a_constant_rate_is_exact_in_count_and_spacing(rate_rps: float, duration_ns: int) -> None:
    offsets = offsets_of(ConstantRate(rate_rps), duration_ns)
    assert len(offsets) == round(rate_rps * duration_ns / NS_PER_S)
    if len(offsets):
        assert offsets[0] == 0
        assert offsets[-1] < duration_ns
        exact = np.minimum(np.arange(len(offsets)) * (NS_PER_S / rate_rps), duration_ns - 1)
        assert np.all(np.abs(offsets - exact) <= 1)


@given(st.floats(0.01, 20_000), durations_ns, st.integers(0, 2**32))
def test_poisson_arrivals_are_in_order_inside_the_phase_and_repeatable(
    rate_rps: float, duration_ns: int, seed: int
) -> None:
    offsets = offsets_of(PoissonRate(rate_rps), duration_ns, seed)
    assert np.all(np.diff(offsets) >= 0)
    assert np.all((offsets >= 0) & (offsets < duration_ns))
    assert np.array_equal(offsets, offsets_of(PoissonRate(rate_rps), duration_ns, seed))


@pytest.mark.parametrize("seed", range(5))
def test_poisson_gaps_are_exponential_with_the_right_mean(seed: int) -> None:
    rate_rps = 10_000
    offsets = offsets_of(PoissonRate(rate_rps), 20 * NS_PER_S, seed)
    expected = rate_rps * 20
    assert abs(len(offsets) - expected) < 5 * np.sqrt(expected)  # 5 σ of a Poisson count
    gaps = np.diff(offsets) / NS_PER_S * rate_rps
    assert gaps.mean() == pytest.approx(1, abs=0.02)
    assert gaps.std() == pytest.approx(1, abs=0.02)
    assert np.mean(gaps > 1) == pytest.approx(np.exp(-1), abs=0.01)


def test_another_seed_gives_other_arrivals() -> None:
    assert not np.array_equal(
        offsets_of(PoissonRate(100), NS_PER_S, 1), offsets_of(PoissonRate(100), NS_PER_S, 2)
    )


def test_a_long_schedule_comes_in_bounded_blocks() -> None:
    for load in (ConstantRate(20_000), PoissonRate(20_000)):
        sizes = [len(block) for block in load.offsets(10 * NS_PER_S, seed=1)]
        assert len(sizes) > 5
        assert max(sizes) <= BLOCK


@pytest.mark.parametrize("shape", [ConstantRate, PoissonRate])
@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), 1e8, "5", True, None])
def test_invalid_rate_error_names_it(shape: Any, rate: Any) -> None:
    with pytest.raises(InputError, match="rate_rps"):
        shape(rate)


@pytest.mark.parametrize("connections", [0, -1, 60_001, 1.0, "64", True])
def test_invalid_connections_error_names_them(connections: Any) -> None:
    with pytest.raises(InputError, match="connections"):
        ClosedLoop(connections)
