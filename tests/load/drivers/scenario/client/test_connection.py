"""Every response of the corpus, received whole and as a stream, wherever TCP cut it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from benchlab.load.drivers.dialer import Dialer
from benchlab.load.drivers.scenario.client.connection import Connection
from benchlab.load.drivers.scenario.client.receiving import Incoming
from benchlab.load.drivers.scenario.client.service import Service
from benchlab.load.drivers.wire.head_cache import HeadCache
from benchlab.plan.request import Origin
from benchlab.plan.transport import Transport
from tests.load.drivers.corpus import CASES, Case, Verdict

ORIGIN = Origin("http", "localhost", 80)
SERVICE = Service(ORIGIN, httpx.URL(str(ORIGIN)), 0, Dialer(ORIGIN, Transport(), None))


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


class Pool:
    """Notes whether the connection is used again."""

    reused = False

    def free(self, connection: Connection) -> None:
        self.reused = True

    def lost(self, connection: Connection) -> None:
        self.reused = False


class Wire(asyncio.Transport):
    """A transport that goes nowhere."""

    def write(self, data: Any) -> None:
        pass

    def abort(self) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def splits(data: bytes) -> Iterator[list[bytes]]:
    size = len(data)
    yield [data]
    yield [data[i : i + 1] for i in range(size)] if size < 1000 else [data[:700], data[700:]]
    for cut in (size // 3, size // 2, size - 1):
        yield [data[:cut], data[cut:]]


def expected(case: Case) -> tuple[Any, ...]:
    if case.verdict is Verdict.PROTOCOL:
        return (httpx.RemoteProtocolError,)
    if case.verdict is Verdict.UNFINISHED:
        return (httpx.RemoteProtocolError, "early")
    return case.status, bytes(case.body), case.reused


def failure(exc: httpx.RemoteProtocolError) -> tuple[Any, ...]:
    early = "disconnected" in str(exc) or "closed connection" in str(exc)
    return (type(exc), "early") if early else (type(exc),)


async def whole(case: Case, pieces: list[bytes], heads: HeadCache) -> tuple[Any, ...]:
    """What a connection makes of a response that is received whole."""
    pool = Pool()
    connection = Connection(pool, SERVICE)
    connection.connection_made(Wire())
    waiting = connection.send(b"", heads, None, reusable=True)
    for piece in pieces:
        if connection.is_waiting or pool.reused:
            connection.data_received(piece)
    reused = pool.reused
    connection.connection_lost(None)
    try:
        head, body = await waiting
    except httpx.RemoteProtocolError as exc:
        return failure(exc)
    return head.status, body, reused


async def streamed(case: Case, pieces: list[bytes]) -> tuple[Any, ...]:
    """What a connection makes of a response that is read as it arrives."""
    pool = Pool()
    connection = Connection(pool, SERVICE)
    connection.connection_made(Wire())
    incoming = Incoming(connection, head_only=case.method == "HEAD", reusable=True)
    connection.receive(incoming, None)
    for piece in pieces:
        if not incoming.is_over or pool.reused:
            connection.data_received(piece)
    reused = pool.reused
    connection.connection_lost(None)
    try:
        head = await incoming.head()
        body = b"".join([part async for part in incoming])
    except httpx.RemoteProtocolError as exc:
        return failure(exc)
    return head.status, body, reused


@pytest.mark.parametrize("rfc", sorted({case.rfc for case in CASES}))
def test_the_corpus(rfc: str, runner: asyncio.Runner) -> None:
    async def read(case: Case) -> None:
        heads = HeadCache(head_only=case.method == "HEAD")
        for pieces in splits(case.data):
            assert await whole(case, pieces, heads) == expected(case), (case, pieces)
            assert await streamed(case, pieces) == expected(case), (case, pieces)

    for case in CASES:
        if case.rfc == rfc:
            runner.run(read(case))
