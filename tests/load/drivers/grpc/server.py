"""A real gRPC server, in a thread: it does what a call asks for, and notes what it got."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import grpc.aio

__all__ = ["PROTO", "SERVICE", "Seen", "messages", "serving_calls"]

PROTO = "tests/load/drivers/grpc/calls.proto"
SERVICE = "bench.test.Calls"

messages: Any = grpc.protos(PROTO)
"""The module of the messages in calls.proto."""


class Seen:
    """What the server got: calls by the name of the status that they ended with, and metadata."""

    def __init__(self) -> None:
        self.ends: Counter[str] = Counter()
        self.metadata: list[dict[str, str | bytes]] = []
        self.time_remaining: list[float | None] = []
        self.peers: set[str] = set()

    @property
    def count(self) -> int:
        """Number of calls."""
        return len(self.metadata)


class _Calls:
    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def _note(self, context: Any) -> None:
        self._seen.metadata.append(dict(context.invocation_metadata()))
        self._seen.time_remaining.append(context.time_remaining())
        self._seen.peers.add(context.peer())

    async def _end(self, order: Any, context: Any) -> None:
        code = next(code for code in grpc.StatusCode if code.value[0] == order.status)
        if order.waits:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self._seen.ends["cancelled"] += 1
                raise
        self._seen.ends[code.name] += 1
        if code is not grpc.StatusCode.OK:
            await context.abort(code, order.message)

    async def call(self, order: Any, context: Any) -> Any:
        self._note(context)
        await self._end(order, context)
        return messages.Reply(number=1, payload=b"x" * order.size)

    async def stream(self, order: Any, context: Any) -> AsyncIterator[Any]:
        self._note(context)
        for number in range(order.replies):
            yield messages.Reply(number=number + 1, payload=b"x" * order.size)
        await self._end(order, context)

    async def collect(self, orders: AsyncIterator[Any], context: Any) -> Any:
        self._note(context)
        number, order = 0, messages.Order()
        async for each in orders:
            number, order = number + 1, each
        await self._end(order, context)
        return messages.Reply(number=number)

    async def talk(self, orders: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        self._note(context)
        number, order = 0, messages.Order()
        async for each in orders:
            number, order = number + 1, each
            yield messages.Reply(number=number)
        await self._end(order, context)


def _handlers(calls: _Calls) -> grpc.GenericRpcHandler:
    ways = {
        "Call": (grpc.unary_unary_rpc_method_handler, calls.call),
        "Stream": (grpc.unary_stream_rpc_method_handler, calls.stream),
        "Collect": (grpc.stream_unary_rpc_method_handler, calls.collect),
        "Talk": (grpc.stream_stream_rpc_method_handler, calls.talk),
    }
    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            name: make(
                behaviour,
                request_deserializer=messages.Order.FromString,
                response_serializer=messages.Reply.SerializeToString,
            )
            for name, (make, behaviour) in ways.items()
        },
    )


@contextmanager
def serving_calls(
    seen: Seen,
    credentials: grpc.ServerCredentials | None = None,
    compression: grpc.Compression | None = None,
) -> Iterator[str]:
    """Serve on a free port; yields host and port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> tuple[grpc.aio.Server, int]:
        server = grpc.aio.server(compression=compression)
        server.add_generic_rpc_handlers((_handlers(_Calls(seen)),))
        address = "127.0.0.1:0"
        if credentials is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, credentials)
        await server.start()
        return server, port

    async def stop(server: grpc.aio.Server) -> None:
        await server.stop(grace=None)

    server, port = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
