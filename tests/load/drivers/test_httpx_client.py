"""The records of connections that httpx opens or fails to open."""

from __future__ import annotations

import asyncio
import resource
import socket
from pathlib import Path

import httpx
import numpy as np
import pytest

from benchlab import Plan, Request
from benchlab.load.drivers.httpx.client import ClientFactory
from benchlab.load.recording.connection_log import ConnectionLog
from benchlab.samples.connections import CONNECTION_DTYPE
from benchlab.samples.samples import ErrorKind
from tests.load.servers import always, ok, serving


def test_running_out_of_files_is_a_local_failure_and_is_recorded(tmp_path: Path) -> None:
    async def send(url: str) -> ClientFactory:
        factory = ClientFactory(Plan([Request("GET", url)], driver="httpx"), 0, log)
        async with factory() as client:
            await client.get(url)
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
            try:
                with pytest.raises(httpx.ConnectError):
                    await factory().get(url)
                log.flush()
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return factory

    path = tmp_path / "connections.bin"
    log = ConnectionLog(path)
    with serving(always(ok())) as url:
        factory = asyncio.run(send(url))
    assert (factory.opened, factory.local_failure_count) == (1, 1)
    records = np.fromfile(path, dtype=CONNECTION_DTYPE)
    assert list(records["error"]) == [ErrorKind.OK, ErrorKind.CONNECT]
    log.close()


def test_a_refused_connection_is_not_a_local_failure(tmp_path: Path) -> None:
    async def send() -> ClientFactory:
        factory = ClientFactory(Plan([Request("GET", "http://127.0.0.1:1/")]), 0, log)
        async with factory() as client:
            with pytest.raises(httpx.ConnectError):
                await client.get("http://127.0.0.1:1/")
        return factory

    log = ConnectionLog(tmp_path / "connections.bin")
    factory = asyncio.run(send())
    assert (factory.opened, factory.local_failure_count) == (0, 0)
    log.close()


def test_a_request_is_framed_once(tmp_path: Path) -> None:
    """httpx adds a Content-Length to a user's Transfer-Encoding; both would be ambiguous."""
    heads: list[bytes] = []

    def behave(connection: socket.socket, request: bytes, number: int) -> bool:
        heads.append(request.partition(b"\r\n\r\n")[0].lower())
        return always(ok())(connection, request, number)

    async def send(url: str) -> None:
        async with ClientFactory(Plan([Request("GET", url)], driver="httpx"), 0, log)() as client:
            await client.post(url, content=b"hello", headers={"Transfer-Encoding": "chunked"})

    log = ConnectionLog(tmp_path / "connections.bin")
    with serving(behave) as url:
        asyncio.run(send(url))
    log.close()
    assert b"transfer-encoding: chunked" in heads[0]
    assert b"content-length" not in heads[0]
