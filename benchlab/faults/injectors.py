"""Which injector a fault needs. They are loaded only by runs that need them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final, cast

from benchlab.faults.injector import Injector
from benchlab.plan.plan import Plan

__all__ = ["make_injectors"]

_INJECTORS: Final[Mapping[str, tuple[str, str]]] = {
    "target": ("benchlab.faults.target", "TargetInjector"),
    "proxy": ("benchlab.faults.proxy", "ProxyInjector"),
    "process": ("benchlab.faults.process", "ProcessInjector"),
}


def make_injectors(plan: Plan) -> dict[str, Injector]:
    """An injector for each kind of place at which ``plan`` has faults."""
    made: dict[str, Injector] = {}
    for where, (module, name) in _INJECTORS.items():
        if own := [fault for fault in plan.faults if fault.where == where]:
            kind = getattr(import_module(module), name)
            made[where] = cast(Injector, kind(plan, own))
    return made
