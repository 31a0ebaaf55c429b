"""Bodies of recorded requests, without the secrets in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from benchlab.redact import HIDDEN, is_secret, public_url

__all__ = ["form_body", "masked_body"]

_PART = re.compile(
    rb'(Content-Disposition:[^\r\n]*?\bname="([^"\r\n]*)"[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n)'
    rb"(.*?)(?=\r?\n--)",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(rb"(<(?:[\w.-]+:)?([\w.-]+)(?:\s[^<>]*)?>)([^<>]+)(?=</)")
_MASK = HIDDEN.encode()


def masked_body(body: bytes, content_type: str) -> bytes:
    """``body`` with stars for the values whose names say that they are secrets.

    That is in JSON, in forms and in XML; everything else, and a body without secrets, stays to the
    byte.
    """
    kind = content_type.lower()
    if "json" in kind:
        return _masked_json(body)
    if "x-www-form-urlencoded" in kind:
        text = body.decode("utf-8", "surrogateescape")
        return public_url(f"?{text}")[1:].encode("utf-8", "surrogateescape") if text else body
    if "multipart/" in kind:
        return _PART.sub(_masked_part, body)
    if "xml" in kind:
        return _TAG.sub(_masked_part, body)
    return body


def form_body(params: Iterable[Any]) -> bytes:
    """The body of a form with the ``params`` of a HAR file."""
    pairs = [
        (str(item.get("name", "")), str(item.get("value", "")))
        for item in params
        if isinstance(item, dict)
    ]
    return urlencode(pairs, errors="surrogatepass").encode()


def _masked_json(body: bytes) -> bytes:
    try:
        data = json.loads(body)
        masked, found = _masked(data)
    except (ValueError, RecursionError):
        return body
    return json.dumps(masked, separators=(",", ":"), ensure_ascii=False).encode() if found else body


def _masked(value: Any) -> tuple[Any, bool]:
    """The value without secrets, and whether there were any."""
    if isinstance(value, dict):
        pairs = {
            key: (HIDDEN, True) if is_secret(key) and _is_plain(item) else _masked(item)
            for key, item in value.items()
        }
        return {key: item for key, (item, _) in pairs.items()}, any(
            found for _, found in pairs.values()
        )
    if isinstance(value, list):
        items = [_masked(item) for item in value]
        return [item for item, _ in items], any(found for _, found in items)
    return value, False


def _is_plain(value: Any) -> bool:
    """Whether it is a text or number, which may be a secret; true, false and null are none."""
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _masked_part(found: re.Match[bytes]) -> bytes:
    name = found[2].decode("utf-8", "replace")
    return found[1] + _MASK if is_secret(name) else found[0]
