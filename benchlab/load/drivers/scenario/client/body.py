"""Bodies of requests, and the header lines that they need."""

from __future__ import annotations

import json
from typing import Any

import httpx

__all__ = ["encode_body"]

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
_JSON = b"Content-Type: application/json\r\n"


def encode_body(content: Any, data: Any, value: Any, has_type: bool) -> tuple[bytes, bytes] | None:
    """The body and its header lines, as httpx makes them from ``content``, ``data`` and ``json``.

    None if it is left to httpx. ``has_type``: the request has a content type of its own.

    Raises:
        TypeError: ``value`` is not what JSON has.
        ValueError: so is a number in it.
    """
    if data is not None and type(data) is not dict:
        return None
    if content is not None:
        kind = type(content)
        if kind is str:
            content = content.encode()
        elif kind is not bytes:
            return None
        return content, b"Content-Length: %d\r\n" % len(content) if content else b""
    if data:
        body, line = str(httpx.QueryParams(data)).encode(), _FORM
    elif value is not None:
        body, line = _dumps(value).encode(), _JSON
    else:
        return b"", b""
    length = b"Content-Length: %d\r\n" % len(body)
    return body, length if has_type else length + line
