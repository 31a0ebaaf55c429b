"""A plan as it may be shown and kept: without credentials, data and code."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from benchlab.plan.feed import withhold_rows
from benchlab.plan.scenario import withhold_code
from benchlab.redact import header_value, public_url

__all__ = ["public_plan"]


def public_plan(data: Mapping[str, Any]) -> dict[str, Any]:
    """What `Plan.to_dict` gave, with secrets hidden in URLs and headers, and no rows of data.

    Bodies are as they are.
    """
    public = copy.deepcopy(dict(data))
    for request in public["requests"]:
        request["url"] = public_url(request["url"])
        request["headers"] = [
            [name, header_value(name, value)] for name, value in request["headers"]
        ]
        if "data" in request:
            withhold_rows(request["data"])
    if public.get("scenario") is not None:
        public["scenario"]["base_url"] = public_url(public["scenario"]["base_url"])
        withhold_code(public["scenario"])
    return public
