"""The proxy over real sockets: what goes through, and what faults do to it.

Nothing here depends on how fast anything is: a fault that lasts for an hour is lifted, and effects
that take time are tested by how long they take at least.
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import struct
import time
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from benchlab.errors import InputError, TargetError
from benchlab.faults.proxy import Effect, Proxy, Upstream
from benchlab.plan.request import Origin
from benchlab.plan.transport import Transport
from tests.faults.proxy.services import (
    LONG_S,
    ask,
    ask_all,
    connect,
    echo_behind_proxy,
    in_loop,
    proxy_to,
    until,
)

HOUR_S = 3600.0


def test_bytes_arrive_as_they_were_sent_with_and_without_faults() -> None:
    effects = [
        None,
        Effect("delay", 0.002),
        Effect("delay", 0.002, distribution="pareto", ratio=0.5),
        Effect("jitter", 0.002),
        Effect("bandwidth", 50e6),
        Effect("delayed_ack", 0.002),
        Effect("retransmission", 0.001, ratio=0.5),
    ]
    data = random.Random(1).randbytes(1_500_000)

    async def case() -> None:
        async with echo_behind_proxy() as (_, proxy):
            for effect in effects:
                if effect is not None:
                    proxy.set("fault", effect)
                assert await ask_all(proxy, data) == data + b"."
                proxy.lift("fault")
            await until(lambda: not proxy.connections)

    in_loop(case)


def test_whatever_faults_come_and_go_bytes_are_right_and_nothing_is_left() -> None:
    kinds = (
        Effect("delay", 0.002, ratio=0.5),
        Effect("jitter", 0.002),
        Effect("bandwidth", 20e6, ratio=0.7),
        Effect("retransmission", 0.001, ratio=0.3),
        Effect("accept_only", ratio=0.3),
        Effect("reset", ratio=0.1),
    )
    chance = random.Random(1)
    problems: list[str] = []

    async def client(proxy: Proxy) -> None:
        streams = await connect(proxy)
        with suppress(ConnectionResetError):
            for size in chance.choices((1, 5_000, 200_000), k=3):
                data = chance.randbytes(size)
                assert await ask(streams, data) == data
        streams[1].close()

    async def case() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: problems.append(str(context)))
        async with echo_behind_proxy() as (_, proxy):
            clients = [asyncio.create_task(client(proxy)) for _ in range(60)]
            while not all(task.done() for task in clients):
                effect = chance.choice(kinds)
                proxy.set(effect.kind, effect)
                proxy.lift(chance.choice(kinds).kind)
                await asyncio.sleep(0.001)
            await asyncio.gather(*clients)
            for effect in kinds:
                proxy.lift(effect.kind)
            await until(lambda: not proxy.connections)
        assert problems == []

    in_loop(case)


def test_many_connections_at_once() -> None:
    async def case() -> None:
        async with echo_behind_proxy() as (echo, proxy):
            messages = [b"%06d" % number for number in range(200)]
            streams = [await connect(proxy) for _ in messages]
            assert await asyncio.gather(*map(ask, streams, messages)) == messages
            assert len(proxy.connections) == echo.connections == len(messages)
            for _, writer in streams:
                writer.close()
            await until(lambda: not proxy.connections)

    in_loop(case)


def test_faults_of_an_hour_end_when_they_are_lifted() -> None:
    async def case() -> None:
        async with echo_behind_proxy() as (echo, proxy):
            streams = await connect(proxy)
            await ask(streams)
            for effect in (
                Effect("delay", HOUR_S),
                Effect("jitter", 1e6 * HOUR_S),
                Effect("bandwidth", 1 / HOUR_S),
                Effect("delayed_ack", HOUR_S),
                Effect("retransmission", HOUR_S),
            ):
                before = echo.received
                proxy.set("fault", effect)
                waiting = asyncio.create_task(ask(streams))
                if effect.kind == "bandwidth":
                    await until(lambda: proxy.held_bytes > 0)
                else:  # what the client sends is not held back
                    await echo.until(lambda before=before: echo.received > before)  # type: ignore[misc]
                    await until(lambda: proxy.held_bytes > 0)
                assert not waiting.done()
                proxy.lift("fault")
                assert await waiting == b"hello"
                assert proxy.held_bytes == 0

    in_loop(case)


def test_a_lifted_fault_leaves_the_others_as_they_are() -> None:
    async def case() -> None:
        async with echo_behind_proxy() as (_, proxy):
            streams = await connect(proxy)
            proxy.set("delay", Effect("delay", 0.1))
            proxy.set("other", Effect("delay", HOUR_S))
            began = time.monotonic()
            waiting = asyncio.create_task(ask(streams))
            await until(lambda: proxy.held_bytes > 0)
            proxy.lift("other")
            proxy.lift("other")  # it is off already
            assert await waiting == b"hello"
            assert time.monotonic() - began >= 0.1

    in_loop(case)


@pytest.mark.parametrize(
    ("effect", "least_s"),
    [
        (Effect("delay", 0.03), 0.03),
        (Effect("delay", 0.03, spread=0.005, distribution="uniform"), 0.025),
        (Effect("delay", 0.03, distribution="pareto"), 0.03),
        (Effect("bandwidth", 1e6), 0.02),  # 10 kB each way
        (Effect("delayed_ack", 0.04), 0.04),
        (Effect("retransmission", 0.2, seed=3), 0.2),
    ],
    ids=lambda value: value.kind if isinstance(value, Effect) else "",
)
def test_a_fault_takes_at_least_its_time(effect: Effect, least_s: float) -> None:
    async def case() -> None:
        async with echo_behind_proxy() as (_, proxy):
            streams = await connect(proxy)
            proxy.set("fault", effect)
            began = time.monotonic()
            await ask(streams, bytes(10_000))
            assert time.monotonic() - began >= least_s

    in_loop(case)


def test_a_bandwidth_is_shared_by_all_connections() -> None:
    async def case() -> None:
        async with echo_behind_proxy() as (_, proxy):
            proxy.set("fault", Effect("bandwidth", 1e6))
            streams = [await connect(proxy) for _ in range(10)]
            began = time.monotonic()
            await asyncio.gather(*(ask(item, bytes(10_000)) for item in streams))
            assert time.monotonic() - began >= 0.1

    in_loop(case)


def test_a_reset_fault_resets_open_and_new_connections_at_their_next_exchange() -> None:
    async def case() -> None:
        async with echo_behind_proxy() as (echo, proxy):
            is_open, idle = await connect(proxy), await connect(proxy)
            await ask(is_open)
            await ask(idle)
            proxy.set("fault", Effect("reset"))
            for streams in (is_open, await connect(proxy)):
                with pytest.raises(ConnectionResetError):
                    await ask(streams)
            proxy.lift("fault")
            assert await ask(idle) == b"hello"
            await echo.until(lambda: echo.connections - len(echo.lost) == 1)
            assert echo.received == 15  # what was reset did not arrive

    in_loop(case)


def test_a_share_of_exchanges_is_reset_and_the_same_ones_again() -> None:
    async def resets(proxy: Proxy, seed: int) -> list[bool]:
        proxy.set("fault", Effect("reset", ratio=0.3, seed=seed))
        found = []
        for _ in range(60):
            streams = await connect(proxy)
            try:
                found.append(await ask(streams) != b"hello")
            except ConnectionResetError:
                found.append(True)
            streams[1].close()
        proxy.lift("fault")
        return found

    async def case() -> None:
        async with (
            echo_behind_proxy() as (echo, proxy),
            proxy_to(Origin("http", "127.0.0.1", echo.port)) as again,
        ):
            first = await resets(proxy, 5)
            assert 5 < sum(first) < 40
            assert await resets(again, 5) == first

    in_loop(case)


def test_a_blackhole_swallows_bytes_of_open_and_new_connections() -> None:
    async def case() -> None:
        async with echo_behind_proxy() as (echo, proxy):
            is_open = await connect(proxy)
            await ask(is_open)
            proxy.set("fault", Effect("blackhole"))
            streams = [is_open, await connect(proxy)]
            asking = [asyncio.create_task(ask(item)) for item in streams]
            await until(lambda: sum(item.is_dead for item in proxy.connections) == 2)
            left = await connect(proxy)
            left[1].write(b"hello")
            left[1].close()  # a client that gives up is let go
            await until(lambda: len(proxy.connections) == 2)
            assert not any(task.done() for task in asking)
            proxy.lift("fault")  # bytes are missing: these connections cannot go on
            for result in await asyncio.gather(*asking, return_exceptions=True):
                assert isinstance(result, ConnectionResetError)
            assert await ask(await connect(proxy)) == b"hello"
            assert echo.received == 10

    in_loop(case)


def test_accept_only_holds_new_connections_and_no_others() -> None:
    async def case() -> None:
        async with echo_behind_proxy() as (echo, proxy):
            is_open = await connect(proxy)
            await ask(is_open)
            proxy.set("fault", Effect("accept_only"))
            asking = asyncio.create_task(ask_all(proxy, b"waits"))
            await until(lambda: len(proxy.connections) == 2)
            assert await ask(is_open) == b"hello"
            assert echo.connections == 1
            assert not asking.done()
            proxy.lift("fault")
            assert await asking == b"waits."

    in_loop(case)


@pytest.mark.parametrize("effect", [None, Effect("delay", HOUR_S)])
def test_a_client_that_does_not_read_stops_the_service(effect: Effect | None) -> None:
    """Neither the kernel's buffers nor what the proxy holds grow without end."""
    size = 64_000_000
    piece = bytes(64_000)

    async def send_much(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(size // len(piece)):
            writer.write(piece)
            await writer.drain()
        writer.close()

    async def case() -> None:
        server = await asyncio.start_server(send_much, "127.0.0.1", 0)
        origin = Origin("http", "127.0.0.1", server.sockets[0].getsockname()[1])
        async with proxy_to(origin) as proxy:
            if effect is not None:
                proxy.set("fault", effect)
            reader, writer = await connect(proxy)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            await until(lambda: any(item.service.is_paused for item in proxy.connections))
            assert max(item.held_bytes for item in proxy.connections) < 1_000_000
            writer.transport.resume_reading()  # type: ignore[attr-defined]
            proxy.lift("fault")
            received = 0
            while data := await asyncio.wait_for(reader.read(1_000_000), LONG_S):
                received += len(data)
            assert received == size
        server.close()

    in_loop(case)


def test_resets_are_passed_on_in_both_directions() -> None:
    def reset(writer: asyncio.StreamWriter) -> None:
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def reset_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        reset(writer)

    async def case() -> None:
        async with echo_behind_proxy() as (echo, proxy):
            streams = await connect(proxy)
            await ask(streams)
            reset(streams[1])
            await echo.until(lambda: bool(echo.lost))
            assert isinstance(echo.lost[0], ConnectionResetError)
        server = await asyncio.start_server(reset_at_once, "127.0.0.1", 0)
        origin = Origin("http", "127.0.0.1", server.sockets[0].getsockname()[1])
        async with proxy_to(origin) as proxy:
            with pytest.raises(ConnectionResetError):
                await ask(await connect(proxy))
        server.close()

    in_loop(case)


def test_a_service_that_refuses_connections_shows_as_a_reset() -> None:
    async def case() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and nobody listens
            async with proxy_to(Origin("http", "127.0.0.1", taken.getsockname()[1])) as proxy:
                with pytest.raises(ConnectionResetError):
                    await ask(await connect(proxy))
                await until(lambda: not proxy.connections)

    in_loop(case)


def test_a_service_may_speak_first() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready")
        writer.close()

    async def case() -> None:
        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        origin = Origin("http", "127.0.0.1", server.sockets[0].getsockname()[1])
        async with proxy_to(origin) as proxy:
            proxy.set("fault", Effect("retransmission", HOUR_S))  # of responses: this is none
            reader, writer = await connect(proxy)
            assert await asyncio.wait_for(reader.read(), LONG_S) == b"220 ready"
            writer.close()
        server.close()

    in_loop(case)


def test_tls_goes_through() -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("service.test").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def case() -> None:
        async with echo_behind_proxy(serving) as (echo, proxy):
            proxy.set("fault", Effect("delay", 0.005))
            streams = await connect(proxy, ssl=trusting, server_hostname="service.test")
            assert await ask(streams) == b"hello"
            assert echo.received == 5
            streams[1].close()

    in_loop(case)


def test_services_on_unix_sockets_and_ipv6_and_where_a_plan_says(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(5))
        writer.close()

    async def case() -> None:
        path = str(tmp_path / "socket")
        servers = [
            await asyncio.start_unix_server(answer, path),
            await asyncio.start_server(answer, "127.0.0.1", 0),
        ]
        port = servers[1].sockets[0].getsockname()[1]
        places = [
            (Origin("http", "service.test", 80), Transport(unix_socket=path)),
            (
                Origin("http", "service.test", 80),
                Transport(resolve={"service.test": f"127.0.0.1:{port}"}),
            ),
            (Origin("http", "localhost", port), Transport(dns_ttl_s=0)),
        ]
        if socket.has_ipv6:
            try:
                servers.append(await asyncio.start_server(answer, "::1", 0))
            except OSError:
                pass
            else:
                six = servers[2].sockets[0].getsockname()[1]
                places.append((Origin("http", "::1", six), Transport()))
        for origin, transport in places:
            async with proxy_to(origin, transport) as proxy:
                assert await ask(await connect(proxy)) == b"hello"
        for server in servers:
            server.close()

    in_loop(case)


def test_a_proxy_that_cannot_start_says_why() -> None:
    async def case() -> None:
        async with echo_behind_proxy() as (echo, _):
            taken = Proxy(Upstream(Origin("http", "127.0.0.1", 1), Transport()), echo.port)
            with pytest.raises(InputError) as port:
                await taken.start()
            assert (port.value.field, port.value.value) == ("port", echo.port)
        nowhere = Proxy(Upstream(Origin("http", "nowhere.invalid", 80), Transport()))
        with pytest.raises(TargetError, match=r"nowhere\.invalid"):
            await nowhere.start()

    in_loop(case)


def test_closing_a_proxy_closes_its_connections() -> None:
    async def case() -> None:
        async with echo_behind_proxy() as (_, proxy):
            streams = await connect(proxy)
            await ask(streams)
            await proxy.close()
            assert await asyncio.wait_for(streams[0].read(), LONG_S) == b""

    in_loop(case)
