"""Write a plan file: a `Plan` as text that can be read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchlab.plan.feed import Feed
from benchlab.plan.plan import Plan
from benchlab.plan.redacted import redacted_plan
from benchlab.plan.scenario import Scenario
from benchlab.redact import HIDDEN, header_value, public_url

__all__ = ["plan_to_toml"]

_FEED_FILES = (".csv", ".jsonl", ".ndjson")
"""Endings of the names of files that rows of data can come from."""

_HEAD = "# A plan for: benchlab run FILE\n"


def plan_to_toml(plan: Plan, most_offsets: int | None = None) -> str:
    """``plan`` as a plan file, with secrets hidden; `draft_from_toml` reads it back.

    Data that came from a file are written as the file's name. Of recorded arrivals, which may be a
    million, only the first ``most_offsets`` are written, if that is given. Comments name what is
    left out.
    """
    data = redacted_plan(plan.to_dict())
    del data["length_s"]  # it follows from the rest
    notes = [_describe_count(plan)]
    offsets_s = data["load"].get("offsets_s", ())
    if most_offsets is not None and len(offsets_s) > most_offsets:
        data["load"]["offsets_s"] = offsets_s[:most_offsets]
        left_out = len(offsets_s) - most_offsets
        notes.append(f"{left_out:,} more arrival times are left out: put them back before use")
    if any(request.data is not None and not request.data.rows for request in plan.requests):
        notes.append("rows of data are left out: put them back before use")
    tables = [_request_table(item) for item in data["requests"]]
    for table, request in zip(tables, plan.requests, strict=True):
        if request.data is not None:
            table["data"] = _data_table(request.data)
    data["requests"] = tables
    if plan.scenario is not None:
        del data["requests"]
        data["scenario"] = _scenario_table(plan.scenario)
        if not plan.scenario.function:
            notes.append("the scenario is a function of no file: put it into one before use")
    shown = {
        key: _without_empty(value) if isinstance(value, dict) and key != "tags" else value
        for key, value in data.items()
    }
    import tomli_w

    text = tomli_w.dumps(_without_empty(shown))
    if HIDDEN in text:
        notes.append(f"{HIDDEN} stands for a secret: put it back before use")
    return _HEAD + "".join(f"# {note}\n" for note in notes) + f"\n{text}"


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
            return "a closed loop: as many requests as get a response"
        count = plan.request_count
    return f"{count:,} requests in the measured window"


def _data_table(feed: Feed) -> dict[str, Any]:
    if feed.name.lower().endswith(_FEED_FILES):
        return {"file": feed.name, "pick": feed.pick}
    rows = [
        {name: HIDDEN if header_value(name, "") else value for name, value in row.items()}
        for row in feed.rows
    ]
    return {"rows": rows, "pick": feed.pick, "name": feed.name}


def _request_table(request: dict[str, Any]) -> dict[str, Any]:
    table = _without_empty(request)
    pairs = request["headers"]
    if len({name.lower() for name, _ in pairs}) == len(pairs) and pairs:
        table["headers"] = dict(pairs)
    return table


def _without_empty(value: Mapping[str, Any]) -> dict[str, Any]:
    """Without values that TOML lacks, or that are empty."""
    return {
        key: item
        for key, item in value.items()
        if item is not None and item not in ("", [], {}, ())
    }
