"""The connections of one user, and the transport that httpx sends over."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol

import httpx

from benchlab.errors import InputError
from benchlab.load.drivers.failures import is_local_failure
from benchlab.load.drivers.scenario.client.connection import Connection, Limits
from benchlab.load.drivers.scenario.client.failures import connect_error
from benchlab.load.drivers.scenario.client.fields import parse_fields
from benchlab.load.drivers.scenario.client.hooks import JOB, Job
from benchlab.load.drivers.scenario.client.receiving import Incoming
from benchlab.load.drivers.scenario.client.service import Service
from benchlab.load.drivers.scenario.client.upload import Upload
from benchlab.load.drivers.wire.driver import IDLE_LIMIT_NS
from benchlab.load.drivers.wire.head import Head
from benchlab.samples.samples import ErrorKind, Flag

__all__ = ["CONNECTION", "RECEIVED", "Network", "WireTransport", "response_extensions"]

_clock = time.monotonic_ns

CONNECTION = "benchlab.connection"
"""The extension of a response that has the number of its connection."""

RECEIVED = "benchlab.received"
"""The extension of a request whose response was received already: a list that has it."""


_OF_HTTPCORE = {"sni_hostname", "target", "trace"}
"""Extensions of a request that are for httpcore, which is not below this transport."""


class Network(Protocol):
    """What the users of a driver share; ``connections`` are those that are open."""

    keep_alive: bool
    connections: set[Connection]

    def service_of(self, url: httpx.URL) -> Service:
        """The service of an absolute URL."""

    def next_number(self) -> int:
        """The number of the next connection."""

    def connected(
        self,
        service: Service,
        job: Job | None,
        start: int,
        phases: tuple[int, int, int],
        error: ErrorKind,
        *,
        local: bool,
    ) -> None:
        """Record a connection that was opened, or that failed."""


class WireTransport(httpx.AsyncBaseTransport):
    """A user's connections to each service; as a transport it sends what httpx built."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._idle: dict[Service, list[Connection]] = {}
        self._open: set[Connection] = set()
        self.is_closed = False

    # connections

    @property
    def idle_count(self) -> int:
        """Number of idle connections."""
        return sum(map(len, self._idle.values()))

    def take_idle(self, service: Service, now: int) -> Connection | None:
        """An idle connection to ``service``, if there is one that may be used."""
        idle = self._idle.get(service)
        while idle:
            connection = idle.pop()
            if now - connection.last <= IDLE_LIMIT_NS:
                return connection
            connection.abort()
        return None

    async def open(self, service: Service, job: Job | None, limit_s: float | None) -> Connection:
        """A new connection to ``service``, opened for ``job``.

        Raises:
            httpx.ConnectError: the service cannot be reached.
            httpx.ConnectTimeout: it takes too long.
        """
        connection = Connection(self, service)
        begun = _clock()
        if job is not None:
            job.flags |= Flag.NEW_CONNECTION
        try:
            async with asyncio.timeout(limit_s):
                dialed = await service.dial(connection)
        except TimeoutError as exc:
            self._connected(service, job, begun, (0, 0, 0), ErrorKind.TIMEOUT)
            raise httpx.ConnectTimeout("") from exc
        except asyncio.CancelledError:
            if not self.is_closed:
                self._connected(service, job, begun, (0, 0, 0), ErrorKind.TIMEOUT)
            raise
        if job is not None:
            job.failed_in_tls = dialed.error is ErrorKind.TLS
        local = dialed.cause is not None and is_local_failure(dialed.cause)
        self._connected(service, job, begun, dialed.phases, dialed.error, local=local)
        if dialed.error:
            raise connect_error(dialed.cause or OSError("the connection cannot be opened"))
        connection.number = self._network.next_number()
        self._open.add(connection)
        self._network.connections.add(connection)
        return connection

    def free(self, connection: Connection) -> None:
        """A response is complete, and its connection can be used again."""
        try:
            self._idle[connection.service].append(connection)
        except KeyError:
            self._idle[connection.service] = [connection]

    def lost(self, connection: Connection) -> None:
        """A connection cannot be used again."""
        self._open.discard(connection)
        self._network.connections.discard(connection)
        idle = self._idle.get(connection.service)
        if idle and connection in idle:
            idle.remove(connection)

    def _connected(
        self,
        service: Service,
        job: Job | None,
        begun: int,
        phases: tuple[int, int, int],
        error: ErrorKind,
        *,
        local: bool = False,
    ) -> None:
        self._network.connected(service, job, begun, phases, error, local=local)

    async def aclose(self) -> None:
        """Close all connections."""
        self.is_closed = True
        for connection in list(self._open):
            connection.abort()
        self._idle.clear()

    # what httpx calls

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; its response is read from the connection as it arrives."""
        received = request.extensions.get(RECEIVED)
        if received:
            response: httpx.Response = received.pop()
            return response
        url = request.url
        if url.scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol(
                f"Request URL has an unsupported protocol '{url.scheme}://'."
                if url.scheme
                else "Request URL is missing an 'http://' or 'https://' protocol."
            )
        refused = sorted({"CONNECT"} & {request.method} | _OF_HTTPCORE & request.extensions.keys())
        if refused:
            raise InputError(
                f"the client of scenarios has no {refused[0]!r}",
                remedy='use httpx\'s own: bl.scenario(function, url, client="httpx")',
            )
        limits = limits_of(request.extensions.get("timeout", {}))
        upload = Upload(
            request, self._network.service_of(url), closing=not self._network.keep_alive
        )
        job: Job | None = request.extensions.get(JOB)
        connection = self.take_idle(upload.service, _clock())
        if connection is None:
            connection = await self.open(upload.service, job, limits.connect)
        incoming = Incoming(
            connection, head_only=request.method == "HEAD", reusable=not upload.closes
        )
        connection.receive(incoming, limits.read)
        try:
            await upload.send(connection, limits)
            head = await incoming.head()
        except BaseException:
            await incoming.aclose()
            raise
        return httpx.Response(
            head.status,
            headers=parse_fields(head.raw),
            stream=incoming,
            extensions=response_extensions(head, connection.number),
        )


def limits_of(timeout: dict[str, Any]) -> Limits:
    """The time limits in the extension of a request."""
    return Limits(timeout.get("connect"), timeout.get("read"), timeout.get("write"))


def response_extensions(head: Head, connection: int) -> dict[str, Any]:
    """What httpx tells of a response besides its status and fields."""
    line = head.raw.partition(b"\n")[0].rstrip(b"\r")
    version, _, rest = line.partition(b" ")
    reason = rest.partition(b" ")[2]
    return {"http_version": version, "reason_phrase": reason, CONNECTION: connection}
