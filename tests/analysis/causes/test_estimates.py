"""What a cause says of itself: period, length, capacity, share, ns per byte, against the truth.

The causes are strong by construction, in a service that is steady otherwise: every seed counts.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchlab.analysis.causes.find import find_causes
from benchlab.samples.samples import ErrorKind
from tests.analysis.causes.world import MS, Simulated, World, carry_out, draw_world

_SEEDS = range(7000, 7004)


def _world(seed: int) -> World:
    """A steady service at 400 requests/s, without hiccups of its machine."""
    world = draw_world(np.random.default_rng(seed), (400, 401))
    world.length, world.poisson, world.base, world.sigma = 10.0, True, 4 * MS, 0.15
    world.hiccups, world.spans, world.endpoints, world.instances = 0.0, 0.0, 1, 1
    return world


def _numbers(made: Simulated, cause: str) -> dict[str, float]:
    first = find_causes(made.run, made.spans)[0]
    assert first.cause == cause
    return dict(first.evidence[0].numbers)


@pytest.mark.parametrize("seed", _SEEDS)
def test_a_stall_has_its_moment_and_its_length(seed: int) -> None:
    world = _world(seed)
    at, length = float(world.rng.uniform(1, 8)), float(world.rng.uniform(0.2, 0.8))
    world.server_freezes.append((at, length))
    found = _numbers(carry_out(world, ("stall",)), "stall")
    assert found["length_ns"] == pytest.approx(length * 1e9, rel=0.05, abs=15e6)
    assert found["start_ns"] == pytest.approx(at * 1e9, abs=15e6)


@pytest.mark.parametrize("seed", _SEEDS)
def test_pauses_have_their_period_and_length(seed: int) -> None:
    world = _world(seed)
    period, length = float(world.rng.uniform(0.4, 1.2)), float(world.rng.uniform(0.05, 0.12))
    for at in np.arange(0.3, world.length, period).tolist():
        world.server_freezes.append((at, length))
    found = _numbers(carry_out(world, ("periodic_pause",)), "periodic_pause")
    assert found["period_ns"] == pytest.approx(period * 1e9, rel=0.02)
    assert found["length_ns"] == pytest.approx(length * 1e9, rel=0.1, abs=5e6)


@pytest.mark.parametrize("seed", _SEEDS)
def test_a_queue_has_its_capacity(seed: int) -> None:
    world = _world(seed)
    mean = float(world.rng.uniform(0.85, 0.92)) / world.rate
    world.base, world.slots = 1 * MS, 1
    world.slot_time = lambda arrived: world.rng.exponential(mean, len(arrived))
    found = _numbers(carry_out(world, ("queueing",)), "queueing")
    assert found["capacity_rps"] == pytest.approx(1 / mean, rel=0.25)


@pytest.mark.parametrize("seed", _SEEDS)
def test_payloads_have_their_cost_per_byte(seed: int) -> None:
    world = _world(seed)
    each = float(world.rng.uniform(100, 1000)) * 1e-9
    world.sizes = np.linspace(1_000, 100_000, 20).astype(np.int64)
    world.extra.append(lambda arrived: np.asarray(arrived.bytes_in * each, dtype=np.float64))
    found = _numbers(carry_out(world, ("payload_size",)), "payload_size")
    assert found["ns_per_byte"] == pytest.approx(each * 1e9, rel=0.1)


@pytest.mark.parametrize("seed", _SEEDS)
def test_modes_have_their_shares(seed: int) -> None:
    world = _world(seed)
    share = float(world.rng.uniform(0.05, 0.3))
    world.extra.append(
        lambda arrived: np.where(world.rng.random(len(arrived)) < share, 25 * MS, 0.0)
    )
    found = _numbers(carry_out(world, ("bimodal",)), "bimodal")
    assert found["slow_share_ratio"] == pytest.approx(share, rel=0.2)


@pytest.mark.parametrize("seed", _SEEDS)
def test_an_overloaded_rate_limit_is_a_plateau(seed: int) -> None:
    world = _world(seed)
    every = int(world.rng.integers(2, 6))  # of so many requests one is refused
    status, kind = [(429, ErrorKind.STATUS), (200, ErrorKind.GRPC_RESOURCE_EXHAUSTED)][seed % 2]
    world.errors = lambda arrived: (np.arange(len(arrived)) % every == 0, status, kind)
    found = find_causes(carry_out(world, ("errors",)).run)[0]
    limits = [part.numbers["limit_rps"] for part in found.evidence if "limit_rps" in part.numbers]
    assert limits == [pytest.approx(world.rate * (1 - 1 / every), rel=0.1)]
