"""How a call ended, by all that came of its response."""

from __future__ import annotations

import pytest

from benchlab.load.drivers.grpc.messages import compress, frame
from benchlab.load.drivers.grpc.response import CallResponse
from benchlab.load.drivers.grpc.statuses import end_of_trailers
from benchlab.samples.records import ErrorKind

Fields = list[tuple[str, str]]

HEAD = [(":status", "200"), ("content-type", "application/grpc+proto")]
OK = [("grpc-status", "0")]
ONE = frame(b"reply")
INTERNAL = ErrorKind.GRPC_INTERNAL
UNKNOWN = ErrorKind.GRPC_UNKNOWN


def status(code: int) -> Fields:
    return [("grpc-status", str(code)), ("grpc-message", "too%20bad")]


def begin(response: CallResponse, head: Fields) -> None:
    response.headers(int(head[0][1]), head[1:])


def ended(
    head: Fields, data: bytes, tail: Fields | None, *, streams: bool = False
) -> tuple[ErrorKind, str]:
    response = CallResponse(streams=streams)
    begin(response, head)
    if data:
        response.data(data)
    if tail is not None:
        response.trailers(end_of_trailers(tail))
    return response.end()


@pytest.mark.parametrize(
    ("head", "data", "tail", "kind", "why"),
    [
        (HEAD, ONE, OK, ErrorKind.OK, ""),
        (HEAD, ONE, status(14), ErrorKind.GRPC_UNAVAILABLE, "too bad"),
        ([*HEAD, *status(5)], b"", None, ErrorKind.GRPC_NOT_FOUND, "too bad"),
        (HEAD, ONE, None, INTERNAL, "without trailers"),
        (HEAD, ONE, [("x-mine", "1")], UNKNOWN, "no grpc-status"),
        (HEAD, b"", OK, INTERNAL, "no message"),
        ([*HEAD, *OK], b"", None, INTERNAL, "no message"),
        (HEAD, ONE * 2, OK, INTERNAL, "more than one message"),
        (HEAD, ONE[:-1], OK, INTERNAL, "4 of a message's 5 bytes"),
        (HEAD, ONE[:-1], status(10), ErrorKind.GRPC_ABORTED, "too bad"),
        (HEAD, b"\1\0\0\0\0", OK, INTERNAL, "grpc-encoding does not say how"),
        (HEAD, b"\7\0\0\0\0", OK, INTERNAL, "compressed flag of a message is 7"),
        ([*HEAD, ("grpc-encoding", "gzip")], b"\1\0\0\0\1x", OK, ErrorKind.OK, ""),
        ([(":status", "200")], ONE, OK, UNKNOWN, "no content-type"),
        ([(":status", "200"), ("content-type", "text/html")], b"<p>", None, UNKNOWN, "text/html"),
        ([(":status", "404"), HEAD[1]], b"", None, ErrorKind.GRPC_UNIMPLEMENTED, "status is 404"),
        ([(":status", "503")], b"<p>", None, ErrorKind.GRPC_UNAVAILABLE, "status is 503"),
        ([(":status", "503"), *status(7)], b"", None, ErrorKind.GRPC_PERMISSION_DENIED, "too bad"),
        ([(":status", "500"), *OK], b"", None, UNKNOWN, "status is 500"),
    ],
)
def test_a_call_ends_as_its_response_says(
    head: Fields, data: bytes, tail: Fields | None, kind: ErrorKind, why: str
) -> None:
    error, message = ended(head, data, tail)
    assert error is kind
    assert why in message


def test_a_stream_may_have_any_number_of_messages() -> None:
    for data in (b"", ONE, ONE * 3):
        assert ended(HEAD, data, OK, streams=True) == (ErrorKind.OK, "")
    assert ended([*HEAD, *OK], b"", None, streams=True) == (ErrorKind.OK, "")


def test_nothing_more_can_come_after_a_fault() -> None:
    response = CallResponse(streams=False)
    begin(response, HEAD)
    assert response.data(ONE) == [5]
    assert response.data(ONE) == [5]
    assert response.is_broken
    assert response.data(ONE) == []


def test_kept_messages_are_decompressed() -> None:
    response = CallResponse(streams=True, keep_bytes=1000)
    begin(response, [*HEAD, ("grpc-encoding", "gzip")])
    response.data(frame(compress(b"long" * 99, "gzip"), compressed=True) + frame(b"short"))
    assert response.messages() == ([b"long" * 99, b"short"], "")


def test_a_message_that_is_not_as_compressed_as_it_says_has_a_reason() -> None:
    for encoding in ("gzip", "snappy"):
        response = CallResponse(streams=False, keep_bytes=1000)
        begin(response, [*HEAD, ("grpc-encoding", encoding)])
        response.data(frame(b"plain", compressed=True))
        assert encoding in response.messages()[1]
