"""Cookies: kept per user, and sent where they belong."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.load.drivers.scenario.client.both import HOSTS, Both, Received, ok
from tests.load.drivers.scenario.client.test_requests import GENERATED

LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT"
FAR_OFF = "Fri, 01 Jan 2100 00:00:00 GMT"

SET = [
    "plain=1",
    "path=1; Path=/shop",
    "deeper=1; Path=/shop/cart/",
    "here=1; Domain=127.0.0.1",
    "other=1; Domain=shop.example",
    "secure=1; Secure",
    "later=1; Expires=" + FAR_OFF,
    "over=1; Expires=" + LONG_AGO,
    "plain=; Max-Age=0",
    "aged=1; Max-Age=100000",
    'quoted="a b"; HttpOnly; SameSite=Lax',
    "=nameless",
    "nonsense",
]
PATHS = ["/", "/shop", "/shop/cart/x", "/shopping", "/shop/cart/x?y=1", "/shop%2Fcart/x"]


def sent(received: list[Received]) -> list[list[str]]:
    return [[f for f in request.fields if f.startswith("Cookie: ")] for request in received]


@pytest.mark.parametrize("line", SET)
def test_a_cookie_is_sent_where_it_belongs(both: Both, line: str) -> None:
    both.server.respond = lambda request: (
        ok(b"", f"Set-Cookie: {line}") if request.path == "/set" else ok()
    )

    async def call(client: httpx.AsyncClient) -> Any:
        await client.get("/set")
        for path in PATHS:
            await client.get(path)
        return sorted((cookie.name, cookie.path) for cookie in client.cookies.jar)

    both.compare(call, quick=7)


@settings(GENERATED, max_examples=30)
@given(
    steps=st.lists(
        st.one_of(st.sampled_from(PATHS), st.tuples(st.sampled_from(PATHS), st.sampled_from(SET))),
        max_size=6,
    )
)
def test_any_sequence_of_cookies(both: Both, steps: list[str | tuple[str, str]]) -> None:
    lines = iter([step[1] for step in steps if isinstance(step, tuple)] * 2)
    both.server.respond = lambda request: (
        ok(b"", f"Set-Cookie: {next(lines)}") if "set" in request.line else ok()
    )

    async def call(client: httpx.AsyncClient) -> Any:
        for step in steps:
            if isinstance(step, tuple):
                await client.get(step[0], params={"set": 1})
            else:
                await client.get(step)
        return repr(client.cookies)

    both.compare(call)


@settings(GENERATED, max_examples=30)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(HOSTS),
            st.sampled_from(["", *HOSTS, ".shop.example", "example", "EXAMPLE.com"]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_cookies_of_any_domain(both: Both, steps: list[tuple[str, str]]) -> None:
    def respond(request: Received) -> bytes:
        number = int(request.path[1:])
        domain = steps[number][1]
        return ok(b"", f"Set-Cookie: c{number % 3}={number}" + f"; Domain={domain}" * bool(domain))

    async def call(client: httpx.AsyncClient) -> Any:
        for number, (host, _) in enumerate(steps):
            await client.get(f"{both.server.url_of(host)}{number}")
        return sorted((cookie.domain, cookie.name, cookie.value) for cookie in client.cookies.jar)

    both.server.respond = respond
    _, received = both.compare(call, quick=len(steps))
    assert [request.host.partition(":")[0] for request in received] == [host for host, _ in steps]


def test_cookies_that_a_scenario_sets(both: Both) -> None:
    async def call(client: httpx.AsyncClient) -> Any:
        await client.get("/0")
        client.cookies["a"] = "1"
        await client.get("/1")
        client.cookies.set("b", "2", path="/deep")
        await client.get("/2")
        await client.get("/deep/2")
        await client.get("/3", headers={"Cookie": "own=1"})
        client.cookies.delete("a")
        await client.get("/4")
        client.cookies = {"c": "3"}
        await client.get("/5")
        client.cookies.clear()
        await client.get("/6")
        client.cookies.update({"d": "4"})
        await client.get("/7", auth=("user", "password"))
        return dict(client.cookies)

    _, received = both.compare(call, quick=9)
    assert sent(received) == [
        [],
        ["Cookie: a=1"],
        ["Cookie: a=1"],
        ["Cookie: b=2; a=1"],
        ["Cookie: own=1"],
        [],
        ["Cookie: c=3"],
        [],
        ["Cookie: d=4"],
    ]


@pytest.mark.filterwarnings("ignore:Setting per-request cookies:DeprecationWarning")
def test_cookies_of_one_request(both: Both) -> None:
    async def call(client: httpx.AsyncClient) -> Any:
        client.cookies["a"] = "1"
        await client.get("/1", cookies={"b": "2"})
        return await client.get("/2")

    _, received = both.compare(call, quick=1)
    assert sent(received) == [["Cookie: a=1; b=2"], ["Cookie: a=1"]]


def test_a_cookie_that_expires_is_sent_no_more(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    both.server.respond = lambda request: (
        ok(b"", "Set-Cookie: short=1; Max-Age=1000") if request.path == "/set" else ok()
    )
    now = time.time()

    async def call(client: httpx.AsyncClient) -> Any:
        with monkeypatch.context() as patch:
            await client.get("/set")
            await client.get("/1")
            patch.setattr(time, "time", lambda: now + 2000)
            await client.get("/2")

    _, received = both.compare(call, quick=3)
    assert sent(received) == [[], ["Cookie: short=1"], []]
