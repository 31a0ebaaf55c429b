"""Metadata of gRPC calls: names with values, which travel as headers.

The rules are those of https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any

from benchlab.errors import InputError
from benchlab.plan.validation import text_pairs
from benchlab.redact import HIDDEN

__all__ = ["Metadata", "metadata_pairs"]

Metadata = Mapping[str, Any] | Iterable[tuple[str, Any]]
"""Names with text, or with bytes if they end in ``-bin``."""

_NAME = re.compile(r"[0-9a-z_.-]+")
_TEXT = re.compile(r"[\x20-\x7e]*")
_BINARY = "-bin"
_RESERVED = {
    "grpc-timeout": "give deadline_s, or the plan's timeout_s",
    "grpc-encoding": "give compression",
    "content-type": "leave it out: it is always application/grpc",
    "te": "leave it out: it is always trailers",
}
_OF_HTTP = ("connection", "content-length", "host", "keep-alive", "transfer-encoding", "upgrade")


def metadata_pairs(given: Any) -> tuple[tuple[str, str], ...]:
    """Names in lower case with values as they are sent; bytes, for a name in ``-bin``, in base64.

    Raises:
        InputError: a name or value that gRPC does not allow, or that the call sets itself.

    >>> metadata_pairs({"Tenant": "a", "trace-bin": b"\\x00\\x01"})
    (('tenant', 'a'), ('trace-bin', 'AAE='))
    """
    items = given.items() if isinstance(given, Mapping) else given
    if isinstance(items, Iterable) and not isinstance(items, str | bytes):
        items = [
            (pair[0], _base64(pair[1])) if _has_bytes(pair) else pair  # others are refused below
            for pair in items
        ]
    pairs = tuple((name.lower(), value) for name, value in text_pairs("metadata", items))
    for name, value in pairs:
        _check(name, value)
    return pairs


def _has_bytes(pair: Any) -> bool:
    if not (isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[1], bytes)):
        return False
    name = str(pair[0])
    if not name.lower().endswith(_BINARY):
        raise InputError(
            f"{name} has bytes as its value",
            field="metadata",
            remedy=f"call it {name}{_BINARY}, or give text",
        )
    return True


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _check(name: str, value: str) -> None:
    # Values are not shown: they may be secrets.
    if not _NAME.fullmatch(name):
        raise InputError(
            f"the name {name!r} cannot be used",
            field="metadata",
            remedy="gRPC allows letters, digits, _ . and -",
        )
    if name in _RESERVED or name.startswith("grpc-") or name in _OF_HTTP:
        remedy = _RESERVED.get(name, "leave it out: it belongs to the protocol")
        raise InputError(f"{name} cannot be given", field="metadata", remedy=remedy)
    if name.endswith(_BINARY):
        if "{{" not in value and value != HIDDEN:
            _check_base64(name, value)
    elif not _TEXT.fullmatch(value):
        raise InputError(
            f"{name} has a character that is not printable ASCII",
            field="metadata",
            remedy=f"give bytes, under a name that ends in {_BINARY}",
        )


def _check_base64(name: str, value: str) -> None:
    try:
        base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise InputError(
            f"{name} is not base64 ({exc})",
            field="metadata",
            remedy="give bytes, or their base64 as text",
        ) from exc
