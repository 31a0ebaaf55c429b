"""The wire driver: a pool of connections per service, fed by the source."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from contextlib import suppress

from benchlab.errors import TargetError
from benchlab.load.examples import Examples
from benchlab.load.failures import is_local_failure
from benchlab.load.recorder import Recorder
from benchlab.load.servers import ServerNames
from benchlab.load.source import Source
from benchlab.load.wire.connection import Connection
from benchlab.load.wire.encoding import Encoder, make_encoder
from benchlab.load.wire.response import HeadMemory
from benchlab.units import NS_PER_S, seconds_to_ns
from benchlab.values.plan import Plan
from benchlab.values.samples import ErrorKind, Flag

__all__ = ["WireDriver"]

_clock = time.monotonic_ns

IDLE_LIMIT_NS = 4 * NS_PER_S
"""A connection unused for longer is not used again: common servers close theirs after 5 s, and a
request sent into that closing would fail through no fault of the service."""

CONNECT_PAUSE_S = 0.01
"""Pause of a closed loop's user after a failed connect, which would else be repeated endlessly."""

PREPARE_LIMIT_S = 10.0
"""Limit for opening a closed loop's connections beforehand; what is not open then is opened, and
timed, by its first request."""


class WireDriver:
    """HTTP/1.1 over `Connection`s to one origin. See `benchlab.load.driver.Driver`."""

    def __init__(
        self,
        plan: Plan,
        worker: int,
        run_id: str,
        source: Source,
        recorder: Recorder,
        examples: Examples,
    ) -> None:
        self._plan = plan
        self._source = source
        self.recorder = recorder
        self.examples = examples
        self._limit = plan.share(worker)
        self._timeout_ns = seconds_to_ns(plan.timeout_s)
        self._mix = plan.mix()
        self._mix_size = len(self._mix)
        self._idle: list[Connection] = []
        self._connections: set[Connection] = set()
        self._tls = _tls_context(plan)
        self._address: tuple[str, int] = ("", 0)
        self._stopped = False
        self.encoders: list[Encoder] = [
            make_encoder(request, run_id, plan) for request in plan.requests
        ]
        self.head_only = [request.method == "HEAD" for request in plan.requests]
        self.servers = ServerNames()
        memories = {
            kind: HeadMemory(head_only=kind, servers=self.servers) for kind in (False, True)
        }
        self.heads = [memories[kind] for kind in self.head_only]
        self.in_flight = 0
        self.in_flight_max = 0
        self.cap_wait_count = 0
        self.connections_opened = 0
        self.local_failure_count = 0

    async def open(self) -> None:
        """Resolve the service's name; for a closed loop also open every connection.

        Raises:
            TargetError: the name is unknown. A refused connection is no error here: the run
                records it.
        """
        loop = asyncio.get_running_loop()
        _, host, port = self._plan.requests[0].origin
        self._address = await _reachable_address(loop, host, port)
        if self._source.closed:
            opened = (self._connect_idle() for _ in range(self._limit))
            await asyncio.gather(*opened)

    def begin(self) -> None:
        """Start a closed loop: one request on every connection."""
        for _ in range(self._limit):
            self._refill()

    def dispatch(self) -> None:
        """Send what is due on idle or new connections; the rest waits for the cap."""
        source = self._source
        while source.waiting and not self._stopped:
            now = _clock()
            connection = self._take_idle(now)
            if connection is None and len(self._connections) >= self._limit:
                return
            job = source.take(now)
            assert job is not None
            if connection is None:
                self._start_connection(job, 0)
            else:
                self._send(connection, job, 0)

    def sweep(self, now_ns: int) -> None:
        """Record requests that are over their time as timed out."""
        limit = now_ns - self._timeout_ns
        expired = [c for c in self._connections if c.busy and c.sent < limit]
        for connection in expired:
            connection.fail(now_ns, ErrorKind.TIMEOUT)
            self._drop(connection)
            self._vacated()

    def abandon(self, now_ns: int) -> None:
        """Record everything in flight or due as abandoned, and take no more."""
        self._stopped = True
        for connection in list(self._connections):
            if connection.busy:
                connection.fail(now_ns, ErrorKind.ABANDONED)
        while self._source.waiting:
            job = self._source.take(now_ns)
            assert job is not None
            seq, intended = job
            endpoint = self.endpoint_of(seq)
            error, flags = ErrorKind.ABANDONED, Flag.CAP_WAIT
            self.recorder.record(seq, intended, now_ns, 0, now_ns, 0, 0, endpoint, error, flags)

    async def close(self) -> None:
        """Close all connections."""
        self._stopped = True
        for connection in list(self._connections):
            connection.close()
        self._connections.clear()
        self._idle.clear()

    # what connections call

    def endpoint_of(self, seq: int) -> int:
        """Which of the plan's requests number ``seq`` is."""
        return self._mix[seq % self._mix_size]

    def free(self, connection: Connection, now: int) -> None:
        """An answer is in and the connection can serve again: give it the next request."""
        job = None if self._stopped else self._source.take(now)
        if job is None:
            connection.idle_since = now
            self._idle.append(connection)
        elif self._source.closed:
            self._send(connection, job, 0)
        else:
            self.cap_wait_count += 1
            self._send(connection, job, Flag.CAP_WAIT)

    def lost(self, connection: Connection) -> None:
        """A connection is gone: make room, and let a new one take the next request."""
        if connection in self._connections:
            was_idle = connection in self._idle
            self._drop(connection)
            if not was_idle:
                self._vacated()

    # the pool

    def _take_idle(self, now: int) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if now - connection.idle_since <= IDLE_LIMIT_NS:
                return connection
            self._drop(connection)
            connection.close()
        return None

    def _send(self, connection: Connection, job: tuple[int, int], flags: int) -> None:
        self.in_flight += 1
        if self.in_flight > self.in_flight_max:
            self.in_flight_max = self.in_flight
        seq, intended = job
        sent = _clock()
        connection.assign(seq, sent if self._source.closed else intended, sent, flags)
        connection.write()

    def _start_connection(self, job: tuple[int, int], flags: int) -> None:
        connection = Connection(self)
        self._connections.add(connection)
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        seq, intended = job
        sent = _clock()
        closed = self._source.closed
        connection.assign(seq, sent if closed else intended, sent, flags | Flag.NEW_CONNECTION)
        loop = asyncio.get_running_loop()
        connection.connecting = loop.create_task(self._connect_and_write(connection))

    async def _connect_and_write(self, connection: Connection) -> None:
        error = await self._connect(connection)
        connection.connecting = None
        if error is None and connection.busy:
            connection.write()
        elif error is None:
            connection.close()  # the request timed out meanwhile
        elif connection.busy:
            connection.fail(_clock(), error)
            self._drop(connection)
            if self._source.closed:
                asyncio.get_running_loop().call_later(CONNECT_PAUSE_S, self._refill)
            else:
                self._vacated()

    async def _connect_idle(self) -> None:
        connection = Connection(self)
        error: ErrorKind | None = ErrorKind.TIMEOUT
        with suppress(TimeoutError):
            async with asyncio.timeout(min(self._plan.timeout_s, PREPARE_LIMIT_S)):
                error = await self._connect(connection)
        if error is None:
            connection.idle_since = _clock()
            self._connections.add(connection)
            self._idle.append(connection)

    async def _connect(self, connection: Connection) -> ErrorKind | None:
        host, port = self._address
        tls_name = self._plan.requests[0].origin[1] if self._tls else None
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: connection, host, port, ssl=self._tls, server_hostname=tls_name
            )
        except ssl.SSLError:
            return ErrorKind.TLS
        except OSError as exc:
            self.local_failure_count += is_local_failure(exc)
            return ErrorKind.CONNECT
        self.connections_opened += 1
        return None

    def _vacated(self) -> None:
        if self._source.closed:
            self._refill()
        else:
            self._serve_waiting()

    def _refill(self) -> None:
        if self._stopped:
            return
        now = _clock()
        job = self._source.take(now)
        if job is None:
            return
        connection = self._take_idle(now)
        if connection is None:
            self._start_connection(job, 0)
        else:
            self._send(connection, job, 0)

    def _serve_waiting(self) -> None:
        if self._source.waiting and not self._stopped and len(self._connections) < self._limit:
            job = self._source.take(_clock())
            assert job is not None
            self.cap_wait_count += 1
            self._start_connection(job, Flag.CAP_WAIT)

    def _drop(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)


async def _reachable_address(
    loop: asyncio.AbstractEventLoop, host: str, port: int
) -> tuple[str, int]:
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as exc:
        raise TargetError(f"the host name {host!r} cannot be resolved ({exc})") from exc
    addresses = [(str(entry[4][0]), port) for entry in found]
    for address in addresses:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(*address), timeout=2.0)
        except (OSError, TimeoutError):
            continue
        writer.close()
        return address
    return addresses[0]


def _tls_context(plan: Plan) -> ssl.SSLContext | None:
    if plan.requests[0].origin[0] != "https":
        return None
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
