"""The routes of paths: what names an endpoint, where every request has a path of its own."""

from __future__ import annotations

import re

from benchlab.redact import may_have_secret, public_path

__all__ = ["OTHER_PATHS", "route_of"]

OTHER_PATHS = "(other paths)"
"""The route of those that are too rare to be endpoints of their own."""

_ID = "{id}"
_LONGEST = 200
_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_HEX = r"(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,}"  # digests, as in app.3f9ac2d1.js
_MIXED = r"(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{16,}"  # tokens and identifiers of databases
# A number is an id as a whole segment only: v1.2 and page-2 stay.
_IDS = re.compile(
    rf"(?<![0-9A-Za-z])(?:{_UUID}|{_HEX}|{_MIXED})(?![0-9A-Za-z])|(?<=/)\d+(?=[/;]|\Z)"
)


def route_of(path: str) -> str:
    """``path`` without its query, with a mark for each part that is an identifier.

    >>> route_of("/items/42?page=2"), route_of("/v1/app.3f9ac2d1.js")
    ('/items/{id}', '/v1/app.{id}.js')
    """
    route = _IDS.sub(_ID, path.partition("?")[0])
    if may_have_secret(route):
        route = public_path(route)
    return route if len(route) <= _LONGEST else f"{route[: _LONGEST - 1]}…"
