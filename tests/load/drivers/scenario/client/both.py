"""The same calls with the client of scenarios and with httpx's, and what a server sees of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from benchlab.load.drivers.httpx.client import ClientFactory
from benchlab.load.drivers.scenario.client.client import WireClient
from benchlab.load.drivers.scenario.client.factory import WireClients
from benchlab.load.drivers.scenario.client.hooks import Job

__all__ = ["HOSTS", "Both", "Received", "Server", "StepHooks", "ok", "seen"]

HOSTS = ("shop.example", "a.shop.example", "b.shop.example", "other.example")
"""Names of the server, besides its address."""

_CHUNK = re.compile(rb"([0-9a-f]+)\r\n")


class Received(NamedTuple):
    """A request as it came. ``fields`` are in order of their text, for the order is free."""

    line: str
    fields: tuple[str, ...]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.line.split(" ")[1].partition("?")[0]

    @property
    def host(self) -> str:
        """What the Host line names."""
        return next(field[6:] for field in self.fields if field.startswith("Host: "))


def ok(body: bytes = b'{"ok": 1}', *lines: str, status: str = "200 OK") -> bytes:
    """A response with a length."""
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines, "", ""))
    return head.encode() + body


@dataclass
class Server:
    """A server in the loop of the test. It keeps every request, and sends what ``respond`` says."""

    received: list[Received] = field(default_factory=list)
    respond: Callable[[Received], bytes] = lambda _request: ok()
    connections: int = 0
    url: str = ""

    def url_of(self, host: str) -> str:
        """The URL of the server by another name."""
        return self.url.replace("127.0.0.1", host)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Server]:
        """Serve on a free port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                line, *fields = head.decode("latin-1").rstrip("\r\n").split("\r\n")
                body = await _read_body(reader, fields)
                request = Received(line, tuple(sorted(fields)), body)
                self.received.append(request)
                writer.write(self.respond(request))
        except (EOFError, ConnectionError):
            pass
        finally:
            writer.close()


async def _read_body(reader: asyncio.StreamReader, fields: list[str]) -> bytes:
    """The body without its framing. What is at fault in a chunked one shows as an exception."""
    named = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
    if "transfer-encoding" not in named:
        return await reader.readexactly(int(named.get("content-length", 0)))
    body = b""
    while True:
        size = _CHUNK.fullmatch(await reader.readuntil(b"\n"))
        assert size is not None
        part = await reader.readexactly(int(size[1], 16) + 2)
        assert part.endswith(b"\r\n")
        if part == b"\r\n":
            return body
        body += part[:-2]


@dataclass
class StepHooks:
    """One step that every request belongs to; counts the requests that took the quick way."""

    quick: int = 0
    seq: int = 7
    flags: int = 0
    failed_in_tls: bool = False
    first_byte: int = 0
    connection: int = 0

    def current(self) -> Job | None:
        """The step."""
        return self

    def alone(self, method: str, path: str) -> AbstractAsyncContextManager[Job]:
        """There is always a step."""
        raise AssertionError((method, path))

    def lines(self, job: Job) -> bytes:
        """No trace."""
        return b""

    def responded(
        self, job: Job, response: httpx.Response, connection: int, first_byte: int
    ) -> None:
        """Count a response."""
        assert job is self
        assert first_byte > 0
        self.quick += 1
        self.connection = connection


Call = Callable[[httpx.AsyncClient], Awaitable[Any]]


@dataclass
class Both:
    """Both clients and a server. `compare` makes a call with one after the other."""

    runner: asyncio.Runner
    server: Server
    wire: WireClients
    theirs: ClientFactory
    hooks: StepHooks = field(default_factory=StepHooks)

    async def outcome(self, client: httpx.AsyncClient, call: Call) -> tuple[Any, list[Received]]:
        """What became of a call, or the class of its exception; and what the server received."""
        self.server.received = []
        result: Any
        try:
            result = await call(client)
            if isinstance(result, httpx.Response):
                result = seen(result)
        except AssertionError:
            raise
        except Exception as exc:  # whatever httpx raises, both must
            if isinstance(exc, httpx.RequestError):
                str(exc.request.url)  # raises if there is none
            message = str(exc).replace("Calls.", "AsyncClient.")  # where the method is from
            result = type(exc).__name__, message  # by name: httpx lets those of h11 through
        return result, self.server.received

    def compare(self, call: Call, *, quick: int | None = None) -> Any:
        """The outcome of a call, which is the same with both; how many requests were ``quick``."""

        async def both() -> tuple[Any, Any]:
            self.hooks.quick = 0
            ours = self.wire.make(WireClient, self.server.url)
            ours.hooks = self.hooks
            async with ours, self.theirs.make(httpx.AsyncClient, self.server.url) as theirs:
                return await self.outcome(ours, call), await self.outcome(theirs, call)

        ours, theirs = self.runner.run(both())
        assert ours == theirs, f"{ours}\n{theirs}"
        if quick is not None:
            assert self.hooks.quick == quick
        return ours


def seen(response: httpx.Response) -> dict[str, Any]:
    """Everything that a scenario can see of a response, but its times."""
    assert response.elapsed.total_seconds() > 0
    request, following = response.request, response.next_request
    return {
        "status": response.status_code,
        "headers": response.headers.multi_items(),
        "content": response.content,
        "text": response.text,
        "encoding": response.encoding,
        "charset": response.charset_encoding,
        "url": str(response.url),
        "version": response.http_version,
        "reason": response.reason_phrase,
        "kind": [
            response.is_informational,
            response.is_success,
            response.is_redirect,
            response.is_client_error,
            response.is_server_error,
            response.is_error,
            response.has_redirect_location,
        ],
        "links": response.links,
        "cookies": sorted(response.cookies.items()),
        "size": response.num_bytes_downloaded,
        "closed": (response.is_closed, response.is_stream_consumed),
        "history": [seen(earlier) for earlier in response.history],
        "request": _request(request),
        "next": None if following is None else _request(following),
        "repr": repr(response),
    }


def _request(request: httpx.Request) -> tuple[Any, ...]:
    headers = sorted(request.headers.multi_items())
    body = request.read() if isinstance(request.stream, httpx.ByteStream) else None
    return request.method, str(request.url), headers, body
