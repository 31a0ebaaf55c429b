"""A plan that may be shown and stored: without credentials, data and code."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from attrs import evolve

from benchlab.plan.feed import redact_rows
from benchlab.plan.plan import Plan
from benchlab.plan.recorded import withhold_contents
from benchlab.plan.scenario import redact_code
from benchlab.redact import header_value, is_secret, public_command, public_url, url_has_secret

__all__ = ["has_secrets", "redacted_plan", "without_code"]


def redacted_plan(data: Mapping[str, Any]) -> dict[str, Any]:
    """The dict of `Plan.to_dict`, with its secrets hidden, no rows of data, and no
    targets and bodies that were recorded.

    These are secrets in URLs, in headers and in the commands of faults.

    Bodies are unchanged.
    """
    shown = copy.deepcopy(dict(data))
    for request in shown["requests"]:
        request["url"] = public_url(request["url"])
        request["headers"] = [
            [name, header_value(name, value)] for name, value in request["headers"]
        ]
        if "data" in request:
            redact_rows(request["data"])
    if shown.get("recorded") is not None:
        withhold_contents(shown["recorded"])
    for fault in shown.get("faults", ()):
        if "restart" in fault:
            fault["restart"] = public_command(fault["restart"])
    if shown.get("scenario") is not None:
        shown["scenario"]["base_url"] = public_url(shown["scenario"]["base_url"])
        redact_code(shown["scenario"])
    return shown


def without_code(plan: Plan) -> Plan:
    """``plan`` without the code of its scenario, which runs when it is unpickled."""
    if plan.scenario is None or not plan.scenario.code:
        return plan
    return plan.replace(scenario=evolve(plan.scenario, code=b""))


def has_secrets(plan: Plan) -> bool:
    """Whether `redacted_plan` hides anything in the URLs, headers and commands of ``plan``."""
    commands = [fault.options.get("restart", "") for fault in plan.faults]
    return any(public_command(command) != command for command in commands) or any(
        url_has_secret(request.url) or any(is_secret(name) for name, _ in request.headers)
        for request in plan.requests
    )
