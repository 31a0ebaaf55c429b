"""Header fields of requests and responses, as bytes (RFC 9110, section 5)."""

from __future__ import annotations

import re
from collections.abc import Iterable

import httpx

__all__ = ["encode_fields", "parse_fields"]

# What h11 accepts, so that both clients refuse the same: any byte but NUL and white space, and
# blanks between them.
_NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")
_VALUE = re.compile(rb"(?:[^\x00\s]+(?:[ \t]+[^\x00\s]+)*)?")

_FOLD = re.compile(rb"[ \t]*\r?\n[ \t]+")
_BLANKS = b" \t\r"


def encode_fields(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The lines of ``fields``.

    Raises:
        httpx.LocalProtocolError: a name or value that HTTP does not allow.
    """
    lines = []
    for name, value in fields:
        if not _NAME.fullmatch(name):
            raise httpx.LocalProtocolError(f"Illegal header name {name!r}")
        if not _VALUE.fullmatch(value):
            raise httpx.LocalProtocolError(f"Illegal header value {value!r}")
        lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join(lines)


def parse_fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a valid head, in order, after its first line."""
    lines = _FOLD.sub(b" ", head).split(b"\n")[1:]
    pairs = (line.partition(b":") for line in lines)
    return [(name, value.strip(_BLANKS)) for name, colon, value in pairs if colon]
