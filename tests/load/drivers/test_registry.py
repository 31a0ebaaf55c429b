"""A driver that a plan may name has a factory, and so do scenarios."""

from __future__ import annotations

from importlib import import_module

import pytest

from benchlab.load.drivers.registry import factory_of
from benchlab.plan.drivers import DRIVERS, SCENARIO_CLIENTS


@pytest.mark.parametrize("name", DRIVERS)
def test_every_driver_has_a_factory(name: str) -> None:
    assert callable(factory_of(DRIVERS[name].package))


def test_scenarios_have_a_factory() -> None:
    assert callable(factory_of("scenario"))


@pytest.mark.parametrize("name", SCENARIO_CLIENTS)
def test_every_client_of_scenarios_is_made_somewhere(name: str) -> None:
    module = import_module(f"benchlab.load.drivers.{DRIVERS[name].users}")
    assert callable(module.make_users)
