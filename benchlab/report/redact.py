"""What a colleague who gets the report should not get with it: credentials."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from benchlab.values.card import url_without_password
from benchlab.values.plan import Plan

__all__ = ["HIDDEN", "header_value", "plan_dict", "public_url"]

HIDDEN = "***"

_SECRET = re.compile(
    r"auth|cookie|token|secret|passw|credential|signature|api[-_]?key|access[-_]?key", re.IGNORECASE
)


def public_url(url: str) -> str:
    """``url`` without its password and without the values of parameters that sound secret."""
    parts = urlsplit(url_without_password(url))
    fields = [
        f"{name}{equals}{HIDDEN if equals and _SECRET.search(name) else value}"
        for name, equals, value in (field.partition("=") for field in parts.query.split("&"))
    ]
    return urlunsplit(parts._replace(query="&".join(fields)))


def header_value(name: str, value: str) -> str:
    """``value``, or three stars when the header's name says that it is a secret."""
    return HIDDEN if _SECRET.search(name) else value


def plan_dict(plan: Plan) -> dict[str, Any]:
    """The plan as a JSON-ready dict, with secrets hidden in URLs and headers."""
    data = plan.to_dict()
    for request in data["requests"]:
        request["url"] = public_url(request["url"])
        request["headers"] = [
            [name, header_value(name, value)] for name, value in request["headers"]
        ]
    return data
