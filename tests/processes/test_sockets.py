"""A socket that is handed over to the event loop is never closed twice."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import Callable
from typing import cast

import pytest

from benchlab.processes.event_loop import loop_factory
from benchlab.processes.sockets import hand_over

LOOPS = pytest.mark.parametrize(
    "factory", [loop_factory(), None], ids=["the workers' loop", "asyncio"]
)
Factory = Callable[[], asyncio.AbstractEventLoop] | None


class Gone(asyncio.Protocol):
    """Its connection ends as soon as it is made, as one does that the service resets."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()


class Asking(asyncio.Protocol):
    """Writes, and keeps what comes until the connection is lost."""

    def __init__(self) -> None:
        self.received = b""
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(b"question\n")

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set_result(None)


async def connected(port: int) -> socket.socket:
    raw = socket.socket()
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
    return raw


async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"response to " + await reader.readline())
    writer.close()


@LOOPS
def test_a_socket_that_the_loop_closed_closes_no_other_file(factory: Factory) -> None:
    async def check() -> None:
        async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
            raw = await connected(server.sockets[0].getsockname()[1])
            await hand_over(raw, Gone())
            for _ in range(3):
                await asyncio.sleep(0)
            others = [socket.socket() for _ in range(5)]  # one has the number of the closed file
            del raw
            gc.collect()
            for each in others:
                os.fstat(each.fileno())
                each.close()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(check())


@LOOPS
def test_the_loop_reads_and_writes_the_socket(factory: Factory) -> None:
    async def ask() -> bytes:
        async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
            protocol = Asking()
            await hand_over(await connected(server.sockets[0].getsockname()[1]), protocol)
            await protocol.ended
            return protocol.received

    with asyncio.Runner(loop_factory=factory) as runner:
        assert runner.run(ask()) == b"response to question\n"
