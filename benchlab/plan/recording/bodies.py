"""Bodies of recorded requests, without the secrets in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from benchlab.plan.recording.target import JWT
from benchlab.redact import HIDDEN, is_secret, public_fields, public_text

__all__ = ["form_body", "masked_body"]

_MASK = HIDDEN.encode()
_JWT = re.compile(JWT.pattern.encode())
_BLANK = re.compile(rb"\s")
# No pattern reads on from one mark beyond the next one, so that no body takes long.
_JSON_FIELD = re.compile(
    rb'("((?:[^"\\]|\\.)*)"\s*:\s*)("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*)', re.DOTALL
)
_ELEMENT = re.compile(
    rb"(<(?:[\w.-]+:)?([\w.-]+)(?:\s[^<>]*)?>)([^<>]+|\s*<!\[CDATA\[[^<]*\]\]>\s*)(?=</)"
)
_ATTRIBUTE = re.compile(rb"""(\s(?:[\w.-]+:)?([\w.-]+)\s*=\s*)("[^"<]*"|'[^'<]*')""")
_BOUNDARY = re.compile(r"""boundary=("[^"]*"|[^\s;"]+)""", re.IGNORECASE)
_PART_NAME = re.compile(rb"""\bname\s*=\s*(?:"([^"\r\n]*)"|([^\s;"]+))""", re.IGNORECASE)
_PART_TYPE = re.compile(rb"^content-type:\s*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")


def masked_body(body: bytes, content_type: str) -> bytes:
    """``body`` with stars for the values whose names say that they are secrets.

    That is in JSON, in forms and in XML, and JSON Web Tokens anywhere. Everything else, and a body
    without secrets, stays to the byte. Scripts send JSON and forms as plain text too: a body is
    taken for what it looks like where its type does not say what it is.
    """
    kind = content_type.lower()
    if "multipart/" in kind:
        shown = _masked_parts(body, content_type)
    elif "xml" in kind:
        shown = _ATTRIBUTE.sub(_masked_attribute, _ELEMENT.sub(_masked_value, body))
    elif "x-www-form-urlencoded" in kind or _looks_like_a_form(body, kind):
        text = body.decode("utf-8", "surrogateescape")
        shown = public_fields(text).encode("utf-8", "surrogateescape")
    elif "json" in kind or body.lstrip()[:1] in (b"{", b"["):
        shown = _masked_json(body)
    else:
        shown = body
    return _JWT.sub(_MASK, shown) if b"eyJ" in shown else shown


def form_body(params: Iterable[Any]) -> bytes:
    """The body of a form with the ``params`` of a HAR file."""
    pairs = [
        (str(item.get("name", "")), str(item.get("value", "")))
        for item in params
        if isinstance(item, dict)
    ]
    return urlencode(pairs, errors="surrogatepass").encode()


def _looks_like_a_form(body: bytes, kind: str) -> bool:
    if kind and not kind.startswith("text/plain"):
        return False
    return b"=" in body and body[:1] not in (b"{", b"[", b"<") and not _BLANK.search(body)


def _masked_json(body: bytes) -> bytes:
    try:
        data = json.loads(body)
        masked = _masked(data, secret=False)
        if masked == data:
            return body
        text = json.dumps(masked, separators=(",", ":"), ensure_ascii=False)
    except (ValueError, RecursionError):  # several objects, or one that was cut off
        return _JSON_FIELD.sub(_masked_field, body)
    return text.encode("utf-8", "surrogatepass")


def _masked(value: Any, *, secret: bool) -> Any:
    """The value without secrets; what is beneath a ``secret`` name is one.

    True, false and null are none.
    """
    if isinstance(value, dict):
        return {key: _masked(item, secret=secret or is_secret(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, secret=secret) for item in value]
    if secret and isinstance(value, str | int | float) and not isinstance(value, bool):
        return HIDDEN
    return public_text(value) if isinstance(value, str) else value


def _masked_field(found: re.Match[bytes]) -> bytes:
    return found[1] + b'"' + _MASK + b'"' if _names_secret(found[2]) else found[0]


def _masked_value(found: re.Match[bytes]) -> bytes:
    return found[1] + _MASK if _names_secret(found[2]) else found[0]


def _masked_attribute(found: re.Match[bytes]) -> bytes:
    quote = found[3][:1]
    return found[1] + quote + _MASK + quote if _names_secret(found[2]) else found[0]


def _masked_parts(body: bytes, content_type: str) -> bytes:
    """A multipart body (RFC 2046), each part by its name or its own type."""
    found = _BOUNDARY.search(content_type)
    if found is not None:
        mark = b"--" + found[1].strip('"').encode()
    elif body.startswith(b"--"):
        mark = body.split(b"\n", 1)[0].rstrip(b"\r")
    else:
        return body
    return mark.join(map(_masked_part, body.split(mark)))


def _masked_part(part: bytes) -> bytes:
    end = _END_OF_HEAD.search(part)
    if end is None:
        return part
    head, value = part[: end.end()], part[end.end() :]
    line_end = b"\r\n" if value.endswith(b"\r\n") else value[-1:]  # which belongs to the mark
    value = value[: len(value) - len(line_end)]
    name = _PART_NAME.search(head)
    if name is not None and _names_secret(name[1] or name[2] or b""):
        return head + _MASK + line_end
    kind = _PART_TYPE.search(head)
    if kind is not None and b"multipart/" not in kind[1].lower():
        value = masked_body(value, kind[1].decode("latin-1"))
    return head + value + line_end


def _names_secret(name: bytes) -> bool:
    return is_secret(name.decode("utf-8", "replace"))
