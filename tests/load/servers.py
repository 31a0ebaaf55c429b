"""Servers that misbehave on purpose: raw sockets, one scripted response per request."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn

from benchlab.plan.drivers import DRIVERS
from tests.load.http2_gateway import PREFACE, serve_http2

HTTP1_DRIVERS = [name for name, traits in DRIVERS.items() if not traits.is_multiplexed]
"""The drivers that speak HTTP/1.1."""

Behaviour = Callable[[socket.socket, bytes, int], bool]
"""Handles a request, given the connection and the request's number; True to read another."""


def ok(body: bytes = b"ok", extra: bytes = b"") -> bytes:
    """An ordinary response."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n%b" % (len(body), extra, body)


def always(response: bytes, *, keep: bool = True) -> Behaviour:
    """Send the same bytes for every request; then keep the connection or close it."""

    def behave(connection: socket.socket, _request: bytes, _number: int) -> bool:
        connection.sendall(response)
        return keep

    return behave


def in_turn(*responses: bytes) -> Behaviour:
    """Apply one behaviour after the other, and start again after the last."""

    def behave(connection: socket.socket, _request: bytes, number: int) -> bool:
        connection.sendall(responses[number % len(responses)])
        return True

    return behave


def by_path(*behaviours: Behaviour) -> Behaviour:
    """The behaviour that the path counts to: /0, /1, …"""

    def behave(connection: socket.socket, request: bytes, number: int) -> bool:
        path = request.split(b" ", 2)[1]
        return behaviours[int(path.strip(b"/"))](connection, request, number)

    return behave


def in_pieces(response: bytes, size: int = 1, *, keep: bool = True) -> Behaviour:
    """Send the response in segments of ``size`` bytes, each before the next is written."""

    def behave(connection: socket.socket, _request: bytes, _number: int) -> bool:
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(response), size):
            connection.sendall(response[start : start + size])
            time.sleep(0.0002)
        return keep

    return behave


def chunked(*parts: bytes, status: bytes = b"200 OK", extra: bytes = b"") -> bytes:
    """A response with a chunked body."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    head = b"HTTP/1.1 %b\r\nTransfer-Encoding: chunked\r\n%b\r\n" % (status, extra)
    return head + body + b"0\r\n\r\n"


def reset(connection: socket.socket, _request: bytes, _number: int) -> bool:
    """Reset the connection instead of responding."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


class Answering:
    """A behaviour that is also called for every connection."""

    def connected(self, connection: socket.socket) -> None:
        """``connection`` was accepted, its TLS handshake done."""

    def __call__(self, connection: socket.socket, request: bytes, number: int) -> bool:
        """See `Behaviour`."""
        raise NotImplementedError


@contextlib.contextmanager
def serving(
    behaviour: Behaviour,
    host: str = "127.0.0.1",
    *,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    unix_socket: Path | None = None,
) -> Iterator[str]:
    """A server on a free port (or ``port``) or a Unix socket, a thread per connection; its URL.

    It speaks HTTP/1.1, and HTTP/2 to a client that insists on it.
    """
    if tls is not None:
        tls.set_alpn_protocols(["http/1.1", "h2"])
    if unix_socket is None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(unix_socket))
        listener.listen()
    numbers = iter(range(10**9))

    def serve(accepted: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            tls.wrap_socket(accepted, server_side=True) if tls else accepted as connection,
        ):
            if isinstance(behaviour, Answering):
                behaviour.connected(connection)
            if _speaks_http2(connection):
                serve_http2(
                    connection, lambda stream, request: behaviour(stream, request, next(numbers))
                )
                return
            keep = True
            while keep:
                request = _read_request(connection)
                if not request:
                    return
                keep = behaviour(connection, request, next(numbers))

    with accepting(listener, serve):
        if unix_socket is not None:
            yield str(unix_socket)
        else:
            shown = f"[{host}]" if ":" in host else host
            scheme = "http" if tls is None else "https"
            yield f"{scheme}://{shown}:{listener.getsockname()[1]}/"


@contextlib.contextmanager
def serving_uvicorn(app: Callable[..., Any]) -> Iterator[str]:
    """An ASGI application behind uvicorn, in a thread; its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def accepting(listener: socket.socket, serve: Callable[[socket.socket], None]) -> Iterator[None]:
    """Run ``serve`` for each connection in a thread of its own; end all threads afterwards."""
    connections: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        thread.join()


def _speaks_http2(connection: socket.socket) -> bool:
    if isinstance(connection, ssl.SSLSocket):
        return connection.selected_alpn_protocol() == "h2"
    return connection.recv(len(PREFACE), socket.MSG_PEEK).startswith(PREFACE[:3])


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
