"""The response parser: the same result for any split of the bytes, and the same as h11's."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchlab import BodyContains, MaxBody, Request, StatusIn
from benchlab.load.drivers.checking import make_checker
from benchlab.load.drivers.wire.head import ProtocolError, parse_head
from benchlab.load.drivers.wire.head_cache import BODY_IS_READ, HeadCache
from benchlab.load.drivers.wire.response import Response
from benchlab.plan.checks import Check
from benchlab.samples.examples import BODY_BYTES
from benchlab.samples.samples import ErrorKind


class Read(NamedTuple):
    """The result of a parser: ``error`` alone, or the response so far."""

    error: bool = False
    complete: bool = False
    status: int = 0
    body_bytes: int = 0
    reusable: bool = False


BODIES = st.binary(max_size=200)


def plain(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def chunked(status: int, body: bytes, size: int) -> bytes:
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    encoded = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % (status, encoded)


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


def read(pieces: list[bytes], *, head_only: bool = False, closed: bool = False) -> Read:
    """The result of `Response` for ``pieces``, followed by the end of the connection."""
    response = Response(head_only=head_only)
    try:
        for piece in pieces:
            response.feed(piece)
    except ProtocolError:
        return Read(error=True)
    complete = response.end() if closed else response.complete
    reusable = complete and response.reusable
    return Read(False, complete, response.status, response.body_bytes, reusable)


def read_by_h11(data: bytes, *, head_only: bool = False) -> Read:
    """The result of h11 for ``data``, followed by the end of the connection."""
    connection = h11.Connection(h11.CLIENT)
    method = "HEAD" if head_only else "GET"
    connection.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    status = body_bytes = 0
    try:
        connection.receive_data(data)
        connection.receive_data(b"")
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body_bytes += len(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return Read(False, True, status, body_bytes, connection.their_state is h11.DONE)
            else:
                assert isinstance(event, h11.InformationalResponse)
    except h11.RemoteProtocolError:
        return Read(error=True)


TOKEN = st.text("abcXYZ019-_", min_size=1, max_size=12).map(lambda name: f"X{name}".encode())
VALUE = st.text('abc XYZ,;=/"é', max_size=30).map(lambda value: value.strip().encode("latin-1"))


@st.composite
def messages(draw: st.DrawFn, *, head_only: bool = False) -> bytes:
    """A complete response with any framing, perhaps after interim responses."""
    interim = draw(st.lists(st.sampled_from([100, 102, 103]), max_size=2))
    before = b"".join(b"HTTP/1.1 %d Wait\r\nX-A: b\r\n\r\n" % status for status in interim)
    version = draw(st.sampled_from([b"1.1", b"1.1", b"1.0"]))
    status = draw(st.sampled_from([200, 201, 204, 304, 400, 404, 500, 599]))
    lines = [b"%b: %b" % pair for pair in draw(st.lists(st.tuples(TOKEN, VALUE), max_size=4))]
    close = draw(st.booleans())
    if close:
        lines.append(b"Connection: close")
    body = draw(BODIES)
    if status in (204, 304):
        body = b""
    framing = draw(st.sampled_from(["length", "chunked", "close"]))
    if framing == "chunked" and version == b"1.1" and status not in (204, 304):
        lines.append(b"Transfer-Encoding: chunked")
        body = draw_chunks(draw, body)
    elif framing == "length" or not close:
        lines.append(b"Content-Length: %d" % len(body))
    lines = draw(st.permutations(lines))
    start = b"HTTP/%b %d %b" % (version, status, draw(st.sampled_from([b"OK", b"", b"Not so"])))
    return before + b"\r\n".join([start, *lines, b"", b"" if head_only else body])


def draw_chunks(draw: st.DrawFn, body: bytes) -> bytes:
    size = draw(st.integers(1, 60))
    extension = draw(st.sampled_from([b"", b";a=b", b';a="b c";d']))
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    chunks = [b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts]
    trailers = draw(st.sampled_from([b"", b"X-T: v\r\n"]))
    return b"".join((*chunks, b"0", extension, b"\r\n", trailers, b"\r\n"))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A response with a few bytes changed, removed or inserted."""
    data = bytearray(draw(messages()))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        take = draw(st.integers(0, 2))
        data[at : at + take] = draw(st.sampled_from(NASTY))
    return bytes(data)


NASTY = [b"", b"\r\n", *(bytes([byte]) for byte in b"\r\n\0 \t:;,09f-\xff")]
CUTS = st.lists(st.integers(0, 10_000), max_size=8)


@given(
    case=st.booleans().flatmap(lambda head: st.tuples(st.just(head), messages(head_only=head))),
    cuts=CUTS,
)
def test_responses_are_read_as_h11_reads_them(case: tuple[bool, bytes], cuts: list[int]) -> None:
    head_only, data = case
    ours = read(split(data, cuts), head_only=head_only, closed=True)
    assert ours == read_by_h11(data, head_only=head_only)
    assert not ours.error


@given(data=mutated(), cuts=CUTS)
@example(data=b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", cuts=[9])
def test_mutated_responses_are_read_alike_in_any_split(data: bytes, cuts: list[int]) -> None:
    assert read(split(data, cuts), closed=True) == read([data], closed=True)


@given(data=mutated())
def test_responses_that_both_accept_are_read_alike(data: bytes) -> None:
    ours, theirs = read([data], closed=True), read_by_h11(data)
    if ours.complete and theirs.complete:
        assert ours[:4] == theirs[:4]


@given(data=st.one_of(messages(), mutated()), head_only=st.booleans())
@example(
    data=b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX:\r\r\nConnection: close\r\n\r\nx",
    head_only=False,
)
@example(
    data=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0;a=\n\r\n",
    head_only=False,
)
def test_a_cached_head_agrees_with_the_parser(data: bytes, head_only: bool) -> None:
    end = data.find(b"\r\n\r\n") + 4
    memory = HeadCache(head_only=head_only)
    try:
        plain = memory.learn(data[:end])
    except ProtocolError:
        return  # invalid, or not exactly a head: then the response is read from its first byte
    if plain is None:
        return
    status, length, reusable, _, head = plain
    assert head.raw == data[:end]
    ours = read([data], head_only=head_only)
    if length == BODY_IS_READ:
        assert ours.status == status or ours.error, "damage after the head"
        return
    assert ours.status == status
    got = len(data) - end
    assert ours.body_bytes == min(got, length)
    assert ours.complete == (got >= length)
    if got == length:
        assert ours.reusable == reusable


@given(
    status=st.sampled_from([200, 201, 404, 500]),
    body=BODIES,
    size=st.integers(0, 50),
    cuts=st.lists(st.integers(0, 10_000), max_size=8),
)
def test_any_split_gives_the_same_response(
    status: int, body: bytes, size: int, cuts: list[int]
) -> None:
    data = chunked(status, body, size) if size else plain(status, body)
    response = Response()
    done = [response.feed(piece) for piece in split(data, cuts)]
    assert done[-1] is True
    assert not any(done[:-1])
    assert (response.status, response.body_bytes, response.reusable) == (status, len(body), True)


@given(
    status=st.sampled_from([200, 404]),
    body=BODIES,
    body_limit=st.integers(0, 60),
    cuts=st.lists(st.integers(0, 10_000), max_size=8),
)
def test_a_body_is_stored_up_to_the_limit(
    status: int, body: bytes, body_limit: int, cuts: list[int]
) -> None:
    response = Response(body_limit=body_limit)
    for piece in split(chunked(status, body, 7), cuts):
        response.feed(piece)
    assert response.body == body[: body_limit if status == 200 else BODY_BYTES]


def test_the_headers_of_the_final_response_are_read() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nContent-Encoding: br\r\n\r\n"
    data = early + (
        b"HTTP/1.1 404 No\r\nContent-Encoding: gzip\r\nX-A:  b:c \r\nContent-Length: 0\r\n\r\n"
    )
    response = Response()
    assert response.feed(data)
    assert response.headers() == [
        ("Content-Encoding", "gzip"),
        ("X-A", "b:c"),
        ("Content-Length", "0"),
    ]
    assert response.encoding == "gzip"


def test_codings_of_the_transfer_are_codings_of_the_body() -> None:
    response = Response()
    response.feed(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nTransfer-Encoding: gzip,\r\n chunked\r\n\r\n"
        b"0\r\nContent-Encoding: zstd\r\n\r\n"
    )
    assert response.complete
    assert response.encoding == "br, gzip"
    assert response.headers()[1] == ("Transfer-Encoding", "gzip, chunked")


@pytest.mark.parametrize(
    ("checks", "length", "error"),
    [
        ([StatusIn(200)], 5, ErrorKind.OK),
        ([StatusIn(201)], 5, ErrorKind.CHECK),
        ([MaxBody(5)], 5, ErrorKind.OK),
        ([MaxBody(4)], 5, ErrorKind.CHECK),
        ([BodyContains("x")], BODY_IS_READ, ErrorKind.OK),
    ],
)
def test_a_cached_head_agrees_with_the_checks(
    checks: list[Check], length: int, error: ErrorKind
) -> None:
    checker = make_checker(Request("GET", "http://localhost/", checks=checks))
    memory = HeadCache(head_only=False, checker=checker)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    learned = (200, length, True, error, parse_head(head, head_only=False))
    assert memory.learn(head) == learned
    assert memory.known == {head: learned}
    memory.forget(head)
    assert memory.known == {}


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_bodies_without_a_length_are_read(head: bytes) -> None:
    memory = HeadCache(head_only=False)
    learned = memory.learn(head)
    assert learned is not None
    assert learned[1] == BODY_IS_READ
    assert memory.known == {head: learned}


def test_an_interim_head_is_read_with_what_follows() -> None:
    memory = HeadCache(head_only=False)
    head = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert memory.learn(head) is None
    assert memory.known == {head: None}


def test_the_cache_is_bounded() -> None:
    memory = HeadCache(head_only=False)
    for number in range(2000):
        memory.learn(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Id: %d\r\n\r\n" % number)
    assert len(memory.known) <= 512


@pytest.mark.parametrize(
    ("data", "end", "complete"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nbody", True, True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody", True, False),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
            True,
            False,
        ),
        (b"HTTP/1.1 200 OK\r\nContent-", True, False),
    ],
)
def test_only_responses_without_a_length_end_with_the_connection(
    data: bytes, end: bool, complete: bool
) -> None:
    response = Response()
    assert response.feed(data) is False
    assert response.end() is complete


@given(data=st.binary(min_size=1, max_size=300))
def test_garbage_raises_only_protocol_errors(data: bytes) -> None:
    response = Response()
    try:
        complete = response.feed(data)
    except ProtocolError:
        return
    assert complete in (True, False)
