"""How well a capacity is found: 50 simulated searches of each service, with their intervals.

The services are queues in virtual time whose capacity is known: slots over service time for equal
intervals, and the rate at which the p99 of a long simulation reaches the limit for random ones. The
seeds are not those that the search was developed with.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from benchlab.analysis.capacity import conclude
from benchlab.analysis.capacity_search import CapacitySearch
from benchlab.analysis.probe import requirements_of
from tests.benchmarks.table import show
from tests.simulated_service import SimulatedService

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

SEEDS = range(9_000, 9_050)


class Case(NamedTuple):
    """A service, its capacity if that is not slots over service time, and the search."""

    name: str
    service: dict[str, Any]
    slo: str = "p99<50ms"
    budget_s: float = 120
    capacity_rps: float | None = None
    error_limit: float = 0.05


CASES = (
    Case("2 slots of 20 ms", {"slots": 2, "service_s": 0.02}),
    Case("2 slots of 20 ms, 1 in 5 spoiled", {"slots": 2, "service_s": 0.02, "spoiled_ratio": 0.2}),
    Case(
        "7 slots of 13 ms, 1 in 5 spoiled", {"slots": 7, "service_s": 0.013, "spoiled_ratio": 0.2}
    ),
    Case(
        "64 slots of 30 ms, 1 in 5 spoiled", {"slots": 64, "service_s": 0.03, "spoiled_ratio": 0.2}
    ),
    Case("fails above 83 requests/s", {"fails_above_rps": 83.0}, capacity_rps=83.0),
    Case(
        "random arrivals, 20 slots of 20 ms",
        {"slots": 20, "service_s": 0.02, "random_arrivals": True},
        budget_s=300,
        capacity_rps=931.9,
    ),
    Case(
        "random arrivals, 4 slots of 4 ms",
        {"slots": 4, "service_s": 0.004, "random_arrivals": True},
        slo="p99<20ms",
        budget_s=300,
        capacity_rps=869.9,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_interval_covers_the_capacity_in_nine_of_ten_searches(case: Case) -> None:
    requirements = requirements_of(case.slo)
    covered, wrong, errors, widths, over_s = 0, 0, [], [], []
    for seed in SEEDS:
        service = SimulatedService(seed=seed, **case.service)
        search = CapacitySearch(
            requirements,
            case.budget_s,
            random_arrivals=service.random_arrivals,
            seed=seed,
        )
        longest_s = service.search(search, requirements)
        over_s.append(service.clock_s - case.budget_s - longest_s)
        found = conclude(search)
        true = case.capacity_rps or service.capacity_rps
        is_covered = found.rate_low <= true <= (found.rate_high or np.inf)
        covered += is_covered
        errors.append(abs((found.rate_rps or 0) / true - 1))
        wrong += errors[-1] > case.error_limit and not is_covered
        widths.append((found.rate_high or np.inf) / max(found.rate_low, 1e-9) - 1)
    close = sum(error <= case.error_limit for error in errors)
    show(
        f"capacity: {case.name}",
        ["", "median", "90 %", "worst"],
        [
            ["error", *(f"{value:.2%}" for value in np.quantile(errors, [0.5, 0.9, 1]))],
            ["width of the interval", *(f"{v:.2%}" for v in np.quantile(widths, [0.5, 0.9, 1]))],
        ],
        f"{covered} of {len(SEEDS)} intervals cover it, {close} estimates are within 5 %",
    )
    assert covered >= 45
    assert close >= 45
    assert wrong <= 1
    assert max(over_s) <= 0
