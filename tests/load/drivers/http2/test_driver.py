"""The HTTP/2 driver: which requests share a connection, and what becomes of them when it ends."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import trustme

from benchlab import ClosedLoop, ConstantRate, Plan, Request, Transport
from benchlab.errors import InputError
from benchlab.plan.shapes.base import LoadShape
from benchlab.samples.samples import Flag
from tests.load.drivers.http2.service import (
    Peer,
    Service,
    driving,
    flags_of,
    serving,
    until,
)

OPEN = ConstantRate(10)


def plan_for(*urls: str, load: LoadShape = OPEN, **more: Any) -> Plan:
    requests = [Request("GET", url, name=f"r{index}") for index, url in enumerate(urls)]
    return Plan(requests, load, driver="http2", **more)


def check(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


@pytest.mark.parametrize(
    ("users", "streams", "connections"), [(10, 4, 3), (8, 8, 1), (3, 1, 3), (1, 100, 1)]
)
def test_users_of_a_closed_loop_share_connections(
    users: int, streams: int, connections: int, tmp_path: Path
) -> None:
    async def test() -> None:
        async with serving(Service(None)) as service:
            plan = plan_for(service.url, load=ClosedLoop(users), streams=streams)
            async with driving(plan, tmp_path) as driven:
                driven.source.end_ns = time.monotonic_ns() + 10**12
                driven.driver.begin()
                await until(lambda: len(service.waiting) == users)
                assert len(service.peers) == driven.driver.connections_opened == connections
                assert driven.driver.in_flight == driven.driver.in_flight_max == users
                for _ in range(3):
                    service.release()
                    await until(lambda: len(service.waiting) == users)
                driven.source.stop()
                service.release()
                await until(lambda: driven.driver.in_flight == 0)
                assert driven.samples["seq"].tolist() == list(range(4 * users))
                assert set(driven.errors) == {"ok"}
                assert set(driven.samples["bytes_in"].tolist()) == {10}
                assert len(set(driven.samples["connection"].tolist())) == connections
                assert not any(flags_of(driven.samples, Flag.NEW_CONNECTION | Flag.CAP_WAIT))
                assert driven.driver.servers.names == ["loop"]
            assert len(service.peers) == connections

    check(test)


def test_a_closed_loop_opens_more_connections_where_a_service_allows_fewer_streams(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        async with serving(Service(None, most=2)) as service:
            plan = plan_for(service.url, load=ClosedLoop(5), streams=5)
            async with driving(plan, tmp_path) as driven:
                driven.source.end_ns = time.monotonic_ns() + 10**12
                driven.driver.begin()
                # A new connection takes what it is given, and sends two of it at a time.
                await until(lambda: len(service.waiting) >= 4)
                while driven.driver.in_flight:
                    driven.source.stop()
                    service.release()
                    await asyncio.sleep(0.001)
                assert driven.errors == ["ok"] * 5
                assert max(service.used) <= 3

    check(test)


def test_further_settings_of_a_service_add_no_users(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(Service(None, most=2)) as service:
            plan = plan_for(service.url, load=ClosedLoop(2), streams=4)
            async with driving(plan, tmp_path) as driven:
                driven.source.end_ns = time.monotonic_ns() + 10**12
                driven.driver.begin()
                await until(lambda: len(service.waiting) == 2)
                for most in (3, 4):
                    service.peers[0].allow(most)
                await until(lambda: service.peers[0].acknowledged == 3)
                assert driven.driver.in_flight == len(service.waiting) == 2
                driven.source.stop()
                service.release()
                await until(lambda: driven.driver.in_flight == 0)
                assert driven.errors == ["ok"] * 2

    check(test)


def test_requests_of_an_open_loop_use_streams_that_a_service_allows_later(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(Service(None, most=1)) as service:
            plan = plan_for(service.url, streams=4, max_connections=1)
            async with driving(plan, tmp_path) as driven:
                driven.send(1)
                await until(lambda: len(service.waiting) == 1)
                driven.send(2)
                assert driven.driver.in_flight == 3
                service.peers[0].allow(2)
                await until(lambda: len(service.waiting) == 2)
                service.release()
                await until(lambda: len(service.waiting) == 1)
                service.release()
                await until(lambda: driven.driver.in_flight == 0)
                assert driven.errors == ["ok"] * 3
                assert flags_of(driven.samples, Flag.CAP_WAIT) == [False, True, True]
                assert service.used == [3]

    check(test)


def test_an_open_loop_fills_streams_before_it_opens_connections(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(Service(None)) as service:
            plan = plan_for(service.url, streams=4, max_connections=2)
            async with driving(plan, tmp_path) as driven:
                driven.send(6)
                await until(lambda: len(service.waiting) == 6)
                assert service.used == [4, 2]
                driven.send(4)
                await until(lambda: len(service.waiting) == 8)
                assert (driven.source.waiting, driven.driver.in_flight) == (2, 8)
                service.release(1)
                await until(lambda: len(service.waiting) == 8)
                assert driven.driver.cap_wait_count == 1
                while driven.driver.in_flight:
                    service.release()
                    await asyncio.sleep(0.001)
                assert driven.errors == ["ok"] * 10
                waited = flags_of(driven.samples, Flag.CAP_WAIT)
                assert waited == [False] * 8 + [True] * 2
                assert flags_of(driven.samples, Flag.NEW_CONNECTION) == [True] * 6 + [False] * 4
                assert driven.driver.connections_opened == 2

    check(test)


def test_a_timeout_resets_the_stream_and_keeps_the_connection(tmp_path: Path) -> None:
    def second(peer: Peer, number: int) -> None:
        if number > 1:
            peer.respond(number)

    async def test() -> None:
        async with serving(Service(second)) as service:
            plan = plan_for(service.url, streams=3)
            async with driving(plan, tmp_path) as driven:
                driven.send(2)
                await until(lambda: len(driven.samples))
                driven.driver.sweep(time.monotonic_ns() + 11 * 10**9)
                await until(lambda: service.resets)
                driven.send(1)
                await until(lambda: driven.driver.in_flight == 0)
                assert driven.errors == ["timeout", "ok", "ok"]
                assert service.resets == [(1, 8)]  # CANCEL
                assert len(service.peers) == 1

    check(test)


def test_a_connection_on_which_nothing_comes_is_replaced(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(Service(None)) as service:
            plan = plan_for(service.url, streams=3)
            async with driving(plan, tmp_path) as driven:
                driven.send(1)
                await until(lambda: len(service.waiting) == 1)
                driven.driver.sweep(time.monotonic_ns() + 11 * 10**9)  # the settings came
                driven.send(1)
                await until(lambda: len(service.waiting) == 2)
                driven.driver.sweep(time.monotonic_ns() + 11 * 10**9)
                service.respond = lambda peer, number: peer.respond(number)
                driven.send(1)
                await until(lambda: driven.driver.in_flight == 0)
                assert driven.errors == ["timeout", "timeout", "ok"]
                assert service.used == [2, 1]

    check(test)


def test_after_a_goaway_the_next_requests_have_a_new_connection(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(Service(None)) as service:
            plan = plan_for(service.url, streams=4)
            async with driving(plan, tmp_path) as driven:
                driven.send(3)
                await until(lambda: len(service.waiting) == 3)
                service.peers[0].go_away(3)
                await until(lambda: len(driven.samples) == 1)
                driven.send(1)
                await until(lambda: len(service.waiting) == 4)
                peer, number = service.waiting.pop()
                peer.respond(number)
                await until(lambda: len(driven.samples) == 2)
                service.peers[0].transport.close()
                await until(lambda: driven.driver.in_flight == 0)
                assert driven.errors == ["goaway", "goaway", "goaway", "ok"]
                assert service.used == [3, 1]

    check(test)


def test_without_keep_alive_every_request_has_a_connection(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(Service()) as service:
            plan = plan_for(service.url, transport=Transport(keep_alive=False))
            async with driving(plan, tmp_path) as driven:
                for count in range(1, 4):
                    driven.send(1)
                    await until(lambda count=count: len(driven.samples) == count)  # type: ignore[misc]
                assert service.used == [1, 1, 1]
                assert all(flags_of(driven.samples, Flag.NEW_CONNECTION))
                assert driven.errors == ["ok"] * 3

    check(test)


def test_without_keep_alive_a_request_that_timed_out_leaves_no_connection(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(Service(None)) as service:
            plan = plan_for(service.url, transport=Transport(keep_alive=False))
            async with driving(plan, tmp_path) as driven:
                driven.send(1)
                await until(lambda: len(service.waiting) == 1)
                await until(lambda: service.peers[0].acknowledged)
                driven.driver.sweep(time.monotonic_ns() + 11 * 10**9)
                await until(lambda: service.peers[0].is_lost)
                assert driven.errors == ["timeout"]

    check(test)


def test_what_is_open_or_waits_at_the_end_is_abandoned(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(Service(None)) as service:
            plan = plan_for(service.url, streams=2, max_connections=1)
            async with driving(plan, tmp_path) as driven:
                driven.send(5)
                await until(lambda: len(service.waiting) == 2)
                driven.driver.abandon(time.monotonic_ns())
                assert driven.errors == ["abandoned"] * 5
                assert flags_of(driven.samples, Flag.CAP_WAIT) == [False] * 2 + [True] * 3

    check(test)


def test_a_request_waits_for_the_only_connection_to_another_service(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(Service(None)) as one, serving(Service(None)) as other:
            plan = plan_for(one.url, other.url, streams=8, max_connections=1)
            order = [plan.request_of(seq) for seq in range(8)]
            async with driving(plan, tmp_path) as driven:
                driven.send(8)
                await until(lambda: one.waiting or other.waiting)
                first, second = (one, other) if one.waiting else (other, one)
                assert not second.peers
                await until(lambda: len(first.waiting) == order.count(order[0]))
                assert driven.driver.in_flight == 8
                first.release()
                await until(lambda: len(second.waiting) == 8 - order.count(order[0]))
                second.release()
                await until(lambda: driven.driver.in_flight == 0)
                assert driven.errors == ["ok"] * 8
                assert len(first.peers) == len(second.peers) == 1

    check(test)


@pytest.mark.parametrize("protocols", [[], ["http/1.1"], ["h2"]])
def test_http2_over_tls_is_agreed_on_in_the_handshake(protocols: list[str], tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    if protocols:
        tls.set_alpn_protocols(protocols)

    async def test() -> None:
        async with serving(Service(), tls) as service:
            plan = plan_for(service.url, transport=Transport(verify=False))
            async with driving(plan, tmp_path) as driven:
                driven.send(1)
                await until(lambda: driven.driver.in_flight == 0)
                agreed = protocols == ["h2"]
                assert driven.errors == ["ok" if agreed else "tls"]
                assert driven.driver.connections_opened == agreed
            examples = (tmp_path / "examples-0.jsonl").read_text() if not agreed else ""
            assert ('driver \\"http\\"' in examples) is not agreed

    check(test)


def test_header_fields_are_those_of_http2(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(Service()) as service:
            sent = {"Host": "other.test", "Connection": "keep-alive, foo", "X-Mine": "Yes"}
            plan = Plan(
                [Request("POST", f"{service.url}a?b=c", sent, body=b"1234")],
                OPEN,
                driver="http2",
                trace_ratio=1.0,
            )
            async with driving(plan, tmp_path) as driven:
                driven.send(2)
                await until(lambda: len(driven.samples) == 2)
        first, second = (dict(fields) for fields in service.fields)
        trace = b"00-0123456789abcdef%016x-%016x-01"
        assert first == {
            b":method": b"POST",
            b":scheme": b"http",
            b":path": b"/a?b=c",
            b":authority": b"other.test",
            b"x-mine": b"Yes",
            b"accept": b"*/*",
            b"user-agent": b"benchlab",
            b"content-length": b"4",
            b"traceparent": trace % (0, 1),
        }
        assert second == {**first, b"traceparent": trace % (1, 2)}

    check(test)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"streams": 2}, "streams"),
        ({"streams": 0, "driver": "http2"}, "streams"),
        ({"streams": 1001, "driver": "http2"}, "streams"),
        (
            {"streams": 2, "driver": "http2", "transport": Transport(keep_alive=False)},
            "streams",
        ),
    ],
)
def test_a_plan_says_what_it_cannot_do(more: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        Plan([Request("GET", "http://127.0.0.1:1/")], **more)
    assert caught.value.field == field


def test_a_plan_counts_connections_and_streams() -> None:
    url = "http://127.0.0.1:1/"
    closed = plan_for(url, load=ClosedLoop(10), streams=4, workers=3)
    assert [closed.share(worker) for worker in range(3)] == [4, 3, 3]
    assert [closed.connection_share(worker) for worker in range(3)] == [1, 1, 1]
    assert (closed.connection_limit, closed.most_connections) == (10, 3)
    assert "closed loop of 10 users on 3 connections" in closed.describe()
    opened = plan_for(url, streams=4, max_connections=5, workers=2)
    assert [opened.share(worker) for worker in range(2)] == [12, 8]
    assert (opened.connection_limit, opened.most_connections) == (20, 5)
    assert Plan.from_json(opened.to_json()) == opened
