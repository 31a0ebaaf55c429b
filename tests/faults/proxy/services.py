"""Services, clients and proxies of one event loop, the one that proxies run on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext
from typing import Any

import uvloop

from benchlab.faults.proxy import Proxy, Upstream
from benchlab.plan.request import Origin
from benchlab.plan.transport import Transport

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

LONG_S = 60.0
"""Longer than anything takes on a busy machine."""


_clients: list[asyncio.StreamWriter] = []


class Echo:
    """Sends back what it gets, and ``.`` when a client has sent all it has."""

    def __init__(self) -> None:
        self.received = 0
        self.connections = 0
        self.lost: list[OSError | None] = []
        """How its connections have ended: None is well."""
        self.port = 0
        self.changed = asyncio.Condition()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        error = None
        try:
            while data := await reader.read(65536):
                self.received += len(data)
                await self._notify()
                writer.write(data)
                await writer.drain()
            writer.write(b".")
        except OSError as exc:
            error = exc
        writer.close()
        self.lost.append(error)
        await self._notify()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it has come to ``condition``."""
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(condition), LONG_S)

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()


def in_loop(case: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run ``case`` in a new event loop; it fails if it hangs. Clients are closed at the end."""

    async def carried_out() -> None:
        try:
            await asyncio.wait_for(case(), 2 * LONG_S)
        finally:
            for writer in _clients:
                writer.close()
            for writer in _clients:
                with suppress(OSError):
                    await writer.wait_closed()
            _clients.clear()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(carried_out())


@asynccontextmanager
async def echo_behind_proxy(tls: SSLContext | None = None) -> AsyncIterator[tuple[Echo, Proxy]]:
    """An echo service, and a proxy before it."""
    echo = Echo()
    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=tls, backlog=4096)
    echo.port = server.sockets[0].getsockname()[1]
    async with proxy_to(Origin("http", "127.0.0.1", echo.port)) as proxy:
        yield echo, proxy
    server.close()


@asynccontextmanager
async def proxy_to(origin: Origin, transport: Transport | None = None) -> AsyncIterator[Proxy]:
    """A proxy before ``origin``."""
    proxy = Proxy(Upstream(origin, transport or Transport()))
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()


async def connect(proxy: Proxy, **options: Any) -> Streams:
    """A client's connection."""
    host, _, port = proxy.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), **options)
    _clients.append(writer)
    return reader, writer


async def ask(streams: Streams, data: bytes = b"hello") -> bytes:
    """Send ``data`` and read as many bytes."""
    reader, writer = streams
    writer.write(data)
    return await asyncio.wait_for(reader.readexactly(len(data)), LONG_S)


async def ask_all(proxy: Proxy, data: bytes) -> bytes:
    """Send ``data`` and its end on a connection of its own, and read to the end."""
    reader, writer = await connect(proxy)

    async def send() -> None:
        writer.write(data)
        writer.write_eof()
        await writer.drain()

    sending = asyncio.create_task(send())
    received = await asyncio.wait_for(reader.read(), LONG_S)
    await sending
    writer.close()
    return received


async def until(condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` holds, of which nothing gives notice."""
    deadline = asyncio.get_running_loop().time() + LONG_S
    while not condition():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.005)
