"""Where the code of each driver is. `benchlab.plan.drivers` has their names and traits."""

from __future__ import annotations

from importlib import import_module

from benchlab.load.arrivals.source import Source
from benchlab.load.drivers.driver import Driver, DriverFactory
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan

__all__ = ["make_driver"]

_DRIVERS = {
    "http": "benchlab.load.drivers.wire.driver:WireDriver",
    "httpx": "benchlab.load.drivers.httpx.driver:HttpxDriver",
}
_SCENARIOS = {
    "httpx": "benchlab.load.drivers.scenario.driver:ScenarioDriver",
}


def make_driver(
    plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
) -> Driver:
    """Make the driver that ``plan`` names, for one worker's share; only its code is imported."""
    drivers = _DRIVERS if plan.scenario is None else _SCENARIOS
    module, _, name = drivers[plan.driver].partition(":")
    factory: DriverFactory = getattr(import_module(module), name)
    return factory(plan, worker, run_id, source, recording)
