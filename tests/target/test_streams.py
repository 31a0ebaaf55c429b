"""Server-sent events, chunks and WebSockets of the target."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message
from websockets.sync.client import ClientConnection, connect

from benchlab.bundled import TargetProcess
from target.streams import stream_router

STREAM = "/api/stream"


def socket_of(target: TargetProcess, path: str) -> ClientConnection:
    return connect(f"{target.url.replace('http', 'ws')}{STREAM}{path}", proxy=None)


def test_events_are_numbered(everything: TargetProcess) -> None:
    response = httpx.get(f"{everything.url}{STREAM}/events?count=3&gap_ms=1")
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [dict(line.split(": ") for line in each.split("\n")) for each in blocks(response.text)]
    assert events == [{"data": f"{number}", "id": f"{number}"} for number in (1, 2, 3)]


def blocks(text: str) -> list[str]:
    *events, end = text.split("\n\n")
    assert end == ""
    return events


def test_chunks_are_sent_one_by_one(everything: TargetProcess) -> None:
    url = f"{everything.url}{STREAM}/chunks?count=3&gap_ms=1&bytes=5"
    with httpx.stream("GET", url) as response:
        assert response.headers["transfer-encoding"] == "chunked"
        assert "content-length" not in response.headers
        assert b"".join(response.iter_raw()) == b"." * 15


@pytest.mark.parametrize(
    "query", ["events?count=-1", "events?gap_ms=10001", "chunks?bytes=0", "chunks?gap_ms=nan"]
)
def test_an_invalid_stream_is_refused(everything: TargetProcess, query: str) -> None:
    assert httpx.get(f"{everything.url}{STREAM}/{query}").status_code == 422


def test_a_socket_echoes_text_and_bytes(everything: TargetProcess) -> None:
    with socket_of(everything, "/echo") as socket:
        for message in ("hello", b"\x00\xff", ""):
            socket.send(message)
            assert socket.recv(timeout=60) == message


def test_a_message_goes_to_all_that_are_connected(everything: TargetProcess) -> None:
    with socket_of(everything, "/fanout") as one:
        with socket_of(everything, "/fanout") as two:
            # One that has its own message back is connected.
            two.send("two")
            assert two.recv(timeout=60) == "two"
            one.send("one")
            assert two.recv(timeout=60) == "one"
            assert {one.recv(timeout=60), one.recv(timeout=60)} == {"one", "two"}
        one.send(b"alone")
        assert one.recv(timeout=60) == b"alone"


@pytest.mark.parametrize("path", ["/echo", "/fanout"])
def test_a_client_that_goes_while_it_is_sent_to_is_no_error(path: str) -> None:
    app = FastAPI()
    app.include_router(stream_router())
    messages: list[Message] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "hello"},
        {"type": "websocket.disconnect", "code": 1006},
    ]
    coming = iter(messages)
    sent = []

    async def receive() -> Message:
        return next(coming)

    async def send(message: Message) -> None:
        sent.append(message["type"])
        if message["type"] == "websocket.send":
            raise OSError("the connection is lost")

    scope = {"type": "websocket", "path": f"{STREAM}{path}", "headers": [], "query_string": b""}
    asyncio.run(app(scope, receive, send))
    assert sent == ["websocket.accept", "websocket.send"]
