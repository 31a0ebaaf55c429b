"""Write a plan file: a `Plan` as text that can be read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from benchlab.plan.checks import check_to_dict
from benchlab.plan.feed import Feed
from benchlab.plan.grpc.descriptors import source_kind
from benchlab.plan.plan import Plan
from benchlab.plan.recorded import Recorded
from benchlab.plan.redacted import has_secrets, redacted_plan
from benchlab.plan.request import Request
from benchlab.plan.scenario import Scenario
from benchlab.redact import HIDDEN, is_secret, public_url
from benchlab.text import escaped, plural
from benchlab.units import format_duration_s

__all__ = ["plan_to_toml"]

_HEAD = "# A plan for: benchlab run FILE\n"
_AS_GIVEN = ("tags", "recorded")  # tables in which an empty text means something


def plan_to_toml(plan: Plan, most_offsets: int | None = None) -> str:
    """``plan`` as a plan file, with secrets hidden; `draft_from_toml` reads it back.

    Data that came from a file are written as the file's name. Of recorded arrivals, which may be a
    million, only the first ``most_offsets`` are written, if that is given. Comments name what is
    left out. Characters that would disturb a terminal are escaped, which changes no value.
    """
    data = redacted_plan(plan.to_dict())
    del data["length_s"]  # it follows from the rest
    notes = [_describe_count(plan)]
    offsets_s = data["load"].get("offsets_s", ())
    is_named = plan.recorded is not None and bool(plan.recorded.made_by)
    if most_offsets is not None and len(offsets_s) > most_offsets and not is_named:
        data["load"]["offsets_s"] = offsets_s[:most_offsets]
        left_out = len(offsets_s) - most_offsets
        notes.append(f"{left_out:,} more arrival times are left out: put them back before use")
    if any(request.data is not None and not request.data.rows for request in plan.requests):
        notes.append("rows of data are left out: put them back before use")
    if plan.recorded is not None:
        del data["recorded"]
        if not is_named:
            notes.append(
                "the recorded order, paths and bodies are left out: this is a mix of the endpoints,"
                " and the same plan comes from the recording only"
            )
    tables = [_request_table(item) for item in data["requests"]]
    for table, request in zip(tables, plan.requests, strict=True):
        if request.data is not None:
            table["data"] = _data_table(request.data)
    data["requests"] = tables
    data["faults"] = [_fault_table(fault) for fault in data["faults"]]
    if plan.scenario is not None:
        del data["requests"]
        data["scenario"] = _scenario_table(plan.scenario)
        if not plan.scenario.function:
            notes.append("the scenario is a function of no file: put it into one before use")
    if plan.recorded is not None and is_named:
        notes += _name_recording(data, plan, plan.recorded)
    shown = {
        key: _without_empty(value) if isinstance(value, dict) and key not in _AS_GIVEN else value
        for key, value in data.items()
    }
    if has_secrets(plan) or any(_hides_values(feed) for feed in _feeds(plan)):
        notes.append(f"{HIDDEN} stands for a secret: put it back before use")
    table = _without_empty(shown)
    if _has_null(table):
        table = _without_null(table)
        notes.append("null is left out, which TOML cannot express: keep such a plan in Python")
    import tomli_w

    head = _HEAD + "".join(f"# {note}\n" for note in notes)
    return escaped(f"{head}\n{tomli_w.dumps(table)}")


def _name_recording(data: dict[str, Any], plan: Plan, recorded: Recorded) -> list[str]:
    """Write how the recording is read again, instead of what follows from it; notes on the rest."""
    table = dict(recorded.made_by)
    data["recorded"] = table
    del data["requests"]
    # The plan may be for another service by now (plan_against).
    origins = {request.parts.netloc: request.parts for request in plan.requests}
    given = urlsplit(table["base_url"]) if isinstance(table["base_url"], str) else None
    if given is not None and len(origins) == 1:
        (parts,) = origins.values()
        if given.netloc.rpartition("@")[2] != parts.netloc or given.scheme != parts.scheme:
            moved = given._replace(scheme=parts.scheme, netloc=parts.netloc)
            table["base_url"] = moved.geturl()
    if len(data["load"].get("offsets_s", ())) == len(recorded):
        del data["load"]
    if any(_differs(request, table) for request in plan.requests):
        return ["changes of the recorded requests are left out: give them to Recording.plan"]
    return []


def _differs(request: Request, table: Mapping[str, Any]) -> bool:
    """Whether the checks or headers of a recorded endpoint are not those of the file."""
    checks = [check_to_dict(check) for check in request.checks]
    added = {"content-type", "authorization"}
    names = {name.lower() for name, _ in request.headers} - added
    given = {name.lower() for name in table.get("headers", ())} - added
    return json.loads(json.dumps(checks)) != table.get("checks", []) or names != given


def _scenario_table(scenario: Scenario) -> dict[str, Any]:
    base_url = public_url(scenario.base_url)
    table: dict[str, Any] = {"function": scenario.function, "base_url": base_url}
    if scenario.data is not None:
        table["data"] = _data_table(scenario.data)
    return {**table, "name": scenario.name}


def _describe_count(plan: Plan) -> str:
    count = plan.intended_count()
    if count is None:
        if plan.request_count is None:
            return f"a closed loop: as many {plan.scheduled_noun}s as get a response"
        count = plan.request_count
    return f"{plural(count, plan.scheduled_noun)} in the measured window"


def _feeds(plan: Plan) -> list[Feed]:
    own = () if plan.scenario is None else (plan.scenario.data,)
    found = [*(request.data for request in plan.requests), *own]
    return [feed for feed in found if feed is not None]


def _hides_values(feed: Feed) -> bool:
    """Whether rows are written, and values among them are secrets."""
    return not feed.file and any(is_secret(name) for row in feed.rows for name in row)


def _data_table(feed: Feed) -> dict[str, Any]:
    if feed.file:
        return {"file": feed.file, "pick": feed.pick}
    rows = [
        {name: HIDDEN if is_secret(name) else value for name, value in row.items()}
        for row in feed.rows
    ]
    return {"rows": rows, "pick": feed.pick, "name": feed.name}


def _request_table(request: dict[str, Any]) -> dict[str, Any]:
    pairs = request["headers"]
    if len({name.lower() for name, _ in pairs}) == len(pairs):
        request = {**request, "headers": dict(pairs)}
    return _without_empty(_call_table(request) if "grpc" in request else request)


def _call_table(request: Mapping[str, Any]) -> dict[str, Any]:
    """The table of a gRPC call; its descriptors are named, or left out if the service gave them."""
    own = {"body": "message", "headers": "metadata"}
    left_out = ("method", "grpc")
    table = {own.get(key, key): item for key, item in request.items() if key not in left_out}
    call = request["grpc"]
    return {
        **table,
        source_kind(call["source"]): call["source"],
        "import_paths": call["import_paths"],
        "deadline_s": call["deadline_s"],
        "compression": call["compression"],
    }


def _fault_table(fault: dict[str, Any]) -> dict[str, Any]:
    times = {
        name: format_duration_s(fault[f"{name}_s"])
        for name in ("at", "for")
        if fault[f"{name}_s"] is not None
    }
    rest = {key: value for key, value in fault.items() if key not in ("kind", "at_s", "for_s")}
    if rest["ratio"] == 1:
        del rest["ratio"]
    first = {"kind": fault["kind"], "amount": rest.pop("amount")}
    return _without_empty({**first, **times, **rest})


def _has_null(value: Any) -> bool:
    items = value.values() if isinstance(value, Mapping) else value
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        return value is None
    return any(map(_has_null, items))


def _without_null(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_null(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_null(item) for item in value if item is not None]
    return value


def _without_empty(value: Mapping[str, Any]) -> dict[str, Any]:
    """Without values that TOML lacks, or that are empty."""
    return {
        key: item
        for key, item in value.items()
        if item is not None and item not in ("", [], {}, ())
    }
