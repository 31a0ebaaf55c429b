"""What a cause says of itself: period, length, capacity, share, ns per byte, against the truth."""

from __future__ import annotations

import pytest

from benchlab.analysis.causes.find import find_causes
from tests.analysis.causes.simulation import simulate
from tests.analysis.causes.world import Simulated

_SEEDS = range(9100, 9103)


def _numbers(made: Simulated, cause: str) -> dict[str, float]:
    found = [item for item in find_causes(made.run, made.spans) if item.cause == cause]
    assert found, f"{cause} is not found"
    return dict(found[0].evidence[0].numbers)


@pytest.mark.parametrize("seed", _SEEDS)
def test_a_stall_has_its_moment_and_its_length(seed: int) -> None:
    made = simulate("stall", seed)
    found = _numbers(made, "stall")
    assert found["length_ns"] == pytest.approx(made.numbers["length_ns"], rel=0.05, abs=30e6)
    assert found["start_ns"] == pytest.approx(made.numbers["at_ns"], abs=30e6)


@pytest.mark.parametrize("seed", _SEEDS)
def test_pauses_have_their_period_and_length(seed: int) -> None:
    made = simulate("periodic_pause", seed)
    found = _numbers(made, "periodic_pause")
    assert found["period_ns"] == pytest.approx(made.numbers["period_ns"], rel=0.02)
    assert found["length_ns"] == pytest.approx(made.numbers["length_ns"], rel=0.15, abs=8e6)


@pytest.mark.parametrize("seed", [9100, 9101, 9104])
def test_a_queue_has_its_capacity(seed: int) -> None:
    made = simulate("queueing", seed)
    cause = "contention" if find_causes(made.run)[0].cause == "contention" else "queueing"
    found = _numbers(made, cause)
    assert found["capacity_rps"] == pytest.approx(made.numbers["capacity_rps"], rel=0.25)


@pytest.mark.parametrize("seed", _SEEDS)
def test_payloads_have_their_cost_per_byte(seed: int) -> None:
    made = simulate("payload_size", seed)
    found = _numbers(made, "payload_size")
    assert found["ns_per_byte"] == pytest.approx(made.numbers["ns_per_byte"], rel=0.1)


@pytest.mark.parametrize("seed", [9100, 9101, 9103])
def test_modes_have_their_shares(seed: int) -> None:
    made = simulate("bimodal", seed)
    found = _numbers(made, "bimodal")
    assert found["slow_share_ratio"] == pytest.approx(made.numbers["share_ratio"], rel=0.2)


@pytest.mark.parametrize("seed", _SEEDS)
def test_an_overloaded_rate_limit_is_a_plateau(seed: int) -> None:
    for attempt in range(20):
        made = simulate("errors", seed + 100 * attempt)
        if "limit_rps" in made.numbers:
            break
    (found, *_) = find_causes(made.run, made.spans)
    limits = [part.numbers["limit_rps"] for part in found.evidence if "limit_rps" in part.numbers]
    assert limits == [pytest.approx(made.numbers["limit_rps"], rel=0.1)]
