"""Requests: the server receives the same from both clients."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchlab.load.drivers.scenario.client import factory as factory_module
from tests.load.drivers.scenario.client.both import Both

GENERATED = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Call = Callable[[httpx.AsyncClient], Awaitable[Any]]

QUICK: dict[str, Call] = {
    "a fragment": lambda client: client.get("/x#part"),
    "a url without a host": lambda client: client.get("http:///x"),
    "get": lambda client: client.get("/x"),
    "a query": lambda client: client.get("/x?a=1&b=2"),
    "params": lambda client: client.get("/x", params={"a": [1, 2], "b": None, "c": True}),
    "params replace a query": lambda client: client.get("/x?a=1", params=[("b", "ä ö")]),
    "empty params remove a query": lambda client: client.get("/x?a=1", params={}),
    "a list that is empty": lambda client: client.get("/x", params={"a": []}),
    "no path": lambda client: client.get(""),
    "a relative path": lambda client: client.get("x/y"),
    "dots": lambda client: client.get("/a/../b/./c.d/.e?f=../g"),
    "spaces and umlauts": lambda client: client.get("/ä ö/%zz?q=ü v"),
    "slashes": lambda client: client.get("/a//b/"),
    "text": lambda client: client.post("/x", content="ä"),
    "bytes": lambda client: client.put("/x", content=b"\x00\xff"),
    "no content": lambda client: client.post("/x"),
    "empty content": lambda client: client.post("/x", content=b""),
    "content of a type": lambda client: client.post(
        "/x", content="{}", headers={"content-type": "application/json"}
    ),
    "json": lambda client: client.post("/x", json={"a": [1.5, None, "ä"]}),
    "json of a type": lambda client: client.post("/x", json=1, headers={"Content-Type": "a/b"}),
    "a form": lambda client: client.post("/x", data={"a": "1 2", "b": ["x", "y"], "c": None}),
    "an empty form": lambda client: client.post("/x", data={}),
    "a form of nothing": lambda client: client.post("/x", data={"a": []}),
    "patch": lambda client: client.patch("/x", json=[]),
    "delete": lambda client: client.delete("/x"),
    "delete with a body": lambda client: client.request("DELETE", "/x", json={"a": 1}),
    "options": lambda client: client.options("/x"),
    "head": lambda client: client.head("/x"),
    "headers": lambda client: client.get("/x", headers={"X-A": "1", "x-b": "2"}),
    "headers that repeat": lambda client: client.get("/x", headers=[("X-A", "1"), ("X-A", "2")]),
    "another host": lambda client: client.get("/x", headers={"Host": "shop.example"}),
    "basic auth": lambda client: client.get("/x", auth=("üser", "pass:word")),
    "no auth": lambda client: client.get("/x", auth=None),
    "a time limit": lambda client: client.get("/x", timeout=60),
    "no time limit": lambda client: client.get("/x", timeout=None),
    "an absolute url": lambda client: client.get(f"{client.base_url}x?y=1"),
    "redirects are followed": lambda client: client.get("/x", follow_redirects=True),
    "connection: close": lambda client: client.get("/x", headers={"Connection": "close"}),
}


async def parts() -> AsyncIterator[bytes]:
    yield b"one"
    yield b""
    yield b"two"


def own_auth(request: httpx.Request) -> httpx.Request:
    request.headers["X-Signed"] = "yes"
    return request


async def streamed(client: httpx.AsyncClient) -> Any:
    async with client.stream("POST", "/x", json={"a": 1}) as response:
        return response.status_code, await response.aread()


HTTPX: dict[str, Call] = {
    "two hosts": lambda client: client.get("/x", headers=[("Host", "a"), ("Host", "b")]),
    "url": lambda client: client.get(httpx.URL("/x")),
    "a user in the url": lambda client: client.get(
        client.base_url.copy_with(username="me", password="pw")
    ),
    "another method": lambda client: client.request("PURGE", "/x"),
    "a method in lower case": lambda client: client.request("get", "/x"),
    "chunks": lambda client: client.post("/x", content=parts()),
    "chunks of known length": lambda client: client.post(
        "/x", content=parts(), headers={"Content-Length": "6"}
    ),
    "a transfer encoding": lambda client: client.post(
        "/x", content=b"hello", headers={"Transfer-Encoding": "chunked"}
    ),
    "files": lambda client: client.post(
        "/x",
        data={"a": "1"},
        files={"f": ("ä.txt", io.BytesIO(b"content"), "text/plain")},
        headers={"Content-Type": "multipart/form-data; boundary=limit"},
    ),
    "auth of one's own": lambda client: client.get("/x", auth=own_auth),
    "a stream": streamed,
}

REFUSED: dict[str, Call] = {
    "a file as content": lambda client: client.post("/x", content=io.BytesIO(b"content")),
    "a header with two lines": lambda client: client.get("/x", headers={"X-A": "one\r\ntwo"}),
    "a header with a bad name": lambda client: client.get("/x", headers={"X A": "one"}),
    "a header that is no text": lambda client: client.get("/x", headers={"X-A": 1}),  # type: ignore[arg-type]
    "a header that is not ascii": lambda client: client.get("/x", headers={"X-A": "ä"}),
    "a method with a space": lambda client: client.request("GET /", "/x"),
    "a url with a line end": lambda client: client.get("/x\n"),
    "a bad port": lambda client: client.get("http://localhost:abc/"),
    "another scheme": lambda client: client.get("ftp://localhost/x"),
    "json that is none": lambda client: client.post("/x", json=object()),
    "a number that json lacks": lambda client: client.post("/x", json=float("nan")),
    "content that is a dict": lambda client: client.post("/x", content={}),
    "get with a body": lambda client: client.get("/x", json={}),  # type: ignore[call-arg]
    "an unknown argument": lambda client: client.get("/x", colour=1),  # type: ignore[call-arg]
    "too little content": lambda client: client.post(
        "/x", content=parts(), headers={"Content-Length": "60"}
    ),
    "too much content": lambda client: client.post(
        "/x", content=b"hello", headers={"Content-Length": "3"}
    ),
    "a length that is none": lambda client: client.post(
        "/x", content=b"hello", headers={"Content-Length": "five"}
    ),
    "a transfer encoding of one's own": lambda client: client.post(
        "/x", content=b"hello", headers={"Transfer-Encoding": "gzip"}
    ),
}


@pytest.mark.parametrize("name", QUICK)
def test_the_quick_way_sends_what_httpx_sends(both: Both, name: str) -> None:
    _, received = both.compare(QUICK[name], quick=1)
    assert len(received) == 1


@pytest.mark.parametrize("name", HTTPX)
def test_what_is_left_to_httpx_arrives_over_our_connections(both: Both, name: str) -> None:
    _, received = both.compare(HTTPX[name], quick=0)
    assert len(received) == 1


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_sent_raises_the_same(both: Both, name: str) -> None:
    result, _ = both.compare(REFUSED[name], quick=0)
    assert isinstance(result, tuple)


def test_settings_of_the_client_count(both: Both) -> None:
    async def calls(client: httpx.AsyncClient) -> None:
        await client.get("/1")
        client.headers["X-One"] = "1"
        await client.get("/2")
        client.headers.update({"x-one": "2", "X-Two": "2"})
        await client.get("/3", headers={"X-Two": "own"})
        del client.headers["X-Two"]
        client.auth = ("user", "secret")
        await client.get("/4")
        await client.get("/5", auth=None)
        client.base_url = client.base_url.join("/api/v1")
        client.auth = None  # type: ignore[assignment]
        await client.get("/6")
        client.headers = {"X-Three": "3"}
        await client.get("7")
        client.timeout = 50
        await client.post("/8", json={})
        elsewhere = client.base_url.join("/10")
        client.base_url = client.base_url.copy_with(username="a", password="b")
        await client.get("/9")
        await client.get(str(elsewhere))

    _, received = both.compare(calls, quick=9)
    assert [request.path for request in received[5:]] == [
        "/api/v1/6",
        "/api/v1/7",
        "/api/v1/8",
        "/api/v1/9",
        "/10",
    ]


def test_more_requests_than_are_remembered(both: Both) -> None:
    async def calls(client: httpx.AsyncClient) -> None:
        for number in range(40):
            client.headers["X-Token"] = f"{number // 20}"
            await client.get(f"/{number % 20}", headers={"X-Number": f"{number}"})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factory_module, "_MOST_REMEMBERED", 0)
        _, received = both.compare(calls, quick=40)
    assert [request.path for request in received] == [f"/{number % 20}" for number in range(40)]


def test_params_and_event_hooks_of_the_client_are_left_to_httpx(both: Both) -> None:
    async def calls(client: httpx.AsyncClient) -> int:
        called = []

        async def hook(request: httpx.Request) -> None:
            called.append(request)

        client.params = {"key": "value"}
        await client.get("/1", params={"a": 1})
        client.params = {}
        client.event_hooks["request"].append(hook)
        await client.get("/2")
        return len(called)

    assert both.compare(calls, quick=0)[0] == 1


def test_a_closed_client_sends_nothing(both: Both) -> None:
    async def call(client: httpx.AsyncClient) -> Any:
        await client.get("/x")
        await client.aclose()
        return await client.get("/x")

    result, _ = both.compare(call)
    assert result[0] == "RuntimeError"


# printable ASCII and some of everything else; surrogates are no text
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.one_of(TEXT, st.integers(), st.floats(), st.booleans(), st.none())
PAIRS = st.dictionaries(TEXT, st.one_of(VALUES, st.lists(VALUES, max_size=3)), max_size=4)
NAMES = st.text("abcXYZ-_09", min_size=1, max_size=8).map(lambda name: f"X-{name}")
FIELDS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)
JSON = st.recursive(
    st.one_of(TEXT, st.integers(), st.floats(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)


@GENERATED
@given(params=PAIRS, path=TEXT)
def test_any_path_and_params(both: Both, params: dict[str, Any], path: str) -> None:
    both.compare(lambda client: client.get("/" + path, params=params))


@GENERATED
@given(path=st.text("ab/.:?#@%2Fé&=+ ;[]\\", max_size=14))
def test_paths_with_all_that_urls_are_made_of(both: Both, path: str) -> None:
    both.compare(lambda client: client.get(path))


@GENERATED
@given(form=PAIRS)
def test_any_form(both: Both, form: dict[str, Any]) -> None:
    both.compare(lambda client: client.post("/x", data=form), quick=1)


@GENERATED
@given(value=JSON)
def test_any_json(both: Both, value: Any) -> None:
    both.compare(lambda client: client.put("/x", json=value))


@GENERATED
@given(own=st.dictionaries(NAMES, FIELDS, max_size=3), more=st.dictionaries(NAMES, FIELDS))
def test_any_headers(both: Both, own: dict[str, str], more: dict[str, str]) -> None:
    async def call(client: httpx.AsyncClient) -> httpx.Response:
        client.headers.update(own)
        await client.get("/x")
        return await client.get("/x", headers=more)

    both.compare(call)


@settings(GENERATED, max_examples=30)
@given(form=st.dictionaries(TEXT, TEXT, max_size=3), name=TEXT, content=st.binary(max_size=50))
def test_any_multipart_form(both: Both, form: dict[str, str], name: str, content: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=limit"}

    async def call(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/x", data=form, files={"f": (name, content)}, headers=headers)

    both.compare(call)
