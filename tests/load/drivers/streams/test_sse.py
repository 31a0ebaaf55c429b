"""The parser of server-sent events, against the text of the standard."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchlab.load.drivers.streams import sse
from benchlab.load.drivers.streams.sse import EventParser, EventTooLongError

EXAMPLES = {
    b"": [],
    b"data: one\n\n": [b"one"],
    b"data: one\r\n\r\n": [b"one"],
    b"data: one\r\r": [b"one"],
    b"data:one\n\ndata:  two\n\n": [b"one", b" two"],
    b"\xef\xbb\xbfdata: one\n\n": [b"one"],
    b"data: one\n\xef\xbb\xbfdata: two\n\n": [b"one"],  # only at the start
    b"data: YHOO\ndata: +2\ndata: 10\n\n": [b"YHOO\n+2\n10"],  # from the standard
    b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n": [
        b"first event",
        b"second event",
    ],
    b"data\n\ndata\ndata\n\ndata:": [b"", b"\n"],
    b"data:test\n\ndata: test\n\n": [b"test", b"test"],
    b"event: only\n\nretry: 10\n\n:\n\n": [],
    b"data: lost": [],
    b"data: lost\n": [],
    b"Data: one\n\ndata : two\n\n data: three\n\n": [],
    "data: é€\n\n".encode(): ["é€".encode()],
    b"data: a\r\n\n\r\rdata: b\n\r\n": [b"a", b"b"],
}


def reference(stream: bytes) -> list[bytes]:
    """The events of a whole stream, step by step as the standard has it."""
    events: list[bytes] = []
    data = b""
    lines = re.split(rb"\r\n|\n|\r", stream.removeprefix(b"\xef\xbb\xbf"))
    for line in lines[:-1]:  # the last one has no end
        if not line:
            if data:
                events.append(data.removesuffix(b"\n"))
            data = b""
        elif line.startswith(b":"):
            continue
        else:
            name, colon, value = line.partition(b":")
            value = value.removeprefix(b" ") if colon else b""
            if name == b"data":
                data += value + b"\n"
    return events


def in_pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    parser, found, start = EventParser(), [], 0
    for cut in sorted({min(cut, len(stream)) for cut in cuts} | {len(stream)}):
        found += parser.feed(stream[start:cut])
        start = cut
    return found


@pytest.mark.parametrize("stream", EXAMPLES)
def test_known_streams(stream: bytes) -> None:
    expected = EXAMPLES[stream]
    assert EventParser().feed(stream) == expected
    assert in_pieces(stream, list(range(len(stream)))) == expected
    assert reference(stream) == expected


WORDS = rb"data|data:|data: x|:| |event: e|id: 1|y"
ENDS_AND_MORE = b"\n|\r|\r\n|\n\n|\xef\xbb\xbf|\0|\xff"
PARTS = st.lists(
    st.sampled_from([*WORDS.split(b"|"), *ENDS_AND_MORE.split(b"|")]), max_size=30
).map(b"".join)


@given(PARTS | st.binary(max_size=60), st.lists(st.integers(0, 120), max_size=12))
@example(b"data: a\r\n\r\n", [8, 9, 10])
@example(b"\xef\xbb\xbfdata: a\n\n", [1, 2, 3])
@example(b"\xef\xbbdata: a\n\n", [1, 2])
def test_any_stream_in_any_pieces(stream: bytes, cuts: list[int]) -> None:
    assert in_pieces(stream, cuts) == reference(stream)


@given(PARTS)
def test_an_event_is_complete_with_its_last_byte(stream: bytes) -> None:
    parser = EventParser()
    for end in range(1, len(stream) + 1):
        before = len(reference(stream[: end - 1]))
        assert len(parser.feed(stream[end - 1 : end])) == len(reference(stream[:end])) - before


def test_inside_an_event() -> None:
    parser = EventParser()
    assert not parser.is_inside
    for piece, inside in ((b"da", True), (b"ta: x\n", True), (b"\n", False), (b": no", True)):
        parser.feed(piece)
        assert parser.is_inside is inside


@pytest.mark.parametrize("piece", [b"x" * 40, b"data: " + b"x" * 30 + b"\n"])
def test_an_event_without_an_end(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MOST_EVENT_BYTES", 100)
    parser = EventParser()
    with pytest.raises(EventTooLongError, match="more than 100 bytes"):
        in_pieces_of(piece, parser)


def in_pieces_of(piece: bytes, parser: EventParser) -> None:
    for _ in range(10):
        parser.feed(piece)
