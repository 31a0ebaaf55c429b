"""The quick path and the full one: whatever a service sends, everything about it is the same."""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any, cast

import pytest
from hyperframe.frame import ContinuationFrame, DataFrame, HeadersFrame

from benchlab.load.drivers.grpc.call import Call, Method, ReadCall
from benchlab.load.drivers.grpc.messages import frame
from benchlab.load.drivers.http2 import connection as module
from benchlab.load.drivers.http2.frames import FrameType, Setting, encode_frame, encode_settings
from benchlab.load.recording.outcome import Excerpt, Outcome
from tests.load.drivers.http2.memory import Service, Sink, block, in_loop

HEADERS, DATA = FrameType.HEADERS, FrameType.DATA
REQUESTS = 40
OPEN = 6
GRPC = ("content-type", "application/grpc")
HEADS = [
    *[block(("server", "s"), GRPC)] * 6,
    block(GRPC, ("content-length", "10")),
    block(GRPC, ("grpc-status", "5")),
    block(("content-type", "text/html")),
    block(status=503),
    block(status=204),
    block(("connection", "close")),
]
TAILS = [
    *[block(("grpc-status", "0"), status=0)] * 5,
    block(("grpc-status", "14"), ("grpc-message", "no"), status=0),
    block(("x", "y"), status=0),
    block(status=200),
]
BODIES = [
    *[frame(b"12345")] * 5,
    b"",
    b"0123456789",
    frame(b"1") * 2,
    frame(b"12345")[:-1],
    frame(b"x" * 5000),
]


def response(random: Random, number: int) -> list[bytes]:
    """The frames of a response, most of which a service could send."""
    head, tail, body = random.choice(HEADS), random.choice(TAILS), random.choice(BODIES)
    has_tail = random.random() < 0.7
    ends = not has_tail and random.random() < 0.2
    frames: list[bytes] = []
    if random.random() < 0.1:
        frames.append(encode_frame(HEADERS, 4, number, block(status=103)))
    form = random.random()
    flags = ["END_HEADERS", *(["END_STREAM"] if ends else [])]
    if form < 0.1:
        frames.append(
            HeadersFrame(number, head, flags=[*flags, "PADDED"], pad_length=3).serialize()
        )
    elif form < 0.2:
        frames.append(HeadersFrame(number, head, flags=[*flags, "PRIORITY"]).serialize())
    elif form < 0.3:  # nothing may come between the two
        parts = [
            HeadersFrame(number, head[:2], flags=flags[1:]),
            ContinuationFrame(number, head[2:]),
        ]
        parts[1].flags.add("END_HEADERS")
        frames.append(b"".join(part.serialize() for part in parts))
    else:
        frames.append(HeadersFrame(number, head, flags=flags).serialize())
    if ends:
        return frames
    cut = random.choice([len(body), len(body), random.randint(0, len(body))])
    for part in (body[:cut], body[cut:]):
        padded = random.random() < 0.1
        if part or random.random() < 0.2:
            data = DataFrame(
                number, part, flags=["PADDED"] if padded else [], pad_length=7 * padded
            )
            frames.append(data.serialize())
    if has_tail:
        frames.append(HeadersFrame(number, tail, flags=["END_HEADERS", "END_STREAM"]).serialize())
    else:
        frames.append(encode_frame(DATA, 1, number))
    if random.random() < 0.1:
        code = struct.pack(">I", random.randrange(14))
        at = random.randrange(len(frames))
        frames[at:] = [encode_frame(FrameType.RST_STREAM, 0, number, code)]
    return frames


def of_connection(random: Random) -> bytes:
    """A frame that belongs to no response."""
    return random.choice(
        [
            encode_frame(FrameType.WINDOW_UPDATE, 0, 0, struct.pack(">I", random.randint(1, 999))),
            encode_frame(FrameType.PING, random.choice([0, 1]), 0, random.randbytes(8)),
            encode_settings({Setting.MAX_CONCURRENT_STREAMS: random.choice([4, 6, 9])}),
            encode_settings({Setting.INITIAL_WINDOW_SIZE: random.choice([0, 30, 65_535])}),
            b"\0\0\3\x77\xff\0\0\0\3abc",
        ]
    )


def sequence(seed: int) -> list[bytes]:
    """What a service sends, in the pieces that come from the network."""
    random = Random(seed)
    responses = [response(random, 2 * index + 1) for index in range(REQUESTS)]
    active, sent = responses[:OPEN], []
    waiting = responses[OPEN:]
    while active:
        frames = random.choice(active)
        sent.append(frames.pop(0))
        if not frames:
            active.remove(frames)
            active += waiting[:1]
            del waiting[:1]
        if random.random() < 0.1:
            sent.append(of_connection(random))
    if random.random() < 0.3:
        last = struct.pack(">II", random.randrange(2 * REQUESTS), random.randrange(14))
        sent.insert(random.randrange(len(sent)), encode_frame(FrameType.GOAWAY, 0, 0, last))
    whole, pieces = b"".join(sent), []
    while whole:
        size = random.choice([1, 9, 40, 300, 3000])
        pieces.append(whole[:size])
        whole = whole[size:]
    return pieces


def played(pieces: list[bytes], make: Callable[[], Service]) -> dict[str, Any]:
    """All that can be told of a connection that heard ``pieces``, after each of them."""
    service = make()
    connection, sink = service.connection, service.sink
    left = iter(range(REQUESTS - OPEN))

    def another() -> None:
        if len(connection.streams) < connection.most and next(left, None) is not None:
            service.request(b"x" * 20)

    sink.on_free = another
    for _ in range(OPEN):
        service.request(b"x" * 20)
    states = []
    for piece in pieces:
        service.hear(piece)
        open_now = [
            (number, stream.bytes_in, stream.window, stream.status, stream.first)
            for number, stream in connection.streams.items()
        ]
        states.append((open_now, connection.most, service.memory.take(), service.memory.is_closed))
    connection.connection_lost(None)
    return {
        "states": states,
        "outcomes": [one._replace(excerpt=cast(Any, one.excerpt())) for one in sink.outcomes],
        "in_flight": sink.in_flight,
        "counts": (sink.freed, sink.widened_count, sink.failed_with_connection),
        "sent": service._sent,
    }


def ticking() -> Callable[[], int]:
    """A clock that counts how often it is read, which is once per piece."""
    ticks = count(10)
    return lambda: next(ticks)


@in_loop
@pytest.mark.parametrize("seed", range(25))
def test_both_paths_record_and_send_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = sequence(seed)
    found = []
    for quick in (True, False):
        monkeypatch.setattr(module, "_clock", ticking())
        found.append(played(pieces, lambda quick=quick: Service(quick=quick)))  # type: ignore[misc]
    assert found[0] == found[1]
    assert len(found[0]["outcomes"]) == found[0]["sent"] >= OPEN
    assert sorted(one.seq for one in found[0]["outcomes"]) == list(range(found[0]["sent"]))
    assert found[0]["in_flight"] == 0


def calls(*, quick: bool) -> Service:
    """A service whose streams are calls, read on the quick path or in full."""
    sink: Any = Sink()
    method = Method(10**18, b"".join, None, None, is_read=not quick)
    sink.methods = [method]
    service = Service(quick=quick, sink=sink)
    service.stream_type = Call if quick else ReadCall
    return service


@in_loop
@pytest.mark.parametrize("seed", range(25))
def test_both_paths_of_calls_record_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = sequence(seed)
    found = []
    for quick in (True, False):
        monkeypatch.setattr(module, "_clock", ticking())
        found.append(played(pieces, lambda quick=quick: calls(quick=quick)))  # type: ignore[misc]
    for each in found:
        each["outcomes"] = [_compared(one) for one in each["outcomes"]]
    assert found[0] == found[1]
    assert sorted(one.seq for one in found[0]["outcomes"]) == list(range(found[0]["sent"]))
    assert found[0]["in_flight"] == 0


def _compared(outcome: Outcome) -> Outcome:
    """Without what no example has: anything of a success, a message read on the quick path."""
    excerpt = cast(Any, outcome.excerpt)
    return outcome._replace(excerpt=excerpt._replace(body=b"") if outcome.error else Excerpt)
