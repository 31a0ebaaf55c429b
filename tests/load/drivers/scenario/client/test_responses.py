"""Responses: a scenario sees the same of them with both clients."""

from __future__ import annotations

import gzip
import pickle
import zlib
from typing import Any

import httpx
import pytest

from benchlab.load.drivers.scenario.client.client import WireClient
from tests.load.drivers.scenario.client.both import Both, Received, ok
from tests.load.servers import chunked

JSON = "Content-Type: application/json"
LATIN = "Content-Type: text/plain; charset=latin-1"
BODY = b"words and more words " * 50

WHOLE = {
    "ordinary": ok(),
    "json": ok(b'{"a": [1, 2]}', JSON),
    "without a type": ok("ä".encode()),
    "latin-1": ok("ä".encode("latin-1"), LATIN),
    "an encoding that is none": ok(b"a", "Content-Type: text/plain; charset=klingon"),
    "bytes that are no text": ok(b"\xff\xfe", "Content-Type: text/plain; charset=utf-8"),
    "fields that repeat": ok(b"", "X-A: 1", "x-a: 2", "X-B:   spaces  ", "X-Empty:"),
    "fields that are not ascii": ok(b"", "X-A: ä"),
    "a field that is folded": ok(b"", "X-A: one", "  two"),
    "links": ok(b"", 'Link: </2>; rel="next", </9>; rel=last'),
    "cookies": ok(b"", "Set-Cookie: a=1", "Set-Cookie: b=2; Path=/x; HttpOnly"),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not modified": b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n',
    "a status of one's own": ok(b"", status="799 Over The Top"),
    "no reason": ok(b"", status="200 "),
    "client error": ok(b"no", status="404 Not Found"),
    "server error": ok(b"no", status="503 Later"),
    "redirect": ok(b"", "Location: /next?x=1", status="302 Found"),
    "redirect elsewhere": ok(b"gone", "Location: http://other.example/", status="301 Moved"),
    "redirect without a place": ok(b"", status="302 Found"),
    "chunks": chunked(b"one", b"two"),
    "trailers": chunked(b"ok")[:-2] + b"T: v\r\n\r\n",
    "gzip": ok(gzip.compress(BODY), "Content-Encoding: gzip"),
    "deflate": ok(zlib.compress(BODY), "Content-Encoding: deflate"),
    "raw deflate": ok(zlib.compress(BODY)[2:-4], "Content-Encoding: deflate"),
    "two encodings": ok(gzip.compress(zlib.compress(BODY)), "Content-Encoding: deflate, gzip"),
    "gzip in chunks": chunked(gzip.compress(BODY), extra=b"Content-Encoding: gzip\r\n"),
    "identity": ok(BODY, "Content-Encoding: identity"),
    "an encoding that nobody knows": ok(BODY, "Content-Encoding: wavelet"),
    "no gzip at all": ok(BODY, "Content-Encoding: gzip"),
    "gzip without an end": ok(gzip.compress(BODY)[:-9], "Content-Encoding: gzip"),
    "continue before it": b"HTTP/1.1 100 Continue\r\n\r\n" + ok(),
    "early hints before it": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok(),
    "300 KB": ok(b"x" * 300_000),
    "64 KB of headers": ok(b"", "X-Long: " + "x" * 65_000),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_response_that_is_read_at_once(both: Both, name: str) -> None:
    both.server.respond = lambda _request: WHOLE[name]
    both.compare(lambda client: client.get("/x"))


@pytest.mark.parametrize("name", ["ordinary", "chunks", "gzip"])
def test_the_head_of_a_response(both: Both, name: str) -> None:
    both.server.respond = lambda _request: WHOLE[name].partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    both.compare(lambda client: client.head("/x"), quick=1)


@pytest.mark.parametrize("name", WHOLE)
def test_a_response_that_is_streamed(both: Both, name: str) -> None:
    async def call(client: httpx.AsyncClient) -> Any:
        async with client.stream("GET", "/x") as response:
            with pytest.raises(httpx.ResponseNotRead):
                _ = response.content
            parts = [part async for part in response.aiter_bytes(100)]
            with pytest.raises(httpx.StreamConsumed):
                await response.aread()
        return response.status_code, response.headers, parts, response.num_bytes_downloaded

    both.server.respond = lambda _request: WHOLE[name]
    both.compare(call, quick=0)


def test_lines_and_texts_of_a_stream(both: Both) -> None:
    async def call(client: httpx.AsyncClient) -> Any:
        found: list[object] = []
        async with client.stream("GET", "/x") as response:
            found += [line async for line in response.aiter_lines()]
        async with client.stream("GET", "/x") as response:
            found += [text async for text in response.aiter_text(5)]
        async with client.stream("GET", "/x") as response:
            found += [part async for part in response.aiter_raw(5)]
        response = await client.get("/x")
        found += [line async for line in response.aiter_lines()]
        found += [part async for part in response.aiter_bytes(4)]
        return found

    both.server.respond = lambda _request: chunked(b"one\ntw", "o\r\nthrée".encode(), b"\n\nfour")
    both.compare(call, quick=1)


def test_what_can_be_done_with_a_response(both: Both) -> None:
    def respond(request: Received) -> bytes:
        if request.path == "/missing":
            return ok(b"{}", status="404 Not Found")
        return ok(b'{"a": {"b": [1, "\xc3\xa4"]}}', JSON)

    async def call(client: httpx.AsyncClient) -> Any:
        found = await client.get("/x")
        missing = await client.get("/missing")
        with pytest.raises(httpx.HTTPStatusError) as raised:
            missing.raise_for_status()
        assert raised.value.response is missing
        with pytest.raises(RuntimeError):
            list(found.iter_raw())
        await found.aclose()
        again = pickle.loads(pickle.dumps(found))
        text = found.text
        with pytest.raises(ValueError, match="encoding"):
            found.encoding = "ascii"
        return (
            found.json(),
            found.raise_for_status() is found,
            str(raised.value),
            text,
            found.headers["content-TYPE"],
            found.headers.get("X-None"),
            again.json(),
            again.headers,
            found.content is await found.aread(),
            hasattr(found, "nothing"),
        )

    both.server.respond = respond
    both.compare(call, quick=2)


def test_an_encoding_that_a_scenario_sets(both: Both) -> None:
    async def call(client: httpx.AsyncClient) -> str:
        response = await client.get("/x")
        response.encoding = "latin-1"
        return response.text

    both.server.respond = lambda _request: ok(b"\xe4")
    assert both.compare(call)[0] == "ä"


def test_headers_of_a_response_are_its_own(both: Both) -> None:
    async def call() -> tuple[httpx.Response, httpx.Response]:
        client = both.wire.make(WireClient, both.server.url)
        client.hooks = both.hooks
        async with client:
            one, other = await client.get("/x"), await client.get("/x")
        one.headers["Content-Length"] = "changed"
        one.history.append(other)
        return one, other

    one, other = both.runner.run(call())
    assert other.headers["Content-Length"] == "9"
    assert other.history == []
    assert isinstance(one, httpx.Response)
    assert both.wire.number_of(one) == both.wire.number_of(other) == both.hooks.connection > 0
