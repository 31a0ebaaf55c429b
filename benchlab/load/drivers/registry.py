"""Make the driver that a plan names. `benchlab.plan.drivers` has the drivers' names and traits.

A driver's package has a module ``factory`` with a function ``make_driver``, a `DriverFactory`; so a
new driver is a package here, and one line there.
"""

from __future__ import annotations

from importlib import import_module

from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.driver import Driver, DriverFactory
from benchlab.load.recording.recording import Recording
from benchlab.plan.drivers import DRIVERS
from benchlab.plan.plan import Plan

__all__ = ["factory_of", "make_driver"]

_SCENARIO = "scenario"


def factory_of(package: str) -> DriverFactory:
    """The factory of a package of `benchlab.load.drivers`; imports no other driver."""
    made: DriverFactory = import_module(f"{__package__}.{package}.factory").make_driver
    return made


def make_driver(
    plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
) -> Driver:
    """Make the driver of ``plan`` for one worker's share of its connections."""
    package = DRIVERS[plan.driver].package if plan.scenario is None else _SCENARIO
    return factory_of(package)(plan, worker, run_id, source, recording)
