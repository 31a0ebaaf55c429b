"""Where numbers come from, in a line: runs, plan, machine, noise floor, verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from benchlab.plan.plan import Plan
from benchlab.runs.cluster import machines_of
from benchlab.runs.floor import floor_of
from benchlab.text import one_line, plural
from benchlab.units import format_ms

__all__ = ["Made", "machine_text", "origin_of"]

_LISTED = 2
_PLAN_LENGTH = 160
_HOST_LENGTH = 70


class Made(Protocol):
    """A run, or what is kept of one."""

    @property
    def id(self) -> str: ...
    @property
    def plan(self) -> Plan: ...
    @property
    def environment(self) -> Mapping[str, Any]: ...
    @property
    def verdict(self) -> str: ...


def origin_of(runs: Sequence[Made]) -> str:
    """What a figure of ``runs`` says in small print, so that it can be believed by itself.

    ``run 0193f0a1b2c3d4e5 (valid) · GET http://… at … · bench-1, 2 cores · floor p50 0.60 ms, …``;
    empty without runs. Of several runs what they share is said, and else how many there are.
    """
    if not runs:
        return ""
    parts = [_runs(runs), _plan(runs), _host(runs), _floor(runs)]
    return " · ".join(part for part in parts if part)


def _runs(runs: Sequence[Made]) -> str:
    ids = sorted({run.id for run in runs})
    verdicts = Counter(run.verdict for run in runs)
    if len(verdicts) == 1:
        (verdict,) = verdicts
        shown = verdict if len(ids) == 1 else f"all {verdict}"
    else:
        shown = ", ".join(f"{count:,} {verdict}" for verdict, count in verdicts.most_common())
    if len(ids) == 1:
        return f"run {ids[0]} ({shown})"
    if len(ids) <= _LISTED:
        return f"runs {', '.join(ids)} ({shown})"
    return f"{plural(len(ids), 'run')}, {ids[0]} to {ids[-1]} ({shown})"


def _plan(runs: Sequence[Made]) -> str:
    whole = {run.plan.describe() for run in runs}
    if len(whole) == 1:
        return one_line(whole.pop(), _PLAN_LENGTH)
    requests = {run.plan.describe_requests() for run in runs}
    if len(requests) == 1:
        return one_line(requests.pop(), _PLAN_LENGTH)
    return f"{len(whole):,} plans"


def _host(runs: Sequence[Made]) -> str:
    hosts = {machine_text(run.environment) for run in runs}
    return one_line(hosts.pop(), _HOST_LENGTH) if len(hosts) == 1 else f"{len(hosts):,} machines"


def machine_text(environment: Mapping[str, Any]) -> str:
    """What made the load: a machine by its name and processor, or the kinds of a cluster's."""
    if hosts := machines_of(environment):
        kinds = Counter(_one_machine(host, named=False) for host in hosts)
        listed = ", ".join(f"{count} × {kind}" for kind, count in kinds.most_common(_LISTED))
        return f"cluster of {plural(len(hosts), 'host')}: {listed}"
    return _one_machine(environment)


def _one_machine(environment: Mapping[str, Any], *, named: bool = True) -> str:
    cores = environment.get("cpu_count")
    parts = [environment.get("host") if named else None, environment.get("cpu_model")]
    parts.append(plural(cores, "core") if isinstance(cores, int) else None)
    return ", ".join(str(part) for part in parts if part) or "unknown machine"


def _floor(runs: Sequence[Made]) -> str:
    floors = {_floor_text(run) for run in runs}
    return floors.pop() if len(floors) == 1 else "floors differ"


def _floor_text(run: Made) -> str:
    floor = floor_of(run.environment)
    if floor is None:
        return "no noise floor"
    beneath = floor.under(run.plan.load)
    return f"noise floor p50 {format_ms(beneath.p50)}, p99 {format_ms(beneath.p99)}"
