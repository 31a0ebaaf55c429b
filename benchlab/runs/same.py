"""Whether runs can be compared: the same plan, carried out on the same host."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from benchlab.plan.plan import Plan
from benchlab.plan.redacted import redacted_plan
from benchlab.runs.cluster import machines_of

__all__ = [
    "Difference",
    "HasSetup",
    "host_differences",
    "is_same_host",
    "is_same_plan",
    "plan_differences",
]

_HOST = ("cpu_model", "cpu_count", "cpu_usable", "cpu_quota", "kernel", "python", "packages")
_MISSING = "nothing"
_LONGEST = 80  # characters of a value


class HasSetup(Protocol):
    """What says how a run was made: a `Run` and a `RunHead` do."""

    @property
    def plan(self) -> Plan:
        """The plan that was carried out."""

    @property
    def environment(self) -> Mapping[str, Any]:
        """The machine and the software that carried it out."""


class Difference(NamedTuple):
    """A field that two runs disagree on, and the value of each as text, credentials hidden."""

    field: str
    base: str
    new: str

    def __str__(self) -> str:
        return f"{self.field}: {self.base} and {self.new}"


def plan_differences(base: HasSetup, new: HasSetup) -> list[Difference]:
    """What of the requests, load, timeouts and seed of two runs differs; empty for the same plan.

    Names, tags, objectives, length, warm-up and workers may differ. Credentials are not compared,
    since stored runs have none. Of imported runs the tool and the names of the endpoints are
    compared, and nothing else: what was intended is unknown.
    """
    return list(_compared(_plan_setup(base.plan), _plan_setup(new.plan)))


def is_same_plan(base: HasSetup, new: HasSetup) -> bool:
    """Whether two runs have the same requests, load, timeouts and seed."""
    return not plan_differences(base, new)


def host_differences(base: HasSetup, new: HasSetup) -> list[Difference]:
    """What of the processor, cores, kernel and versions of two hosts differs; empty for the same.

    The name of a host says nothing about what it can do, and is not compared. Of the machines of
    imported runs nothing is known: they never differ. Of a run that a cluster made, its hosts are
    compared and not the parent's machine: how many there are of each kind, in any order.
    """
    if base.plan.load.is_imported and new.plan.load.is_imported:
        return []
    clusters = [machines_of(run.environment) for run in (base, new)]
    if any(clusters):
        return list(_cluster_differences(base.environment, new.environment))
    return list(_compared(_host_setup(base.environment), _host_setup(new.environment)))


def is_same_host(base: HasSetup, new: HasSetup) -> bool:
    """Whether two runs were made by the same processor, cores, kernel and versions."""
    return not host_differences(base, new)


def _plan_setup(plan: Plan) -> dict[str, Any]:
    if plan.load.is_imported:
        names = sorted({request.name for request in plan.requests})
        return {"tool": getattr(plan.load, "source", ""), "endpoints": names}
    whole = redacted_plan(plan.to_dict())
    kept = ("requests", "scenario", "load", "timeout_s", "drain_s", "seed")
    setup = {name: whole[name] for name in kept}
    if plan.load.has_schedule:  # else the load itself has the number of connections
        setup["max_connections"] = plan.max_connections
    if plan.streams > 1:
        setup["streams"] = plan.streams
    return setup


def _host_setup(environment: Mapping[str, Any]) -> dict[str, Any]:
    return {name: environment.get(name) for name in _HOST}


def _cluster_differences(base: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    """Where two sets of machines differ; one machine counts as a set of one."""
    sets = [_kinds(environment) for environment in (base, new)]
    if sets[0] == sets[1]:
        return
    sizes = [sum(kinds.values()) for kinds in sets]
    if sizes[0] != sizes[1]:
        yield Difference("machines", *map(str, sizes))
    mine, theirs = (sorted((sets[a] - sets[b]).elements()) for a, b in ((0, 1), (1, 0)))
    # Each machine that only one of them has, beside one that only the other has: of many like it,
    # one stands for all.
    pairs = dict.fromkeys(zip(mine, theirs, strict=False))
    found = (item for pair in pairs for item in _compared(*map(json.loads, pair)))
    yield from dict.fromkeys(found)


def _kinds(environment: Mapping[str, Any]) -> Counter[str]:
    """How many machines there are of each kind; several hosts on one machine are one."""
    machines = {machine.get("host"): machine for machine in machines_of(environment)}
    found = machines.values() or [environment]
    return Counter(json.dumps(_host_setup(machine), sort_keys=True) for machine in found)


def _compared(base: Any, new: Any, field: str = "") -> Iterator[Difference]:
    """Where two JSON-like values differ, named as deep as both have the same form."""
    if isinstance(base, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys([*base, *new]):
            inner = f"{field}.{name}" if field else str(name)
            yield from _compared(base.get(name), new.get(name), inner)
    elif isinstance(base, list | tuple) and isinstance(new, list | tuple) and len(base) == len(new):
        for index, pair in enumerate(zip(base, new, strict=True)):
            yield from _compared(*pair, f"{field}[{index}]")
    elif base != new:
        yield Difference(field, _shown(base), _shown(new))


def _shown(value: Any) -> str:
    text = _MISSING if value is None else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
