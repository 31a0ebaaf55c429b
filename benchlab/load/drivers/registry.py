"""The classes of drivers, by name. `benchlab.plan.drivers` has their traits."""

from __future__ import annotations

from importlib import import_module

from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.driver import Driver, DriverFactory
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan

__all__ = [
    "DRIVER_CODE",
    "POLICY_CODE",
    "SCENARIO_CODE",
    "SCENARIO_POLICY_CODE",
    "make_driver",
]

DRIVER_CODE = {
    "http": "benchlab.load.drivers.wire.driver:WireDriver",
    "httpx": "benchlab.load.drivers.httpx.driver:HttpxDriver",
}
POLICY_CODE = {
    "http": "benchlab.load.drivers.wire.policy_driver:PolicyDriver",
    "httpx": "benchlab.load.drivers.httpx.policy_driver:PolicyHttpxDriver",
}
"""Those of plans whose requests may have several tries: the others pay nothing for it."""

SCENARIO_CODE = {
    "httpx": "benchlab.load.drivers.scenario.driver:ScenarioDriver",
}
SCENARIO_POLICY_CODE = {
    "httpx": "benchlab.load.drivers.scenario.policy_driver:PolicyScenarioDriver",
}


def make_driver(
    plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
) -> Driver:
    """Make the driver of ``plan`` for one worker's share; imports no other driver."""
    several = plan.transport.has_policies
    if plan.scenario is None:
        code = POLICY_CODE if several else DRIVER_CODE
    else:
        code = SCENARIO_POLICY_CODE if several else SCENARIO_CODE
    module, _, name = code[plan.driver].partition(":")
    factory: DriverFactory = getattr(import_module(module), name)
    return factory(plan, worker, run_id, source, recording)
