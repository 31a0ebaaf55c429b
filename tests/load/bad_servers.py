"""Responses of every kind as servers send them, and the error kind that each must have.

What only depends on bytes is in the corpus of the parser; here is a sample of it, and what depends
on time and sockets. Each case has a behaviour, the error kind that the wire driver must report (""
if there is no error), and that of the httpx driver where it may differ: httpx follows the rules of
h11.
"""

from __future__ import annotations

import itertools
import socket
import time
from typing import NamedTuple

from tests.load.servers import Behaviour, always, chunked, in_pieces, ok, reset

__all__ = ["CASES", "TIMEOUT_S", "Case"]

TIMEOUT_S = 2.5
MORE_HEAD = b"x" * 65_000


class Case(NamedTuple):
    behaviour: Behaviour
    kind: str = ""
    httpx: str | None = None
    method: str = "GET"
    body_bytes: int | None = None
    spoils: bool = False
    """Leaves bytes behind that httpx would read as the response to its next request."""

    def kind_for(self, driver: str) -> str:
        return self.kind if driver == "http" or self.httpx is None else self.httpx


def silent(_connection: socket.socket, _request: bytes, _number: int) -> bool:
    return True


def close(_connection: socket.socket, _request: bytes, _number: int) -> bool:
    return False


def then_reset(response: bytes) -> Behaviour:
    """Part of a response, then RST."""

    def behave(connection: socket.socket, request: bytes, number: int) -> bool:
        connection.sendall(response)
        time.sleep(0.03)
        return reset(connection, request, number)

    return behave


def drip(start: bytes, piece: bytes) -> Behaviour:
    """Bytes every 20 ms for longer than the timeout, without an end."""

    def behave(connection: socket.socket, _request: bytes, _number: int) -> bool:
        connection.sendall(start)
        for _ in range(int(3 * TIMEOUT_S / 0.02)):
            connection.sendall(piece)
            time.sleep(0.02)
        return False

    return behave


def flood(start: bytes, piece: bytes, size: int = 8 << 20, *, keep: bool = True) -> Behaviour:
    """``piece`` repeated as fast as it is read, up to ``size`` bytes."""
    block = piece * max(1, 65_536 // len(piece))

    def behave(connection: socket.socket, _request: bytes, _number: int) -> bool:
        connection.sendall(start)
        for _ in range(size // len(block)):
            connection.sendall(block)
        return keep

    return behave


def sometimes_closing() -> Behaviour:
    """``Connection: close`` in every third response, after which the connection is closed."""
    turns = itertools.count()

    def behave(connection: socket.socket, _request: bytes, _number: int) -> bool:
        last = next(turns) % 3 == 2
        connection.sendall(ok(extra=b"Connection: close\r\n" if last else b""))
        return not last

    return behave


def head(*lines: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join((status, *lines, b"", b""))


def length(value: bytes, body: bytes = b"ok") -> bytes:
    return head(b"Content-Length: " + value) + body


def chunks(body: bytes, *lines: bytes) -> bytes:
    return head(b"Transfer-Encoding: chunked", *lines) + body


INTERIM = head(status=b"HTTP/1.1 100 Continue")
OLD = b"HTTP/1.0 200 OK"

FINE = {
    "ordinary": Case(always(ok()), body_bytes=2),
    "byte by byte": Case(in_pieces(ok(b"0123456789")), body_bytes=10),
    "chunked byte by byte": Case(in_pieces(chunked(b"ok", b"ok")), body_bytes=4),
    "trailers": Case(always(chunks(b"2;a=b\r\nok\r\n0\r\nT: v\r\n\r\n")), body_bytes=2),
    "until close": Case(always(head() + b"ok", keep=False), body_bytes=2),
    "http/1.0": Case(always(head(status=OLD) + b"ok", keep=False), body_bytes=2),
    "http/1.0 with keep-alive": Case(
        always(head(b"Connection: keep-alive", b"Content-Length: 2", status=OLD) + b"ok"),
        body_bytes=2,
    ),
    "connection: close at random": Case(sometimes_closing()),
    "no content": Case(always(head(status=b"HTTP/1.1 204 No Content")), body_bytes=0),
    "head without a length": Case(always(head()), method="HEAD", body_bytes=0),
    "interim responses in pieces": Case(in_pieces(INTERIM + ok(), 7), body_bytes=2),
    "surplus bytes": Case(always(ok() + b"surplus"), body_bytes=2, spoils=True),
    "64 KB of headers": Case(always(ok(extra=b"X-Long: " + MORE_HEAD + b"\r\n")), body_bytes=2),
    "300 KB body": Case(always(ok(b"x" * 300_000)), body_bytes=300_000),
    "lines that end with lf": Case(always(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok")),
    "redirect": Case(
        always(head(b"Location: /x", b"Content-Length: 0", status=b"HTTP/1.1 302 Found"))
    ),
}

UNFINISHED = {
    "closed at once": Case(close, "closed"),
    "closed in the head": Case(always(b"HTTP/1.1 200 OK\r\nContent-", keep=False), "closed"),
    "closed in the body": Case(always(ok(b"0123456789")[:-4], keep=False), "closed"),
    "closed in a chunk": Case(always(chunks(b"9\r\nok"), keep=False), "closed"),
    "closed after an interim response": Case(always(INTERIM, keep=False), "closed"),
    "reset at once": Case(reset, "reset"),
    "reset in the head": Case(then_reset(b"HTTP/1.1 200 OK\r\nContent-"), "reset"),
    "reset in a chunk": Case(then_reset(chunks(b"9\r\nok")), "reset"),
    "reset in a body until close": Case(then_reset(head() + b"ok"), "reset"),
    "silence": Case(silent, "timeout"),
    "half a body, then silence": Case(always(ok(b"0123456789")[:-4]), "timeout"),
    "a body until close, never closed": Case(always(head() + b"ok"), "timeout"),
    "an interim response, then silence": Case(always(INTERIM), "timeout"),
    "headers that drip": Case(drip(b"HTTP/1.1 200 OK\r\nX: ", b"x"), "timeout"),
    "a body that drips": Case(drip(length(b"1000", b""), b"x"), "timeout"),
    "chunks that drip": Case(drip(chunks(b""), b"1\r\nx\r\n"), "timeout"),
}

AGAINST_THE_RULES = {
    "two lengths": Case(
        always(head(b"Content-Length: 2", b"Content-Length: 3") + b"ok"), "protocol"
    ),
    "chunk longer than its size": Case(always(chunks(b"2\r\nokok\r\n0\r\n\r\n")), "protocol"),
    "another protocol": Case(always(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "protocol"),
    "switching protocols": Case(
        always(head(b"Upgrade: x", b"Connection: upgrade", status=b"HTTP/1.1 101 Switching")),
        "protocol",
    ),
    "one endless header": Case(flood(b"HTTP/1.1 200 OK\r\nX: ", b"x"), "protocol"),
    "endless headers": Case(flood(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), "protocol"),
    "endless trailers": Case(flood(chunks(b"2\r\nok\r\n0\r\n"), b"T: v\r\n"), "protocol"),
}

STATUS = {
    "not found": Case(
        always(head(b"Content-Length: 2", status=b"HTTP/1.1 404 No") + b"no"),
        "status",
        body_bytes=2,
    ),
    "server error until close": Case(
        always(head(status=b"HTTP/1.1 500 No") + b"no", keep=False), "status", body_bytes=2
    ),
}

CASES = FINE | UNFINISHED | AGAINST_THE_RULES | STATUS
