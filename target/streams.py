"""Streams: server-sent events, a response in chunks, and WebSockets.

| path | what it does |
|---|---|
| `GET /api/stream/events?count=&gap_ms=` | `count` server-sent events, `gap_ms` apart: `id` and `data` are their number, from 1 |
| `GET /api/stream/chunks?count=&gap_ms=&bytes=` | a body in `count` chunks of `bytes` each, `gap_ms` apart |
| `/api/stream/echo` | a WebSocket that sends back each message |
| `/api/stream/fanout` | a WebSocket whose messages go to all that are connected there, the sender as well |

The first event or chunk is sent at once. A gap is slept after what was sent before it, so that on a
busy machine they only get longer.
"""  # noqa: E501 (a table cell cannot be wrapped)

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.types import Message

Count = Annotated[int, Query(ge=0, le=100_000)]
GapMs = Annotated[float, Query(ge=0, le=10_000, allow_inf_nan=False)]
ChunkBytes = Annotated[int, Query(alias="bytes", ge=1, le=1024 * 1024)]


def stream_router() -> APIRouter:
    """Build the routes below `/api/stream`."""
    router = APIRouter(prefix="/api/stream", tags=["stream"])
    listeners: set[WebSocket] = set()

    @router.get("/events", response_class=EventSourceResponse)
    async def events(count: Count = 10, gap_ms: GapMs = 100.0) -> AsyncIterator[ServerSentEvent]:
        async for number in _numbers(count, gap_ms):
            yield ServerSentEvent(data=number, id=f"{number}")

    @router.get("/chunks")
    async def chunks(
        count: Count = 10, gap_ms: GapMs = 100.0, chunk_bytes: ChunkBytes = 64
    ) -> StreamingResponse:
        chunk = b"." * chunk_bytes

        async def body() -> AsyncIterator[bytes]:
            async for _ in _numbers(count, gap_ms):
                yield chunk

        return StreamingResponse(body(), media_type="application/octet-stream")

    @router.websocket("/echo")
    async def echo(socket: WebSocket) -> None:
        with suppress(WebSocketDisconnect):  # also while something is sent
            await socket.accept()
            async for message in _messages(socket):
                await socket.send(message)

    @router.websocket("/fanout")
    async def fanout(socket: WebSocket) -> None:
        with suppress(WebSocketDisconnect):
            await socket.accept()
            listeners.add(socket)
            try:
                async for message in _messages(socket):
                    sent = (listener.send(message) for listener in tuple(listeners))
                    # One that has just gone is removed by its own handler.
                    await asyncio.gather(*sent, return_exceptions=True)
            finally:
                listeners.discard(socket)

    return router


async def _numbers(count: int, gap_ms: float) -> AsyncIterator[int]:
    for number in range(1, count + 1):
        if number > 1 and gap_ms:
            await asyncio.sleep(gap_ms / 1000)
        yield number


async def _messages(socket: WebSocket) -> AsyncIterator[Message]:
    """The messages of a client until it disconnects, as they are sent back."""
    while (message := await socket.receive())["type"] == "websocket.receive":
        kind = "text" if message.get("text") is not None else "bytes"
        yield {"type": "websocket.send", kind: message[kind]}
