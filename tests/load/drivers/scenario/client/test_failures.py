"""Services that fail: a scenario catches the same exceptions with both clients."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import trustme

from benchlab import Plan, Request
from benchlab.errors import InputError
from benchlab.load.drivers.headers import ServerNames
from benchlab.load.drivers.httpx.client import ClientFactory
from benchlab.load.drivers.scenario.client.client import WireClient
from benchlab.load.drivers.scenario.client.factory import WireClients
from benchlab.load.recording.connection_log import ConnectionLog
from benchlab.plan.transport import Transport
from benchlab.samples.connections import CONNECTION_DTYPE
from benchlab.samples.samples import ErrorKind
from tests.load.bad_servers import CASES
from tests.load.drivers.scenario.client.both import Both, seen
from tests.load.servers import always, by_path, ok, serving

NAMES = [
    name
    for name, case in CASES.items()
    # bytes that drip are never late, and floods are in the corpus
    if "drip" not in name and "endless" not in name and "random" not in name
]
SILENT_S = 0.2
"""How long a response may be awaited from a service that never sends the rest of it."""


@pytest.fixture(scope="module")
def bad_url() -> Iterator[str]:
    with serving(by_path(*(CASES[name].behaviour for name in NAMES))) as url:
        yield url


@pytest.mark.parametrize("way", ["quick", "httpx", "stream"])
@pytest.mark.parametrize("name", NAMES)
def test_a_bad_server(both: Both, bad_url: str, name: str, way: str) -> None:
    case = CASES[name]
    late = case.kind == "timeout"
    timeout = httpx.Timeout(None, read=SILENT_S) if late else httpx.Timeout(None)

    async def call(client: httpx.AsyncClient) -> Any:
        url = f"{bad_url}{NAMES.index(name)}"
        if way == "stream":
            async with client.stream(case.method, url, timeout=timeout) as response:
                await response.aread()
                return response
        if way == "httpx":
            return await client.request(case.method, url, timeout=timeout, extensions={})
        return await client.request(case.method, url, timeout=timeout)

    async def named(client: httpx.AsyncClient) -> Any:
        try:
            return seen(await call(client))
        except httpx.HTTPError as exc:  # messages name bytes and offsets
            early = "disconnected" in str(exc) or "closed connection" in str(exc)
            return type(exc).__name__, early, str(exc.request.url)

    result, _ = both.compare(named)
    if case.kind in ("", "status"):
        assert isinstance(result, dict)
    else:
        assert result[1:] == (case.kind == "closed", f"{bad_url}{NAMES.index(name)}")


def clients(plan: Plan, log: ConnectionLog) -> tuple[WireClients, ClientFactory]:
    return WireClients(plan, 0, log, ServerNames()), ClientFactory(plan, 0, log)


def records(log: ConnectionLog, path: Path) -> list[ErrorKind]:
    log.flush()
    return [ErrorKind(kind) for kind in np.fromfile(path, dtype=CONNECTION_DTYPE)["error"]]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://no-such-host.invalid/"])
def test_a_connection_that_cannot_be_opened(both: Both, tmp_path: Path, url: str) -> None:
    path = tmp_path / "connections.bin"
    log = ConnectionLog(path)
    wire, _ = clients(Plan([Request("GET", url)]), log)

    async def call(client: httpx.AsyncClient) -> Any:
        try:
            await client.get(url)
        except httpx.ConnectError as exc:
            return str(exc.request.url), isinstance(exc.__cause__, OSError)

    async def ours() -> None:
        client = wire.make(WireClient, url)
        client.hooks = both.hooks
        async with client:
            assert await call(client) == (url, True)

    both.runner.run(ours())
    assert records(log, path) == [ErrorKind.CONNECT]
    assert (wire.opened, wire.local_failure_count) == (0, 0)
    log.close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def secure_url(authority: trustme.CA) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("shop.example").configure_cert(context)
    with serving(always(ok()), tls=context) as url:
        yield url


def test_tls(both: Both, authority: trustme.CA, secure_url: str, tmp_path: Path) -> None:
    """Trusted by its authority and name, refused without one of them, taken if not verified."""
    ca_file = str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(ca_file)
    address = secure_url.removeprefix("https://").rstrip("/")
    resolve = {"shop.example:443": address}
    outcomes = {}
    for name, url, transport in [
        ("trusted", "https://shop.example/", Transport(ca_file=ca_file, resolve=resolve)),
        ("named", secure_url, Transport(ca_file=ca_file, server_name="shop.example")),
        ("of another name", secure_url, Transport(ca_file=ca_file)),
        ("of a stranger", "https://shop.example/", Transport(resolve=resolve)),
        ("not verified", secure_url, Transport(verify=False)),
    ]:
        path = tmp_path / f"{name}.bin"
        log = ConnectionLog(path)
        wire, theirs = clients(Plan([Request("GET", url)], transport=transport, timeout_s=60), log)
        found = []

        async def get(client: httpx.AsyncClient, url: str = url) -> object:
            async with client:
                try:
                    return (await client.get(url)).status_code
                except httpx.ConnectError as exc:
                    return isinstance(exc.__cause__, ssl.SSLError) or "CERTIFICATE" in str(exc)

        both.hooks.failed_in_tls = False
        own = wire.make(WireClient, url)
        own.hooks = both.hooks
        found.append(both.runner.run(get(own)))
        assert both.hooks.failed_in_tls is (found[0] is True)
        assert records(log, path) == [ErrorKind.TLS if found[0] is True else ErrorKind.OK]
        found.append(both.runner.run(get(theirs.make(httpx.AsyncClient, url))))
        log.close()
        assert found[0] == found[1]
        outcomes[name] = found[0]
    assert outcomes == {
        "trusted": 200,
        "named": 200,
        "of another name": True,
        "of a stranger": True,
        "not verified": 200,
    }


def test_a_handshake_that_takes_too_long(both: Both, tmp_path: Path) -> None:
    """A service that accepts and never says a word of TLS."""
    path = tmp_path / "connections.bin"
    log = ConnectionLog(path)

    async def call(client: httpx.AsyncClient, url: str) -> str:
        async with client:
            with pytest.raises(httpx.ConnectTimeout) as raised:
                await client.get(url, timeout=httpx.Timeout(None, connect=SILENT_S))
        return str(raised.value.request.url)

    with serving(always(ok())) as plain:  # it waits for the end of a head
        url = plain.replace("http:", "https:")
        wire, theirs = clients(Plan([Request("GET", url)]), log)
        ours = wire.make(WireClient, url)
        ours.hooks = both.hooks
        assert both.runner.run(call(ours, url)) == url
        assert records(log, path) == [ErrorKind.TIMEOUT]
        assert both.runner.run(call(theirs.make(httpx.AsyncClient, url), url)) == url
    log.close()


def test_a_service_that_does_not_read(both: Both) -> None:
    """More is sent than the buffers of both sides hold."""

    async def call(client: httpx.AsyncClient) -> None:
        body = b"x" * (16 << 20)
        timeout = httpx.Timeout(None, read=SILENT_S, write=SILENT_S)
        await client.post(client.base_url, content=body, timeout=timeout)

    async def run() -> list[str]:
        quiet = asyncio.Event()

        async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await quiet.wait()
            writer.close()

        names = []
        async with await asyncio.start_server(serve, "127.0.0.1", 0, limit=1024) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            ours = both.wire.make(WireClient, url)
            ours.hooks = both.hooks
            for client in (ours, both.theirs.make(httpx.AsyncClient, url)):
                async with client:
                    try:
                        await call(client)
                    except httpx.TimeoutException as exc:
                        names.append(type(exc).__name__)
            quiet.set()
        return names

    assert both.runner.run(run()) == ["WriteTimeout", "WriteTimeout"]


def test_what_only_httpx_has_names_the_way_to_it(both: Both) -> None:
    async def call() -> None:
        async with both.wire.make(WireClient, both.server.url) as client:
            with pytest.raises(InputError, match="sni_hostname") as raised:
                await client.get("/x", extensions={"sni_hostname": "x"})
            assert 'client="httpx"' in raised.value.remedy
            with pytest.raises(InputError, match="CONNECT"):
                await client.request("CONNECT", "/x")

    both.runner.run(call())
