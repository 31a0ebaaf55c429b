"""The search against services of known capacity, in virtual time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchlab.analysis.capacity import Capacity, conclude
from benchlab.analysis.capacity_search import CapacitySearch
from benchlab.analysis.probe import requirements_of
from benchlab.errors import InputError
from tests.simulated_service import SimulatedService


def found(
    *,
    budget_s: float = 120,
    slo: str = "p99<50ms",
    from_rps: float | None = None,
    to_rps: float | None = None,
    seed: int = 1,
    **service: Any,
) -> Capacity:
    """The result of a search on a service of two slots and 20 ms, or as given."""
    requirements = requirements_of(slo)
    simulated = SimulatedService(seed=seed, **service)
    search = CapacitySearch(
        requirements,
        budget_s,
        from_rps,
        to_rps,
        random_arrivals=simulated.random_arrivals,
        seed=seed,
    )
    longest_s = simulated.search(search, requirements)
    assert simulated.clock_s <= budget_s + longest_s
    return conclude(search, took_s=simulated.clock_s)


def covers(result: Capacity, rate_rps: float) -> bool:
    assert result.rate_high is not None
    return result.rate_low <= rate_rps <= result.rate_high


@pytest.mark.parametrize(("slots", "service_s"), [(2, 0.02), (7, 0.013)])
def test_the_capacity_of_a_known_service_is_found(slots: int, service_s: float) -> None:
    result = found(slots=slots, service_s=service_s)
    assert covers(result, slots / service_s)
    assert result.rate_rps == pytest.approx(slots / service_s, rel=0.02)
    assert (result.limited_by, result.low_set_by) == ("service", "p99<50ms")


def test_one_spoiled_probe_in_five_is_survived() -> None:
    results = [found(spoiled_ratio=0.2, seed=seed) for seed in range(400, 406)]
    assert sum(covers(result, 100) for result in results) >= 5
    close = [abs((result.rate_rps or 0) - 100) < 5 for result in results]
    assert sum(close) >= 5
    assert any("below the interval were bad" in " ".join(item.warnings) for item in results)


@pytest.mark.parametrize("spoiled_count", [3, 4])
def test_spoiled_probes_in_a_row_early_on_do_not_end_the_climb(spoiled_count: int) -> None:
    requirements = requirements_of("p99<50ms")
    for first in (0, 1, 2):
        service = SimulatedService(seed=first + 10)
        search = CapacitySearch(requirements, 120, seed=first)
        spoiled = range(first, first + spoiled_count)
        while (order := search.next_order(service.clock_s)) is not None:
            service.spoiled_ratio = float(len(search.probes) in spoiled)
            search.add(service.probe(order, requirements))
        result = conclude(search)
        assert covers(result, 100)
        assert result.limited_by == "budget" or result.rate_rps == pytest.approx(100, rel=0.05)


def test_random_arrivals_have_a_lower_capacity() -> None:
    # A long simulation puts the p99 of M/D/20 at 50 ms at 932 requests/s; 20 slots take 1,000.
    result = found(slots=20, service_s=0.02, random_arrivals=True, budget_s=300)
    assert covers(result, 932)
    assert result.rate_rps == pytest.approx(932, rel=0.05)


def test_a_cliff_is_found_where_it_is() -> None:
    result = found(fails_above_rps=83.0)
    assert covers(result, 83)
    assert result.limited_by == "service"
    assert covers(found(fails_above_rps=83.0, slo="error_ratio<1%"), 83)


def test_the_generators_limit_is_not_taken_for_the_services() -> None:
    result = found(generator_rps=70)
    assert result.limited_by == "generator"
    assert result.rate_high is None
    assert result.rate_rps is not None
    assert 66 < result.rate_rps <= 70
    assert 50 < result.rate_low <= result.rate_rps
    assert "limit of the load generator" in result.warnings[0]


def test_the_generators_limit_is_named_where_no_probe_was_long_enough_to_be_good() -> None:
    result = found(generator_rps=30, budget_s=12)
    assert (result.rate_rps, result.limited_by) == (None, "generator")
    assert "limit of the load generator" in result.warnings[0]


def test_a_generator_that_was_disturbed_once_has_no_limit_there() -> None:
    requirements = requirements_of("p99<50ms")
    service = SimulatedService()
    search = CapacitySearch(requirements, 120)
    while (order := search.next_order(service.clock_s)) is not None:
        service.generator_rps = 30 if len(search.probes) in (3, 8) else 1000
        search.add(service.probe(order, requirements))
    result = conclude(search)
    assert covers(result, 100)
    assert result.limited_by == "service"
    assert "2 probes of" in result.warnings[0]


@pytest.mark.parametrize("limit_rps", [100, 130])
def test_a_service_that_stays_bad_after_an_overload_says_so(limit_rps: float) -> None:
    result = found(stays_bad_above_rps=limit_rps)
    assert result.stays_bad
    assert result.rate_low == 0
    assert covers(result, 100)
    assert "does not recover from an overload" in result.warnings[0]


def test_a_service_that_is_bad_at_some_rates_only_is_bounded_by_them() -> None:
    result = found(hole_rps=(30.0, 60.0))
    assert covers(result, 30)


def test_a_service_that_is_always_bad_has_no_capacity() -> None:
    result = found(is_always_bad=True)
    assert (result.rate_rps, result.rate_low, result.limited_by) == (None, 0, "service")
    result = found(is_always_bad=True, from_rps=50)
    assert (result.rate_rps, result.rate_low) == (None, 0)
    assert min(probe.rate_rps for probe in result.probes) == 50


def test_a_service_that_is_always_good_is_limited_by_nothing() -> None:
    result = found(slots=100_000, to_rps=2000)
    assert (result.rate_rps, result.rate_high, result.limited_by) == (2000, None, "none")
    assert result.took_s < 60


def test_a_range_bounds_all_probes() -> None:
    result = found(from_rps=50, to_rps=130)
    assert all(50 <= probe.rate_rps <= 130 for probe in result.probes)
    assert covers(result, 100)


@pytest.mark.parametrize("budget_s", [0.5, 5, 20])
def test_a_small_budget_gives_a_wide_interval(budget_s: float) -> None:
    result = found(budget_s=budget_s)
    assert result.limited_by == "budget"
    high = result.rate_high
    assert result.rate_low <= 100
    assert high is None or high >= 100


def test_the_result_is_json_with_the_keys_that_are_documented() -> None:
    result = found(budget_s=20)
    data = json.loads(json.dumps(result.to_dict()))
    assert {
        "rate_rps",
        "rate_low",
        "rate_high",
        "limited_by",
        "objective",
        "probes",
        "curve",
    } <= set(data)
    assert {"rate_rps", "duration_s", "attained_ratio", "decision", "verdict"} <= set(
        data["probes"][0]
    )
    assert {item["decision"] for item in data["probes"]} <= {"good", "bad", "undecided"}
    assert data["objective"] == "p99<50ms"
    shares = [point["attained_ratio"] for point in data["curve"]]
    assert shares == sorted(shares, reverse=True)
    frame = result.to_pandas()
    assert len(frame) == len(result.probes)
    assert {"rate_rps", "latency_ms", "service_ms"} <= set(frame)


def test_a_search_without_a_probe_has_a_result() -> None:
    result = conclude(CapacitySearch(requirements_of("p99<50ms"), 1))
    assert (result.rate_rps, result.rate_low, result.rate_high) == (None, 0, None)
    assert (result.limited_by, result.curve) == ("budget", ())
    assert list(result.to_pandas()["rate_rps"]) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"budget_s": 0}, "budget_s"),
        ({"budget_s": 9, "from_rps": 50, "to_rps": 20}, "is not above the lowest rate, 50"),
        ({"budget_s": 9, "from_rps": -1}, "from_rps"),
    ],
)
def test_a_search_that_cannot_be_made_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        CapacitySearch(requirements_of("p99<50ms"), **options)
