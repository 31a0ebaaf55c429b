"""What was run, against what, and from where, as labelled lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from benchlab.display.text import recorded_lines, window_text
from benchlab.plan.request import Request
from benchlab.redact import header_value
from benchlab.report.page import Section
from benchlab.runs.cluster import machines_of
from benchlab.runs.origin import machine_text
from benchlab.runs.run import Run
from benchlab.units import format_bytes, format_ratio

__all__ = ["setup"]

_BODY_SHOWN = 200
_REQUESTS_SHOWN = 25

_LABELS = {
    "host": "host",
    "cpu_model": "processor",
    "cpu_count": "processor cores",
    "cpu_usable": "cores it may use",
    "cpu_quota": "cores it may keep busy",
    "cpu_governor": "frequency governor",
    "clock_source": "clock source",
    "memory_bytes": "memory",
    "load_average_before": "load average before",
    "kernel": "system",
    "python": "Python",
    "git_commit": "git commit of the working directory",
    "git_dirty": "uncommitted changes there",
}


class Fact(NamedTuple):
    """A label and its lines; ``code`` sets them in a fixed width."""

    label: str
    lines: Sequence[str]
    code: bool = False


def setup(run: Run) -> Section:
    """The plan, the target and the machine."""
    return Section(
        "setup",
        {
            "plan_facts": _plan_facts(run),
            "target_facts": _target_facts(run),
            "machine_facts": _machine_facts(run),
        },
    )


def _plan_facts(run: Run) -> list[Fact]:
    """What was sent, how and for how long."""
    plan = run.plan
    facts: list[Fact] = []
    for request in plan.requests[:_REQUESTS_SHOWN]:
        facts += _request_facts(request, named=len(plan.requests) > 1)
    if more := max(len(plan.requests) - _REQUESTS_SHOWN, 0):
        facts.append(Fact("more requests", [f"{more:,}, all of them in the plan file below"]))
    if recorded := recorded_lines(plan):
        facts.append(Fact("recording", recorded))
    facts += [
        Fact("load", [plan.load.describe()]),
        Fact("time", [window_text(run)]),
    ]
    if not run.is_imported:
        facts += _settings(run)
    if plan.abort_on:
        facts.append(Fact("stops early on", [str(item) for item in plan.abort_on], code=True))
    if plan.faults:
        facts.append(Fact("faults", [str(fault) for fault in plan.faults], code=True))
    if plan.tags:
        facts.append(Fact("tags", [f"{key} = {value}" for key, value in dict(plan.tags).items()]))
    return facts


def _settings(run: Run) -> list[Fact]:
    plan = run.plan
    return [
        Fact("connections", [_connections(run)]),
        Fact("workers", [f"{plan.workers}, driver {plan.driver}"]),
        *([Fact("transport", transport)] if (transport := plan.transport.describe()) else []),
        Fact("timeout", [f"{plan.timeout_s:g} s per request"]),
        Fact("tracing", [_tracing(plan.trace_ratio)]),
        Fact("seed", [str(plan.seed)]),
    ]


def _target_facts(run: Run) -> list[Fact]:
    """The address, and whatever the environment holds under ``target``."""
    addresses = [f"{host} port {port} ({scheme})" for scheme, host, port in run.plan.origins]
    target = run.environment.get("target")
    known = _facts(target) if isinstance(target, Mapping) else []
    servers = [Fact("says it is", run.health.servers)] if run.health.servers else []
    return [Fact("address", addresses), *servers, *known]


def _machine_facts(run: Run) -> list[Fact]:
    """The machine and the software that made the load."""
    elsewhere = ("target", "calibration", "imported", "hosts")
    known = {key: value for key, value in run.environment.items() if key not in elsewhere}
    imported = run.environment.get("imported", {})
    known |= {f"imported {key}": imported[key] for key in ("format", "file") if key in imported}
    known |= {"errors that it counted": imported.get("errors")}
    if machines_of(run.environment):
        made = Fact("load made by", [machine_text(run.environment)])
        known["the parent, which made no load"] = known.pop("host", None)
        return [made, *_facts(known)]
    return _facts(known)


def _request_facts(request: Request, *, named: bool) -> list[Fact]:
    header_name, body_name = request.part_names
    lines = [request.describe()]
    lines += [f"{name}: {value}" for name, value in request.own_settings()]
    if named:
        lines.append(f"weight {request.weight:g}")
    if request.data is not None:
        lines.append(f"data: {request.data.describe()}")
    facts = [Fact(request.name if named else "request", lines, code=True)]
    headers = [f"{name}: {header_value(name, value)}" for name, value in request.headers]
    if headers:
        facts.append(Fact(header_name, headers, code=True))
    if request.checks:
        facts.append(Fact("checks", [check.describe() for check in request.checks]))
    if body := request.body:
        shown = body[:_BODY_SHOWN].decode(errors="replace")
        more = "…" if len(body) > _BODY_SHOWN else ""
        facts.append(Fact(f"{body_name}, {format_bytes(len(body))}", [shown + more], code=True))
    return facts


def _connections(run: Run) -> str:
    plan = run.plan
    opened = sum(worker.connections_opened for worker in run.health.workers)
    limit = f"{plan.most_connections:,}"
    text = limit if not plan.load.has_schedule else f"opened as needed, at most {limit}"
    if plan.streams > 1:
        text += f", with {plan.streams:,} streams each"
    return f"{text}; {opened:,} were opened" if opened else text


def _tracing(ratio: float) -> str:
    if ratio == 0:
        return "no request asked to be traced"
    return (
        "every request asked to be traced"
        if ratio == 1
        else (f"{format_ratio(ratio)} of requests asked to be traced")
    )


def _facts(values: Mapping[str, Any]) -> list[Fact]:
    return [
        Fact(_LABELS.get(key, key.replace("_", " ")), [_text(key, value)])
        for key, value in values.items()
        if value not in (None, "", {}, [])
    ]


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(name, item)}" for name, item in value.items() if item)
    if isinstance(value, list | tuple):
        return ", ".join(_text(key, item) for item in value)
    if isinstance(value, int | float) and key.endswith("_bytes"):
        return format_bytes(value)
    return f"{value:.2f}" if isinstance(value, float) else str(value)
