"""Hiding credentials in what is shown or kept: cards, terminals, reports, stored runs."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from benchlab.values.feed import withhold_rows
from benchlab.values.scenario import withhold_code

__all__ = ["HIDDEN", "header_value", "public_plan", "public_url"]

HIDDEN = "***"

_SECRET = re.compile(
    r"auth|cookie|token|secret|passw|passphrase|pwd|credential|session|jwt|signature|^sig$"
    r"|^key$|(api|access|private|subscription|functions)[-_]?key",
    re.IGNORECASE,
)


def public_url(url: str) -> str:
    """``url`` without its password and without the values of parameters that sound secret."""
    parts = urlsplit(url)
    netloc = parts.netloc
    if parts.password is not None:
        user, _, host = netloc.rpartition("@")
        netloc = f"{user.partition(':')[0]}:{HIDDEN}@{host}"
    query, fragment = _public_fields(parts.query), _public_fields(parts.fragment)
    return urlunsplit(parts._replace(netloc=netloc, query=query, fragment=fragment))


def header_value(name: str, value: str) -> str:
    """``value``, or three stars when the header's name says that it is a secret."""
    return HIDDEN if _SECRET.search(name) else value


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
        withhold_code(public["scenario"])
    return public


def _public_fields(text: str) -> str:
    """``a=1&b=2`` with the values of secrets hidden, and everything else to the letter."""
    fields = (field.partition("=") for field in text.split("&"))
    return "&".join(
        f"{name}{equals}{HIDDEN if equals and _SECRET.search(unquote(name)) else value}"
        for name, equals, value in fields
    )
