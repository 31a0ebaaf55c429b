"""A server that answers gRPC calls wrongly on purpose; the metadata ``x-case`` chooses how.

Each case has the error kind that the call must have.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded
from hyperframe.frame import GoAwayFrame

from benchlab.load.drivers.grpc.messages import frame
from tests.load.servers import accepting

__all__ = ["CASES", "Case", "serving_badly"]

Fields = list[tuple[str, str]]

HEAD: Fields = [(":status", "200"), ("content-type", "application/grpc+proto")]
GZIP: Fields = [*HEAD, ("grpc-encoding", "gzip")]
OK: Fields = [("grpc-status", "0"), ("grpc-message", "")]
REPLY = b"\x08\x01\x12\x03abc"  # a Reply: number 1, payload "abc"
ONE = frame(REPLY)


class Wire:
    """The connection and stream of one call."""

    def __init__(self, protocol: H2Connection, stream: int, connection: socket.socket) -> None:
        self._protocol = protocol
        self._stream = stream
        self._connection = connection

    def headers(self, fields: Fields, *, ends: bool = False) -> None:
        self._protocol.send_headers(self._stream, fields, end_stream=ends)

    def data(self, data: bytes, *, ends: bool = False, padding: int | None = None) -> None:
        self._protocol.send_data(self._stream, data, end_stream=ends, pad_length=padding)

    def reset(self, code: int) -> None:
        self._protocol.reset_stream(self._stream, code)

    def flush(self) -> None:
        self._connection.sendall(self._protocol.data_to_send())

    def go_away(self, last_stream: int) -> None:
        self.flush()
        self._connection.sendall(GoAwayFrame(0, last_stream, 0).serialize())

    def go_away_but_answer(self) -> None:
        self.go_away(self._stream)

    def close(self) -> None:
        """Send nothing more. The client closes the connection, so that nothing sent is lost."""
        self.flush()
        self._connection.shutdown(socket.SHUT_WR)

    def reset_connection(self) -> None:
        """Close the connection, and have the client see an error."""
        self.flush()
        linger = struct.pack("ii", 1, 0)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        raise ConnectionAbortedError


Behaviour = Callable[[Wire], None]


class Case(NamedTuple):
    """``kind`` is a name of gRPC's or the label of another error, ``status`` the HTTP status of the
    samples, if that is certain."""

    behave: Behaviour
    kind: str
    status: int | None = 200
    message: str = ""


def reply(data: bytes, tail: Fields | None = OK, head: Fields = HEAD) -> Behaviour:
    """An ordinary sequence of frames; without ``tail``, DATA ends the stream."""

    def behave(wire: Wire) -> None:
        wire.headers(head)
        wire.data(data, ends=tail is None)
        if tail is not None:
            wire.headers(tail, ends=True)

    return behave


def only(fields: Fields) -> Behaviour:
    """Headers alone."""
    return lambda wire: wire.headers(fields, ends=True)


def page(status: int, content_type: str = "text/html") -> Behaviour:
    """What proxies send."""
    return reply(b"<p>no</p>", None, [(":status", str(status)), ("content-type", content_type)])


def reset(code: int, *, after_head: bool = False) -> Behaviour:
    def behave(wire: Wire) -> None:
        if after_head:
            wire.headers(HEAD)
            wire.data(ONE[:4])
        wire.reset(code)

    return behave


def byte_by_byte(wire: Wire) -> None:
    wire.headers(HEAD)
    for at in range(len(ONE)):
        wire.data(ONE[at : at + 1])
    wire.headers(OK, ends=True)


def with_padding(wire: Wire) -> None:
    wire.headers(HEAD)
    wire.data(ONE, padding=20)
    wire.headers(OK, ends=True)


def go_away_first(wire: Wire) -> None:
    wire.go_away(0)
    wire.close()


def go_away_and_answer(wire: Wire) -> None:
    wire.go_away_but_answer()
    reply(ONE)(wire)


def close_midway(wire: Wire) -> None:
    wire.headers(HEAD)
    wire.data(ONE[:4])
    wire.close()


def reset_midway(wire: Wire) -> None:
    wire.headers(HEAD)
    wire.data(ONE[:4])
    wire.reset_connection()


def _squeezed() -> bytes:
    stream = zlib.compressobj(wbits=31)
    return stream.compress(REPLY) + stream.flush()


def _status(code: str, message: str = "") -> Fields:
    return [("grpc-status", code), ("grpc-message", message)]


CASES = {
    "well": Case(reply(ONE), ""),
    "well, in trailers of the first block only": Case(reply(ONE, [("grpc-status", "0")]), ""),
    "well, byte by byte": Case(byte_by_byte, ""),
    "well, padded": Case(with_padding, ""),
    "well, with metadata": Case(reply(ONE, [*OK, ("x-cost-bin", "AAE")], [*HEAD, ("x", "y")]), ""),
    "well, compressed": Case(reply(frame(_squeezed(), compressed=True), OK, GZIP), ""),
    "well, compression announced but not used": Case(reply(ONE, OK, GZIP), ""),
    "well, while going away": Case(go_away_and_answer, ""),
    "no trailers": Case(reply(ONE, None), "INTERNAL", message="without trailers"),
    "nothing but headers": Case(only(HEAD), "INTERNAL", message="without trailers"),
    "trailers without a status": Case(reply(ONE, [("x", "y")]), "UNKNOWN", message="grpc-status"),
    "no message": Case(reply(b"", OK), "INTERNAL", message="no message"),
    "OK at once": Case(only([*HEAD, *OK]), "INTERNAL", message="no message"),
    "two messages": Case(reply(ONE * 2), "INTERNAL", message="more than one message"),
    "a truncated message": Case(reply(ONE[:-1]), "INTERNAL", message="6 of a message's 7"),
    "a truncated prefix": Case(reply(ONE[:3]), "INTERNAL", message="3 of the 5 bytes"),
    "more than the prefix says": Case(reply(ONE + b"\xff"), "INTERNAL", message="1 of the 5"),
    "compressed without an encoding": Case(
        reply(frame(_squeezed(), compressed=True)), "INTERNAL", message="does not say how"
    ),
    "a flag that is none": Case(reply(b"\x09" + ONE[1:]), "INTERNAL", message="flag"),
    "a status beyond all": Case(reply(ONE, _status("17")), "UNKNOWN", message="none of gRPC's"),
    "a status that is a word": Case(reply(ONE, _status("OK")), "UNKNOWN", message="not a number"),
    "an error at once": Case(
        only([*HEAD, *_status("5", "caf%C3%A9")]), "NOT_FOUND", message="café"
    ),
    "an error with a broken message": Case(
        only([*HEAD, *_status("9", "100% %zz")]), "FAILED_PRECONDITION", message="100% %zz"
    ),
    "an error after a message": Case(reply(ONE, _status("8")), "RESOURCE_EXHAUSTED"),
    "a page": Case(page(200), "UNKNOWN", message="text/html"),
    "JSON": Case(page(200, "application/json"), "UNKNOWN", message="application/json"),
    "a page: 401": Case(page(401), "UNAUTHENTICATED", 401),
    "a page: 403": Case(page(403), "PERMISSION_DENIED", 403),
    "a page: 404": Case(page(404), "UNIMPLEMENTED", 404),
    "a page: 429": Case(page(429), "UNAVAILABLE", 429),
    "a page: 500": Case(page(500), "UNKNOWN", 500),
    "a page: 503": Case(page(503), "UNAVAILABLE", 503, "the HTTP status is 503"),
    "a status from a proxy": Case(
        only([(":status", "503"), ("content-type", "application/grpc"), *_status("16", "who")]),
        "UNAUTHENTICATED",
        503,
        "who",
    ),
    "reset: no error": Case(reset(0), "INTERNAL", 0),
    "reset: internal error": Case(reset(2), "INTERNAL", 0),
    "reset: refused": Case(reset(7), "UNAVAILABLE", 0),
    "reset: cancelled": Case(reset(8), "CANCELLED", 0),
    "reset: calm": Case(reset(11), "RESOURCE_EXHAUSTED", 0),
    "reset: insecure": Case(reset(12), "PERMISSION_DENIED", 0),
    "reset in a message": Case(reset(2, after_head=True), "INTERNAL", 200),
    "gone away": Case(go_away_first, "UNAVAILABLE", 0),
    "closed in a message": Case(close_midway, "closed"),
    "connection reset in a message": Case(reset_midway, "reset", None),
}
"""Ways to answer, and what a call to each must be: a name of gRPC's, or another kind's label."""


@contextlib.contextmanager
def serving_badly(counts: Counter[str]) -> Iterator[str]:
    """Serve on a free port; yields host and port. ``counts`` has the calls of each case."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            config = H2Configuration(client_side=False, header_encoding="utf-8")
            protocol = H2Connection(config)
            protocol.initiate_connection()
            connection.sendall(protocol.data_to_send())
            wanted: dict[int, str] = {}
            while data := connection.recv(65536):
                for event in protocol.receive_data(data):
                    if isinstance(event, RequestReceived):
                        fields = {str(name): str(value) for name, value in event.headers or ()}
                        wanted[event.stream_id] = fields["x-case"]
                    elif isinstance(event, StreamEnded):
                        case = wanted.pop(event.stream_id)
                        counts[case] += 1
                        CASES[case].behave(Wire(protocol, event.stream_id, connection))
                if to_send := protocol.data_to_send():
                    connection.sendall(to_send)

    with accepting(listener, serve):
        yield f"127.0.0.1:{listener.getsockname()[1]}"
