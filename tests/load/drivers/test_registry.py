"""A driver that a plan may name has its code, and no other has."""

from __future__ import annotations

from benchlab.load.drivers.registry import (
    DRIVER_CODE,
    POLICY_CODE,
    SCENARIO_CODE,
    SCENARIO_POLICY_CODE,
)
from benchlab.plan.drivers import DRIVERS


def test_every_driver_has_code_and_traits() -> None:
    assert list(DRIVER_CODE) == list(DRIVERS)
    able = [name for name, traits in DRIVERS.items() if traits.runs_scenarios]
    assert list(SCENARIO_CODE) == list(SCENARIO_POLICY_CODE) == able
    assert list(POLICY_CODE) == list(DRIVERS)
