"""A response in bytes, and what a client must make of it."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

__all__ = [
    "Case",
    "Verdict",
    "chunked",
    "closes",
    "head",
    "ok",
    "refused",
    "sized",
    "unfinished",
]


class Verdict(Enum):
    """What becomes of a response."""

    OK = "complete"
    UNTIL_CLOSE = "complete when the connection ends"
    PROTOCOL = "not a valid response"
    UNFINISHED = "more must come"


class Case(NamedTuple):
    """``rfc`` is the section that decides: of RFC 9112 unless it names another.

    ``body`` is the body as transferred. ``reused``: the connection carries another request.
    """

    name: str
    data: bytes
    verdict: Verdict
    rfc: str
    status: int = 200
    body: bytes = b""
    reused: bool = False
    method: str = "GET"


def ok(
    name: str,
    data: bytes,
    rfc: str,
    *,
    body: bytes = b"hello",
    status: int = 200,
    method: str = "GET",
) -> Case:
    """A complete response after which the connection is used again."""
    return Case(name, data, Verdict.OK, rfc, status, body, True, method)


def closes(
    name: str,
    data: bytes,
    rfc: str,
    *,
    body: bytes = b"hello",
    status: int = 200,
    method: str = "GET",
    until_close: bool = False,
) -> Case:
    """A complete response after which the connection is closed; or that ends with it."""
    verdict = Verdict.UNTIL_CLOSE if until_close else Verdict.OK
    return Case(name, data, verdict, rfc, status, body, False, method)


def refused(name: str, data: bytes, rfc: str, *, method: str = "GET") -> Case:
    """Not a valid response."""
    return Case(name, data, Verdict.PROTOCOL, rfc, method=method)


def unfinished(
    name: str, data: bytes, rfc: str, *, status: int = 200, body: bytes = b"", method: str = "GET"
) -> Case:
    """A response that waits for more bytes; ``status`` is 0 while the head is not complete."""
    return Case(name, data, Verdict.UNFINISHED, rfc, status, body, False, method)


def head(*lines: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """A head of these field lines."""
    return b"\r\n".join((status, *lines, b"", b""))


def sized(value: bytes, body: bytes = b"hello") -> bytes:
    """A response whose Content-Length is ``value``."""
    return head(b"Content-Length: " + value) + body


def chunked(body: bytes, *lines: bytes) -> bytes:
    """A response with Transfer-Encoding chunked; ``body`` is the encoded body."""
    return head(b"Transfer-Encoding: chunked", *lines) + body
