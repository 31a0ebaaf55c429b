"""Responses of every kind, valid and broken, and the error kind that each must have.

Each case has a behaviour, the error kind that the wire driver must report ("" if there is no
error), and that of the httpx driver where it may differ: httpx follows the rules of h11.
"""

from __future__ import annotations

import itertools
import socket
import time
from typing import NamedTuple

from tests.load.servers import Behaviour, always, chunked, in_pieces, ok, reset

__all__ = ["CASES", "TIMEOUT_S", "Case"]

TIMEOUT_S = 0.6
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

FINE = {
    "ordinary": Case(always(ok()), body_bytes=2),
    "empty body": Case(always(ok(b"")), body_bytes=0),
    "byte by byte": Case(in_pieces(ok(b"0123456789")), body_bytes=10),
    "chunked": Case(always(chunked(b"ok", b"ok")), body_bytes=4),
    "chunked byte by byte": Case(in_pieces(chunked(b"ok", b"ok")), body_bytes=4),
    "chunk extensions": Case(always(chunks(b'2;a=b;c="d e"\r\nok\r\n0;x\r\n\r\n')), body_bytes=2),
    "trailers": Case(
        always(chunks(b"2\r\nok\r\n0\r\nT: v\r\nU: w\r\n\r\n", b"Trailer: T")), body_bytes=2
    ),
    "until close": Case(always(head() + b"ok", keep=False), body_bytes=2),
    "until close, empty": Case(always(head(), keep=False), body_bytes=0),
    "http/1.0": Case(always(head(status=b"HTTP/1.0 200 OK") + b"ok", keep=False), body_bytes=2),
    "http/1.0 with keep-alive": Case(
        always(
            head(b"Connection: keep-alive", b"Content-Length: 2", status=b"HTTP/1.0 200 OK") + b"ok"
        ),
        body_bytes=2,
    ),
    "connection: close": Case(always(ok(extra=b"Connection: close\r\n"), keep=False)),
    "connection: close at random": Case(sometimes_closing()),
    "no content": Case(always(head(status=b"HTTP/1.1 204 No Content")), body_bytes=0),
    "no content with a length": Case(
        always(head(b"Content-Length: 9", status=b"HTTP/1.1 204 No Content")), body_bytes=0
    ),
    "not modified with a length": Case(
        always(head(b"Content-Length: 9", status=b"HTTP/1.1 304 Not Modified")), body_bytes=0
    ),
    "head with a length": Case(always(head(b"Content-Length: 500")), method="HEAD", body_bytes=0),
    "head with chunks announced": Case(
        always(head(b"Transfer-Encoding: chunked")), method="HEAD", body_bytes=0
    ),
    "interim responses first": Case(
        always(INTERIM + head(b"Link: </x>", status=b"HTTP/1.1 103 Early Hints") + ok()),
        body_bytes=2,
    ),
    "interim responses in pieces": Case(in_pieces(INTERIM + ok(), 7), body_bytes=2),
    "surplus bytes": Case(always(ok() + b"surplus"), body_bytes=2, spoils=True),
    "two responses for one request": Case(always(ok() + ok()), body_bytes=2, spoils=True),
    "64 KB of headers": Case(always(ok(extra=b"X-Long: " + MORE_HEAD + b"\r\n")), body_bytes=2),
    "1 MB body": Case(always(ok(b"x" * 1_000_000)), body_bytes=1_000_000),
    "slow headers, in time": Case(in_pieces(ok(), 2), body_bytes=2),
    "no reason phrase": Case(always(head(b"Content-Length: 2", status=b"HTTP/1.1 200") + b"ok")),
    "a reason in utf-8": Case(
        always(head(b"Content-Length: 2", status="HTTP/1.1 200 schön".encode()) + b"ok")
    ),
    "folded header": Case(always(head(b"X: a", b" b", b"Content-Length: 2") + b"ok")),
    "lines that end with lf": Case(always(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok")),
    "an offer to upgrade": Case(
        always(ok(extra=b"Connection: upgrade\r\nUpgrade: h2c\r\n")), body_bytes=2
    ),
    "redirect": Case(
        always(head(b"Location: /x", b"Content-Length: 0", status=b"HTTP/1.1 302 Found"))
    ),
}

UNFINISHED = {
    "closed at once": Case(close, "closed"),
    "closed in the head": Case(always(b"HTTP/1.1 200 OK\r\nContent-", keep=False), "closed"),
    "closed in the body": Case(always(ok(b"0123456789")[:-4], keep=False), "closed"),
    "closed in a chunk": Case(always(chunks(b"9\r\nok"), keep=False), "closed"),
    "closed before the last chunk": Case(always(chunks(b"2\r\nok\r\n"), keep=False), "closed"),
    "closed after an interim response": Case(always(INTERIM, keep=False), "closed"),
    "reset at once": Case(reset, "reset"),
    "reset in the head": Case(then_reset(b"HTTP/1.1 200 OK\r\nContent-"), "reset"),
    "reset in the body": Case(then_reset(ok(b"0123456789")[:-4]), "reset"),
    "reset in a chunk": Case(then_reset(chunks(b"9\r\nok")), "reset"),
    "reset in a body until close": Case(then_reset(head() + b"ok"), "reset"),
    "silence": Case(silent, "timeout"),
    "half a head, then silence": Case(always(b"HTTP/1.1 200 OK\r\nContent-"), "timeout"),
    "half a body, then silence": Case(always(ok(b"0123456789")[:-4]), "timeout"),
    "a body until close, never closed": Case(always(head() + b"ok"), "timeout"),
    "an interim response, then silence": Case(always(INTERIM), "timeout"),
    "headers that drip": Case(drip(b"HTTP/1.1 200 OK\r\nX: ", b"x"), "timeout"),
    "a body that drips": Case(drip(length(b"1000", b""), b"x"), "timeout"),
    "chunks that drip": Case(drip(chunks(b""), b"1\r\nx\r\n"), "timeout"),
    "length larger than the body": Case(always(length(b"3")), "timeout"),
    "length of 2^64 - 1": Case(always(length(b"18446744073709551615")), "timeout"),
    "chunk of 2^64 - 1": Case(always(chunks(b"ffffffffffffffff\r\nok")), "timeout"),
}

AGAINST_THE_RULES = {
    "negative length": Case(always(length(b"-2")), "protocol"),
    "length with a plus": Case(always(length(b"+2")), "protocol"),
    "length in words": Case(always(length(b"two")), "protocol"),
    "empty length": Case(always(length(b"")), "protocol"),
    "length beyond all numbers": Case(always(length(b"9" * 30)), "protocol"),
    "the same length twice": Case(
        always(head(b"Content-Length: 2", b"Content-Length: 2") + b"ok"), "protocol", ""
    ),
    "two lengths": Case(
        always(head(b"Content-Length: 2", b"Content-Length: 3") + b"ok"), "protocol"
    ),
    "length and chunks": Case(
        always(head(b"Content-Length: 2", b"Transfer-Encoding: chunked") + b"2\r\nok\r\n0\r\n\r\n"),
        "protocol",
        "",
    ),
    "chunked twice": Case(
        always(chunks(b"2\r\nok\r\n0\r\n\r\n", b"Transfer-Encoding: chunked")), "protocol"
    ),
    "chunk size in words": Case(always(chunks(b"zz\r\nok\r\n")), "protocol"),
    "negative chunk size": Case(always(chunks(b"-2\r\nok\r\n")), "protocol"),
    "empty chunk size": Case(always(chunks(b"\r\nok\r\n")), "protocol"),
    "chunk size beyond all numbers": Case(always(chunks(b"f" * 30 + b"\r\nok\r\n")), "protocol"),
    "chunk longer than its size": Case(always(chunks(b"2\r\nokok\r\n0\r\n\r\n")), "protocol"),
    "another protocol": Case(always(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "protocol"),
    "a protocol that looks like it": Case(
        always(head(b"Content-Length: 2", status=b"RTSP/1.0 200 OK") + b"ok"), "protocol"
    ),
    "http/2 in words": Case(
        always(head(b"Content-Length: 2", status=b"HTTP/2.0 200 OK") + b"ok"), "protocol", ""
    ),
    "http/0.9": Case(always(b"<html>hello</html>\r\n\r\n", keep=False), "protocol"),
    "a request for a response": Case(always(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "protocol"),
    "binary garbage": Case(always(bytes(range(256)) * 4), "protocol"),
    "a tls alert": Case(always(b"\x15\x03\x01\x00\x02\x02\x46" + b"\r\n\r\n"), "protocol"),
    "switching protocols": Case(
        always(head(b"Upgrade: x", b"Connection: upgrade", status=b"HTTP/1.1 101 Switching")),
        "protocol",
    ),
    "status of two digits": Case(always(head(status=b"HTTP/1.1 99 X")), "protocol"),
    "status of four digits": Case(always(head(status=b"HTTP/1.1 1000 X")), "protocol"),
    "status 000": Case(always(head(status=b"HTTP/1.1 000 X")), "protocol"),
    "status in words": Case(always(head(status=b"HTTP/1.1 abc X")), "protocol"),
    "nul in a header": Case(always(head(b"X: a\0b", b"Content-Length: 2") + b"ok"), "protocol"),
    "space before the colon": Case(always(head(b"Content-Length : 2") + b"ok"), "protocol"),
    "header without a colon": Case(always(head(b"Content-Length 2") + b"ok"), "protocol"),
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
    "server error": Case(
        always(head(b"Content-Length: 0", status=b"HTTP/1.1 503 Busy")), "status", body_bytes=0
    ),
    "server error until close": Case(
        always(head(status=b"HTTP/1.1 500 No") + b"no", keep=False), "status", body_bytes=2
    ),
    "status 999": Case(always(head(b"Content-Length: 0", status=b"HTTP/1.1 999 X")), "status"),
}

CASES = FINE | UNFINISHED | AGAINST_THE_RULES | STATUS
