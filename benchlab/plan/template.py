"""Fields in a request: ``{{name}}`` is replaced by a value of each request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

__all__ = [
    "BUILT_IN",
    "as_body",
    "as_header",
    "as_url",
    "field_names",
    "fill",
    "malformed_fields",
    "unique_id",
    "with_examples",
]

BUILT_IN = ("seq", "uuid")
"""Fields that every request may use: its number in the run, and a UUID that no other has."""

_FIELD = re.compile(rb"\{\{([A-Za-z_][\w.-]*)\}\}")

# What people write and mean a field: {{ name }}, {{prénom}}, {{first name}}.
_LIKE_A_FIELD = re.compile(r"\{\{([^{}\r\n]{1,100})\}\}")

Quote = Callable[[Any], bytes]
"""A value, encoded for one part of a request."""


def field_names(text: bytes) -> set[str]:
    """The names of the fields in ``text``."""
    return {name.decode() for name in _FIELD.findall(text)}


def malformed_fields(text: str) -> dict[str, str]:
    """What looks like a field and is none, as written, with the name that is probably meant.

    >>> malformed_fields("{{id}} {{ id }} {{prénom}}")
    {'{{ id }}': 'id', '{{prénom}}': 'prénom'}
    """
    found = {match[0]: match[1] for match in _LIKE_A_FIELD.finditer(text)}
    return {
        written: _unescaped(name).strip()
        for written, name in found.items()
        if not _FIELD.fullmatch(written.encode(errors="replace"))
    }


def with_examples(text: bytes) -> bytes:
    """``text`` with a number in place of every field."""
    return _FIELD.sub(b"1", text)


def fill(text: bytes, values: Mapping[str, Any], quoted: Quote) -> bytes:
    """``text`` with its fields replaced by ``values``; a field without a value stays."""

    def replace(match: re.Match[bytes]) -> bytes:
        name = match[1].decode()
        return quoted(values[name]) if name in values else match[0]

    return _FIELD.sub(replace, text)


def as_url(value: Any) -> bytes:
    """A value in a path or query: percent-encoded, slashes and ampersands included."""
    return quote(_text(value), safe="").encode()


def as_header(value: Any) -> bytes:
    """A value in a header, as it is.

    Raises:
        ValueError: it has a line break, or a character outside Latin-1.
    """
    text = _text(value)
    if any(mark in text for mark in "\r\n\0"):
        raise ValueError(f"{text!r} has a line break, which no header may have")
    return text.encode("latin-1")


def as_body(content_type: str) -> Quote:
    """How values are written in a body: escaped for JSON and for forms, as they are elsewhere.

    In JSON a text is escaped for the inside of a string, so its quotation marks belong to the
    template; any other value is written as JSON.
    """
    if "json" in content_type.lower():
        return _json_text
    if "x-www-form-urlencoded" in content_type.lower():
        return lambda value: quote_plus(_text(value)).encode()
    return lambda value: _text(value).encode()


def unique_id(run_id: str) -> tuple[str, str]:
    """The beginning of every UUID of a run, and the format of what follows from ``seq``.

    The UUID is of version 8 (RFC 9562): the run's id, then the sequence number in 48 bits.
    """
    last = 0x8000 | int(run_id[15], 16) << 10
    return f"{run_id[:8]}-{run_id[8:12]}-8{run_id[12:15]}-{last:04x}-", "%012x"


def _unescaped(name: str) -> str:
    """A name as it was before it was encoded as JSON, which escapes letters beyond ASCII."""
    try:
        return str(json.loads(f'"{name}"'))
    except ValueError:
        return name


def _json_text(value: Any) -> bytes:
    encoded = json.dumps(value, separators=(",", ":"))
    return (encoded[1:-1] if isinstance(value, str) else encoded).encode()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
