"""Redirects: followed if that is asked for, by the rules of httpx."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.load.drivers.scenario.client.both import Both, Received, ok
from tests.load.drivers.scenario.client.test_requests import GENERATED

STATUS = [301, 302, 303, 307, 308]


def see(status: int, place: str, *lines: str) -> bytes:
    return ok(b"elsewhere", f"Location: {place}", *lines, status=f"{status} See")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("status", STATUS)
def test_method_and_body(both: Both, status: int, method: str) -> None:
    def respond(request: Received) -> bytes:
        if request.path == "/from":
            return see(status, "/to").partition(b"elsewhere")[0]
        return b"HTTP/1.1 204 No Content\r\n\r\n"

    async def call(client: httpx.AsyncClient) -> httpx.Response:
        body = b"" if method in ("GET", "HEAD") else b"body"
        headers = {"Content-Type": "text/plain"}
        return await client.request(
            method, "/from", content=body, headers=headers, follow_redirects=True
        )

    both.server.respond = lambda request: respond(request).replace(
        b"Content-Length: 9", b"Content-Length: 0"
    )
    _, received = both.compare(call, quick=0)
    assert [request.path for request in received] == ["/from", "/to"]


@pytest.mark.parametrize(("host", "kept"), [("127.0.0.1", True), ("shop.example", False)])
def test_authorization_stays_at_its_origin(both: Both, host: str, *, kept: bool) -> None:
    place = both.server.url_of(host) + "to"

    def respond(request: Received) -> bytes:
        return see(302, place) if request.path == "/from" else ok()

    async def call(client: httpx.AsyncClient) -> httpx.Response:
        client.headers["Authorization"] = "Bearer secret"
        client.cookies.set("user", "me")
        return await client.get("/from", follow_redirects=True)

    both.server.respond = respond
    _, received = both.compare(call, quick=0)
    assert len(received) == 2
    assert any(field.startswith("Authorization") for field in received[1].fields) is kept


def test_cookies_of_each_response_count(both: Both) -> None:
    def respond(request: Received) -> bytes:
        if request.path == "/1":
            return see(302, "/2", "Set-Cookie: one=1")
        if request.path == "/2":
            return see(303, "/3", "Set-Cookie: two=2")
        return ok()

    async def call(client: httpx.AsyncClient) -> Any:
        client.follow_redirects = True
        response = await client.post("/1", data={"user": "me"})
        again = await client.get("/1", follow_redirects=False)
        return response.text, len(response.history), again.status_code, dict(client.cookies)

    both.server.respond = respond
    result, received = both.compare(call, quick=1)
    assert result == ('{"ok": 1}', 2, 302, {"one": "1", "two": "2"})
    assert "Cookie: one=1; two=2" in received[2].fields


def test_an_endless_redirect(both: Both) -> None:
    async def call(client: httpx.AsyncClient) -> httpx.Response:
        client.max_redirects = 3
        return await client.get("/again", follow_redirects=True)

    both.server.respond = lambda _request: see(302, "/again")
    result, received = both.compare(call)
    assert result[0] == "TooManyRedirects"
    assert len(received) == 4


@pytest.mark.parametrize("place", ["ftp://x/", "//[bad", "x:y:z", "", "#top", "?q=1"])
def test_odd_places(both: Both, place: str) -> None:
    both.server.respond = lambda request: (
        see(302, place) if request.path == "/a/from" and "?" not in request.line else ok()
    )

    async def call(client: httpx.AsyncClient) -> httpx.Response:
        client.max_redirects = 2
        return await client.get("/a/from", follow_redirects=True)

    both.compare(call)


@settings(GENERATED, max_examples=30)
@given(place=st.text("ab/.:?#@%2F=+ ;", max_size=12), status=st.sampled_from(STATUS))
def test_any_place(both: Both, place: str, status: int) -> None:
    both.server.respond = lambda request: see(status, place) if request.path == "/a/from" else ok()

    async def call(client: httpx.AsyncClient) -> Any:
        client.max_redirects = 2
        try:
            return await client.post("/a/from", json={}, follow_redirects="//" not in place)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):  # one kind of error to a run
            return "cannot be sent"

    both.compare(call)
