"""Serve HTTP/2 with behaviours that are written for HTTP/1.1, so that one set of services tests
every driver."""

from __future__ import annotations

import contextlib
import io
import select
import socket
import struct
import threading
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError
from hyperframe.frame import HeadersFrame

__all__ = ["PREFACE", "serve_http2"]

PREFACE = b"PRI * HTTP/2.0\r\n\r\n"
_OF_CONNECTIONS = ("connection", "keep-alive", "transfer-encoding")

Respond = Callable[[socket.socket, bytes], bool]
"""Responds to a request of HTTP/1.1; True to read another."""


def serve_http2(connection: socket.socket, respond: Respond) -> None:
    """Serve one connection, one request after the other."""
    protocol = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
    protocol.initiate_connection()
    connection.sendall(protocol.data_to_send())
    waiting: dict[int, tuple[list[tuple[str, str]], bytearray]] = {}
    with contextlib.suppress(OSError, ValueError, ProtocolError):
        while data := connection.recv(65536):
            ended: list[int] = []
            for event in protocol.receive_data(data):
                if isinstance(event, RequestReceived):
                    fields = [(str(name), str(value)) for name, value in event.headers or ()]
                    waiting[event.stream_id] = fields, bytearray()
                elif isinstance(event, DataReceived):
                    waiting[event.stream_id][1].extend(event.data or b"")
                    protocol.acknowledge_received_data(
                        event.flow_controlled_length or 0, event.stream_id
                    )
                elif isinstance(event, StreamEnded):
                    ended.append(event.stream_id)
                elif isinstance(event, StreamReset):
                    waiting.pop(event.stream_id, None)
            connection.sendall(protocol.data_to_send())
            for number in ended:
                fields, body = waiting.pop(number)
                if not _Exchange(connection, protocol, number, respond).run(fields, bytes(body)):
                    return


class _Exchange:
    """One request, its response by ``respond``, and that response in frames."""

    def __init__(
        self, connection: socket.socket, protocol: H2Connection, number: int, respond: Respond
    ) -> None:
        self._connection = connection
        self._protocol = protocol
        self._number = number
        self._respond = respond
        self._keep = False

    def run(self, fields: list[tuple[str, str]], body: bytes) -> bool:
        """Returns False if the connection is to be closed."""
        near, far = socket.socketpair()
        request = _as_http1(fields, body)

        def respond() -> None:
            with contextlib.suppress(OSError):
                self._keep = self._respond(far, request)
            with contextlib.suppress(OSError):  # the service may have ended meanwhile
                far.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=respond)
        thread.start()
        with near, far:
            response = self._collect(near)
            near.shutdown(socket.SHUT_RDWR)  # the client may be gone
            thread.join()
            linger = struct.unpack("ii", far.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))
        if linger[0]:
            reset = struct.pack("ii", *linger)
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            return False
        whole = bool(response) and self._forward(response, dict(fields)[":method"])
        if whole and not self._keep:
            self._protocol.close_connection()
        self._flush()
        if not self._keep:
            _close(self._connection)
        return self._keep

    def _collect(self, near: socket.socket) -> bytes:
        """The response, once it is whole; what there is of it when the client has gone."""
        parts: list[bytes] = []
        while True:
            readable, _, _ = select.select([near, self._connection], [], [])
            if near in readable:
                part = near.recv(65536)
                if not part:
                    return b"".join(parts)
                parts.append(part)
            elif not self._read_more():
                return b"".join(parts)

    def _read_more(self) -> bool:
        """Read what the client sends meanwhile; False if it has gone or given up the request."""
        data = self._connection.recv(65536)
        events = self._protocol.receive_data(data) if data else []
        given_up = any(isinstance(event, StreamReset) for event in events)
        self._flush()
        return bool(data) and not given_up

    def _forward(self, data: bytes, method: str) -> bool:
        """Send a response; returns False if it is not whole."""
        try:
            return self._forward_whole(data, method)
        except IncompleteRead as exc:
            self._send(exc.partial)
        except (HTTPException, ValueError):
            garbage = HeadersFrame(self._number, b"\xff" * 5, flags=["END_HEADERS"])
            self._connection.sendall(garbage.serialize())
        return False

    def _forward_whole(self, data: bytes, method: str) -> bool:
        source, interim = io.BytesIO(data), []
        while True:
            response = HTTPResponse(cast(Any, _Reading(source)), method=method)
            response.begin()
            interim.append(response)  # it would close the source if it were forgotten
            fields = [(":status", str(response.status))] + [
                (name.lower(), value.strip())
                for name, value in response.getheaders()
                if name.lower() not in _OF_CONNECTIONS
            ]
            if response.status >= 200:
                break
            self._protocol.send_headers(self._number, fields)
        self._protocol.send_headers(self._number, fields)
        self._send(response.read())
        self._protocol.end_stream(self._number)
        self._flush()
        return True

    def _send(self, data: bytes) -> None:
        while data:
            while not self._protocol.local_flow_control_window(self._number):
                self._protocol.receive_data(self._connection.recv(65536))
            size = min(
                self._protocol.local_flow_control_window(self._number),
                self._protocol.max_outbound_frame_size,
            )
            self._protocol.send_data(self._number, data[:size])
            data = data[size:]
            self._flush()

    def _flush(self) -> None:
        self._connection.sendall(self._protocol.data_to_send())


def _close(connection: socket.socket) -> None:
    """Close a connection whose client may still send, without a reset."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


class _Reading:
    """What `HTTPResponse` needs of a socket, without losing what it has read ahead."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def makefile(self, _mode: str) -> Any:
        return self._source


def _as_http1(fields: list[tuple[str, str]], body: bytes) -> bytes:
    named = dict(fields)
    lines = [f"{named[':method']} {named[':path']} HTTP/1.1", f"Host: {named[':authority']}"]
    lines += [f"{name}: {value}" for name, value in fields if not name.startswith(":")]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
