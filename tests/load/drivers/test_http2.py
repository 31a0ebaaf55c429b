"""HTTP/2 by both drivers that speak it, with a server that speaks nothing else."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
import trustme

from benchlab import ClosedLoop, ConstantRate, Plan, Request, StatusIn, Transport, run, scenario
from tests.load.http2_server import Seen, serving_http2

UNVERIFIED = Transport(verify=False)


@pytest.fixture(scope="module")
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.mark.parametrize("driver", ["httpx", "http2"])
def test_requests_go_over_one_http2_connection_for_each_user(
    driver: str, tls: ssl.SSLContext
) -> None:
    seen = Seen()
    with serving_http2(tls, seen) as url:
        result = run(
            Plan(
                [Request("POST", f"{url}items?n=1", {"x-mine": "yes"}, body=b"sent")],
                ClosedLoop(3),
                request_count=30,
                driver=driver,
                trace_ratio=1.0,
                transport=UNVERIFIED,
            )
        )
    assert result.summary.count == 30
    assert result.summary.errors == {}
    assert set(result.samples.column("bytes_in")) == {len(b"over h2")}
    assert (result.samples.column("first_byte_ns") > 0).all()
    assert result.health.servers == ["two"]
    assert len(seen.requests) == 30
    assert seen.connection_count == len(result.connections.opened) == 3
    assert (result.connections.opened.phase_ns("tls") > 0).all()
    first = seen.requests[0]
    assert (first[":method"], first[":path"], first["x-mine"]) == ("POST", "/items?n=1", "yes")
    assert len({request["traceparent"] for request in seen.requests}) == 30


def test_without_keep_alive_each_request_has_an_http2_connection(tls: ssl.SSLContext) -> None:
    seen = Seen()
    transport = Transport(verify=False, keep_alive=False)
    with serving_http2(tls, seen) as url:
        plan = Plan(
            [Request("GET", url)],
            ClosedLoop(2),
            request_count=10,
            driver="httpx",
            transport=transport,
        )
        result = run(plan)
    assert result.summary.errors == {}
    assert seen.connection_count == 10
    assert "connection" not in seen.requests[0]  # HTTP/2 forbids it (RFC 9113, section 8.2.2)


@pytest.mark.parametrize("driver", ["httpx", "http2"])
def test_an_error_status_over_http2_is_an_error(driver: str, tls: ssl.SSLContext) -> None:
    seen = Seen()
    with serving_http2(tls, seen, status=503) as url:
        requests = [
            Request("GET", url, name="plain"),
            Request("GET", url, name="expected", checks=[StatusIn(503)]),
        ]
        result = run(
            Plan(requests, ConstantRate(50), request_count=20, driver=driver, transport=UNVERIFIED)
        )
    errors = {name: part.errors for name, part in result.by_endpoint().items()}
    assert set(errors["plain"]) == {"status"}
    assert errors["expected"] == {}
    assert {item.body for item in result.examples} == {"over h2"}


def test_a_scenario_speaks_http2_where_the_service_does(tls: ssl.SSLContext) -> None:
    async def two_steps(client: Any, ctx: Any) -> None:
        async with ctx.step("first") as step:
            response = await client.get("/a")
            step.check(response.http_version == "HTTP/2", response.http_version)
        await client.get("/b")

    seen = Seen()
    with serving_http2(tls, seen) as url:
        plan = Plan(
            scenario=scenario(two_steps, url, client="httpx"),
            load=ClosedLoop(2),
            request_count=6,
            transport=UNVERIFIED,
        )
        result = run(plan)
    assert result.summary.errors == {}
    assert {name: part.count for name, part in result.by_endpoint().items()} == {
        "first": 6,
        "GET /b": 6,
    }
    assert seen.connection_count == 2
