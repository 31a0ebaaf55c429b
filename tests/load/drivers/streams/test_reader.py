"""One response read as a stream."""

from __future__ import annotations

import pytest

from benchlab.load.drivers.streams import sse
from benchlab.load.drivers.streams.reader import StreamReader, StreamReading
from benchlab.load.drivers.streams.sse import EventTooLongError
from benchlab.load.drivers.wire.head import ProtocolError
from benchlab.load.drivers.wire.response import Response
from benchlab.load.drivers.wire.stream_connection import StreamBody
from benchlab.plan.checks import Check, EventContains
from benchlab.plan.request import Request
from benchlab.plan.stream import Stream
from benchlab.samples.samples import ErrorKind

EVENTS = "text/event-stream"


def reader(stream: Stream, *checks: Check) -> StreamReader:
    request = Request("GET", "http://127.0.0.1/", stream=stream, checks=checks)
    made = StreamReading(request, stream).begin()
    made.accept(EVENTS, "")
    assert made.is_stream
    return made


def test_what_follows_the_last_event_that_is_read_is_not_looked_at() -> None:
    found = reader(Stream(max_events=2), EventContains("x"))
    found.feed(b"data: x\n\ndata: x\n\ndata: y\n\n", 1)
    assert found.is_full
    found.feed(b"data: y\n\n", 2)
    assert (found.meter.events, found.finish()) == (2, "")


@pytest.mark.parametrize("checks", [(), (EventContains("a"),)])
def test_a_chunk_in_parts_is_one_event(checks: tuple[Check, ...]) -> None:
    found = reader(Stream("chunks"), *checks)
    for part in (b"a", b"bc"):
        found.feed(part, 1)
    found.end_chunk(2)
    found.end_chunk(3)
    assert (found.meter.events, found.meter.event_bytes) == (1, 3)
    assert found.finish() == ""


def test_an_event_without_an_end_is_no_valid_response(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MOST_EVENT_BYTES", 10)
    found = reader(Stream("chunks"), EventContains("a"))
    with pytest.raises(EventTooLongError):
        found.feed(b"a" * 11, 1)
    body = StreamBody(0, reader(Stream()))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    with pytest.raises(ProtocolError, match="more than 10 bytes"):
        Response(body=body).feed(head + b"data: 12345678901")


def test_a_failure_says_how_far_the_stream_came() -> None:
    found = reader(Stream())
    found.feed(b"data: x\n\n", 1)
    assert found.fail(ErrorKind.CHECK, "why") == "why"
    assert found.fail(ErrorKind.RESET, "") == "the stream broke off after 1 event"
    assert found.was_left
