"""Streams over real sockets: what is measured of them, and how they fail."""

from __future__ import annotations

import contextlib
import socket
from typing import NamedTuple

import numpy as np
import pytest

from benchlab import ClosedLoop, Plan, Request, run
from benchlab.load.drivers.streams.reader import NO_STREAM
from benchlab.plan.checks import Check, EventContains, EventCount, EventJson, StatusIn
from benchlab.plan.stream import Stream
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind
from tests.load.servers import Behaviour, always, by_path, chunked, in_pieces, ok, serving

TYPE = b"Content-Type: text/event-stream; charset=utf-8\r\n"
TWO = b'data: {"n": 1}\n\ndata: {"n": 1}\n\n'
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n%b\r\n" % TYPE


def endless(connection: socket.socket, _request: bytes, _number: int) -> bool:
    with contextlib.suppress(OSError):
        connection.sendall(UNTIL_CLOSE)
        while True:
            connection.sendall(b"data: tick\n\n")
    return False


def silent(connection: socket.socket, _request: bytes, _number: int) -> bool:
    connection.sendall(UNTIL_CLOSE + b"data: one\n\n")
    return not connection.recv(1)


def page_without_an_end(connection: socket.socket, _request: bytes, _number: int) -> bool:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>")
    return not connection.recv(1)


def nothing(connection: socket.socket, _request: bytes, _number: int) -> bool:
    return not connection.recv(1)


class Case(NamedTuple):
    behaviour: Behaviour
    stream: Stream = Stream()
    checks: tuple[Check, ...] = ()
    events: int | None = 2
    """Number of events; None if the response is no stream."""
    error: ErrorKind = ErrorKind.OK
    message: str = ""


CASES = {
    "with a length": Case(always(ok(TWO, TYPE))),
    "a byte at a time": Case(in_pieces(ok(b"data: a\r\n\r\ndata: b\r\r", TYPE), 2)),
    "in chunks": Case(always(chunked(TWO[:7], TWO[7:], extra=TYPE)), Stream(rows=True)),
    "until it closes": Case(always(UNTIL_CLOSE + TWO, keep=False)),
    "without an end": Case(endless, Stream(max_events=5), events=5),
    "left when its time is up": Case(silent, Stream(max_s=5, stall_s=0.001), events=1),
    "of another type, without an end": Case(
        page_without_an_end,
        Stream(max_s=5),
        events=None,
        error=ErrorKind.CHECK,
        message="the Content-Type is 'text/html', not text/event-stream",
    ),
    "no response": Case(
        nothing, Stream(max_s=0.2), events=None, error=ErrorKind.TIMEOUT, message=NO_STREAM
    ),
    "checks that hold": Case(
        always(ok(TWO, TYPE)), checks=(EventCount(2), EventJson("n", 1), EventContains("1", "last"))
    ),
    "a check that fails": Case(
        always(ok(TWO, TYPE)),
        checks=(EventJson("n", 2, of="last"),),
        error=ErrorKind.CHECK,
        message="the last event, number 2: n is 1, not 2",
    ),
    "too few events": Case(
        always(ok(TWO, TYPE)),
        checks=(EventCount(3),),
        error=ErrorKind.CHECK,
        message="the stream has 2 events, and at least 3 must come",
    ),
    "no event": Case(
        always(ok(b": nothing\n\n", TYPE)),
        events=0,
        error=ErrorKind.CHECK,
        message="the stream has no event",
    ),
    "of another type": Case(
        always(ok(TWO, b"Content-Type: text/html\r\n")),
        events=None,
        error=ErrorKind.CHECK,
        message="the Content-Type is 'text/html', not text/event-stream",
    ),
    "of no type": Case(
        always(ok(TWO)),
        events=None,
        error=ErrorKind.CHECK,
        message="the Content-Type is missing, not text/event-stream",
    ),
    "compressed": Case(
        always(ok(TWO, TYPE + b"Content-Encoding: gzip\r\n")),
        events=None,
        error=ErrorKind.CHECK,
        message="the stream is compressed as 'gzip', which is not read: leave Accept-Encoding out",
    ),
    "ends inside an event": Case(
        always(ok(TWO[:-1], TYPE)),
        events=1,
        error=ErrorKind.CHECK,
        message="the stream ended in the middle of an event, after 1 event",
    ),
    "not found": Case(
        always(b"HTTP/1.1 404 No\r\n%bContent-Length: 0\r\n\r\n" % TYPE),
        events=None,
        error=ErrorKind.STATUS,
        message="the status is 404",
    ),
    "an expected 404": Case(
        always(b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno"),
        checks=(StatusIn(404),),
        events=None,
    ),
}

BROKEN = Case(
    always(chunked(TWO, b"data: c\n\n", extra=TYPE)[:-5], keep=False),
    events=3,
    error=ErrorKind.CLOSED,
    message="the stream broke off after 3 events",
)
CHUNKS = {
    "chunks": Case(always(chunked(b"a", b"bc", b"def")), Stream("chunks"), events=3),
    "chunks in pieces": Case(in_pieces(chunked(b"abc", b"def"), 3), Stream("chunks", rows=True)),
    "no chunks": Case(always(ok(b"whole")), Stream("chunks"), events=1),
    "chunks of JSON lines": Case(
        always(chunked(b'{"n": 1}\n', b'{"n": 2}\n')),
        Stream("chunks"),
        checks=(EventJson("n", 2, of="last"),),
    ),
    "some chunks": Case(
        always(chunked(b"a", b"b", b"c")), Stream("chunks", max_events=2), events=2
    ),
    "breaks off": BROKEN,
    "plain": Case(always(ok()), events=None),
}


def measure(cases: dict[str, Case], driver: str) -> Run:
    with serving(by_path(*(case.behaviour for case in cases.values()))) as url:
        requests = [
            Request(
                "GET",
                f"{url}{number}",
                name=name,
                checks=case.checks,
                stream=None if name == "plain" else case.stream,
                weight=0.25 if case.stream.max_s else 1.0,
            )
            for number, (name, case) in enumerate(cases.items())
        ]
        return run(
            Plan(
                requests,
                ClosedLoop(8),
                request_count=150,
                timeout_s=60,
                driver=driver,
                warmup_s=0,
                seed=13,  # sends every request, and few of those that wait
            )
        )


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    return {"http": measure(CASES | CHUNKS, "http"), "httpx": measure(CASES, "httpx")}


EACH = [
    *(pytest.param("http", name, id=f"http: {name}") for name in CASES | CHUNKS),
    *(pytest.param("httpx", name, id=f"httpx: {name}") for name in CASES),
]


@pytest.mark.parametrize(("driver", "name"), EACH)
def test_a_stream(runs: dict[str, Run], driver: str, name: str) -> None:
    measured, case = runs[driver], (CASES | CHUNKS)[name]
    samples = measured.measured.endpoint(name)
    assert len(samples) >= 1
    assert set(samples.column("error").tolist()) == {case.error}
    streams = measured.streams.of(samples.column("seq")).records
    if case.events is None:
        assert not len(streams)
    else:
        assert len(streams) == len(samples)
        assert set(streams["events"].tolist()) == {case.events}
    if case.message:
        found = [item.message for item in measured.examples if item.endpoint == name]
        assert set(found) == {case.message}


@pytest.mark.parametrize("driver", ["http", "httpx"])
def test_times_of_events(runs: dict[str, Run], driver: str) -> None:
    measured = runs[driver]
    streams = measured.streams.records
    samples = measured.samples.records[np.isin(measured.samples.column("seq"), streams["seq"])]
    assert samples["seq"].tolist() == streams["seq"].tolist()
    some = streams["events"] > 0
    assert (streams["first_event_ns"] >= samples["first_byte_ns"])[some].all()
    assert (streams["last_event_ns"] <= samples["done_ns"])[some].all()
    assert (streams["gaps"].sum(axis=1) == np.maximum(streams["events"].astype(int) - 1, 0)).all()
    assert (streams["gap_p50_ns"] <= streams["gap_p99_ns"]).all()
    assert (streams["gap_p99_ns"] <= streams["gap_max_ns"]).all()


@pytest.mark.parametrize("driver", ["http", "httpx"])
def test_silence_before_a_stream_is_left_is_a_stall(runs: dict[str, Run], driver: str) -> None:
    measured = runs[driver]
    samples = measured.measured.endpoint("left when its time is up")
    streams = measured.streams.of(samples.column("seq")).records
    assert (streams["stalls"] == 1).all()
    assert (samples.service_ns >= 4.9e9).all()  # timers tell milliseconds


def test_events_have_rows_if_a_request_asks_for_them(runs: dict[str, Run]) -> None:
    measured = runs["http"]
    asked = [measured.measured.endpoint(name) for name in ("in chunks", "chunks in pieces")]
    seqs = sorted(seq for samples in asked for seq in samples.column("seq").tolist())
    rows = measured.events.records
    assert np.unique(rows["seq"]).tolist() == seqs
    assert rows["number"].tolist() == [1, 2] * len(seqs)
    streams = measured.streams.of(np.array(seqs)).records
    assert rows["at_ns"][::2].tolist() == streams["first_event_ns"].tolist()
    assert rows["at_ns"][1::2].tolist() == streams["last_event_ns"].tolist()
    assert rows["bytes"].sum() == streams["event_bytes"].sum()


def test_connections_are_used_again_unless_a_stream_was_left(runs: dict[str, Run]) -> None:
    whole = runs["http"].measured.endpoint("with a length").column("connection")
    left = runs["http"].measured.endpoint("without an end").column("connection")
    assert len(np.unique(left)) == len(left)
    assert runs["http"].health.workers[0].connections_opened < len(runs["http"].samples)
    assert len(whole)
