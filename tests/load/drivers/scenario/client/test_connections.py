"""Connections of a user: when they are used again, and what is sent on them."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchlab import Plan, Request
from benchlab.load.drivers.headers import ServerNames
from benchlab.load.drivers.scenario.client import transport as transport_module
from benchlab.load.drivers.scenario.client.client import WireClient
from benchlab.load.drivers.scenario.client.factory import WireClients
from benchlab.load.drivers.scenario.client.hooks import Job
from benchlab.load.recording.connection_log import ConnectionLog
from benchlab.plan.transport import Transport
from benchlab.samples.samples import Flag
from benchlab.units import NS_PER_S
from tests.load.drivers.scenario.client.both import Both, Received, StepHooks, ok
from tests.load.servers import always, serving
from tests.load.servers import ok as plain_ok

TIMEOUT_NS = 60 * NS_PER_S
"""That of the plan of `Both`."""

Call = Callable[[WireClient], Awaitable[Any]]


def connections(both: Both, call: Call) -> int:
    """How many connections ``call`` opens."""

    async def run() -> None:
        client = both.wire.make(WireClient, both.server.url)
        client.hooks = both.hooks
        async with client:
            await call(client)

    before = both.wire.opened
    both.runner.run(run())
    return both.wire.opened - before


async def three_times(client: WireClient, **options: Any) -> None:
    for _ in range(3):
        await client.get("/x", **options)


def test_a_connection_is_used_again(both: Both) -> None:
    async def call(client: WireClient) -> None:
        both.hooks.flags = 0
        await client.get("/x")
        assert both.hooks.flags == Flag.NEW_CONNECTION
        both.hooks.flags = 0
        number = both.hooks.connection
        response = await client.post("/x", files={"f": b"x"})
        assert both.wire.number_of(response) == number
        await client.get("/x")
        assert both.hooks.connection == number
        assert both.hooks.flags == 0

    assert connections(both, call) == 1


def test_a_connection_is_used_once_if_either_side_says_so(both: Both) -> None:
    async def closing(client: WireClient) -> None:
        await three_times(client, headers={"Connection": "close"})

    assert connections(both, closing) == 3
    both.server.respond = lambda _request: ok(b"", "Connection: close")
    assert connections(both, three_times) == 3
    both.server.respond = lambda _request: ok() + b"surplus"
    assert connections(both, three_times) == 3


def test_a_connection_that_was_idle_for_long_is_not_used_again(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "IDLE_LIMIT_NS", -1)
    assert connections(both, three_times) == 3


def test_requests_at_the_same_time_have_connections_of_their_own(both: Both) -> None:
    async def call(client: WireClient) -> None:
        for _ in range(2):
            await asyncio.gather(*(client.get("/x") for _ in range(4)))

    assert connections(both, call) == 4


def test_a_connection_that_the_service_closed_is_not_used_again(both: Both) -> None:
    async def run() -> None:
        closed = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ok())
            writer.close()
            await writer.wait_closed()
            closed.set()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            client = both.wire.make(WireClient, url)
            client.hooks = both.hooks
            async with client:
                for _ in range(3):
                    closed.clear()
                    assert (await client.get("/x")).status_code == 200
                    await closed.wait()
                    while client.idle_connections:
                        await asyncio.sleep(0)

    both.runner.run(run())


def test_a_request_that_outlives_its_step_times_out(both: Both) -> None:
    """Within a step the step's timeout ends it: this one comes later."""

    async def run() -> None:
        awaited = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            awaited.set()
            await reader.read()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            client = both.wire.make(WireClient, url)
            client.hooks = both.hooks
            async with client:
                begun = time.monotonic_ns()
                request = asyncio.create_task(client.get("/x"))
                await awaited.wait()
                both.wire.sweep(begun + 2 * TIMEOUT_NS)
                assert not request.done()
                both.wire.sweep(time.monotonic_ns() + 2 * TIMEOUT_NS)
                with pytest.raises(httpx.ReadTimeout) as caught:
                    await request
                assert str(caught.value.request.url) == f"{url}x"

    before = set(both.wire.connections)
    both.runner.run(run())
    assert both.wire.connections <= before


@pytest.mark.parametrize("way", ["quick", "stream"])
def test_a_request_that_is_given_up_closes_its_connection(both: Both, way: str) -> None:
    async def run() -> int:
        asked = asyncio.Event()
        ended = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            assert await reader.read() == b""
            writer.close()
            ended.set()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            client = both.wire.make(WireClient, url)
            client.hooks = both.hooks if way == "quick" else None
            async with client:
                task = asyncio.ensure_future(client.get("/x"))
                await asked.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await ended.wait()
        return client.idle_connections

    assert both.runner.run(run()) == 0


def test_a_stream_that_is_not_read_is_not_received(both: Both) -> None:
    """What waits for the scenario is bounded, and the connection goes on when it reads."""
    size = 16 << 20

    async def call(client: WireClient) -> None:
        async with client.stream("GET", "/x") as response:
            stream: Any = response.stream
            incoming: Any = stream._stream
            while not incoming.is_paused:
                await asyncio.sleep(0)
            assert incoming.waiting_bytes < size / 4
            total = 0
            async for part in response.aiter_raw():
                total += len(part)
            assert total == size
        await client.get("/x", headers={"Connection": "close"})

    both.server.respond = lambda request: (
        ok() if "Connection: close" in request.fields else ok(b"x" * size)
    )
    assert connections(both, call) == 1


def test_a_long_body_that_is_sent_in_parts(both: Both) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(64):
            yield bytes([number]) * 65_536

    async def call(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/x", content=parts())

    both.server.respond = lambda request: ok(str(len(request.body)).encode())
    result, received = both.compare(call, quick=0)
    assert isinstance(result, dict), result
    assert result["text"] == str(64 * 65_536)
    assert received[0].body[::65_536] == bytes(range(64))


def with_transport(
    both: Both, tmp_path: Path, url: str, transport: Transport, call: Call
) -> WireClients:
    """Make calls with a client of a plan that has ``transport``."""
    log = ConnectionLog(tmp_path / "connections.bin")
    plan = Plan([Request("GET", url)], transport=transport, timeout_s=60)
    wire = WireClients(plan, 0, log, ServerNames())

    async def run() -> None:
        await wire.prepare()
        client = wire.make(WireClient, url)
        client.hooks = both.hooks
        async with client:
            await call(client)

    both.runner.run(run())
    log.close()
    return wire


def test_keep_alive_off(both: Both, tmp_path: Path) -> None:
    async def call(client: WireClient) -> None:
        await client.get("/quick")
        await client.post("/x", files={"f": b"x"})
        await client.get("/own", headers={"Connection": "keep-alive"})

    both.server.received = []
    wire = with_transport(both, tmp_path, both.server.url, Transport(keep_alive=False), call)
    assert wire.opened == 3
    quick, files, own = both.server.received
    assert "Connection: close" in quick.fields
    assert "Connection: close" in files.fields
    assert "Connection: keep-alive" in own.fields


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("shop.example", "shop.example"),
        ("Shop.Example.", "shop.example."),
        ("faß.test", "xn--fa-hia.test"),
    ],
)
def test_a_name_at_an_address(both: Both, tmp_path: Path, name: str, sent: str) -> None:
    port = both.server.url.rsplit(":", 1)[1].rstrip("/")

    async def call(client: WireClient) -> None:
        response = await client.get("/x")
        assert str(response.url) == f"http://{sent}:{port}/x"
        await client.get(f"http://{name}:{port}/y")

    both.server.received = []
    resolve = Transport(resolve={name: "127.0.0.1"})
    wire = with_transport(both, tmp_path, f"http://{name}:{port}/", resolve, call)
    assert [request.host for request in both.server.received] == [f"{sent}:{port}"] * 2
    assert wire.opened == 1


def test_a_unix_socket(both: Both, tmp_path: Path) -> None:
    async def call(client: WireClient) -> None:
        assert (await client.get("/x")).content == b"ok"
        assert (await client.post("/x", files={"f": b"x"})).content == b"ok"

    with serving(always(plain_ok()), unix_socket=tmp_path / "socket") as path:
        wire = with_transport(
            both, tmp_path, "http://shop.example/", Transport(unix_socket=path), call
        )
    assert wire.opened == 1


class Outside(StepHooks):
    """No step, until a request needs one of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.named: list[tuple[str, str]] = []

    def current(self) -> Job | None:
        return None

    @asynccontextmanager
    async def alone(self, method: str, path: str) -> AsyncIterator[Job]:
        self.named.append((method, path))
        yield self

    def lines(self, job: Job) -> bytes:
        return b"traceparent: 00-7\r\n"


def test_a_request_outside_of_steps_has_one_of_its_own(both: Both) -> None:
    def traces(request: Received) -> list[str]:
        return [field for field in request.fields if field.lower().startswith("traceparent")]

    async def run(hooks: Outside) -> None:
        client = both.wire.make(WireClient, both.server.url)
        client.hooks = hooks
        async with client:
            await client.get("/item/%7b1%7D;a?q=%31", headers={"X-A": "b"})
            await client.post("/x", headers={"Traceparent": "own"})
            await client.get("/from", follow_redirects=True)

    hooks = Outside()
    both.server.received = []
    both.server.respond = lambda request: (
        ok(b"", "Location: /to", status="302 Found") if request.path == "/from" else ok()
    )
    both.runner.run(run(hooks))
    assert hooks.named == [("GET", "/item/{1};a"), ("POST", "/x"), ("GET", "/from")]
    sent = list(map(traces, both.server.received))
    assert sent[:3] == [["traceparent: 00-7"], ["Traceparent: own"], ["traceparent: 00-7"]]
    assert [request.path for request in both.server.received[2:]] == ["/from", "/to"]


def test_a_step_that_cannot_begin(both: Both) -> None:
    """As after the end of a run: nothing is sent, and nothing is left unawaited."""

    class Over(StepHooks):
        def current(self) -> Job | None:
            return None

        def alone(self, method: str, path: str) -> AbstractAsyncContextManager[Job]:
            raise asyncio.CancelledError

    async def run() -> None:
        client = both.wire.make(WireClient, both.server.url)
        client.hooks = Over()
        async with client:
            for follow in (False, True):
                with pytest.raises(asyncio.CancelledError):
                    await client.get("/x", follow_redirects=follow)

    both.server.received = []
    both.runner.run(run())
    gc.collect()  # a coroutine that was not awaited would warn, which fails the test
    assert both.server.received == []
