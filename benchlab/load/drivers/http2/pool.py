"""Connections to the plan's services, and what is sent on which."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.connection_numbers import connection_numbers
from benchlab.load.drivers.dialer import Dialed, Dialer
from benchlab.load.drivers.failures import exception_message
from benchlab.load.drivers.headers import ServerNames, asks_to_close
from benchlab.load.drivers.http2.connection import Http2Connection
from benchlab.load.drivers.http2.encoding import Encoder
from benchlab.load.drivers.http2.header_blocks import HeaderBlocks
from benchlab.load.drivers.http2.stream import Stream
from benchlab.load.drivers.tls import tls_context
from benchlab.load.drivers.wire.driver import (
    CONNECT_PAUSE_S,
    IDLE_LIMIT_NS,
    NEVER_SENT,
    PREPARE_LIMIT_S,
)
from benchlab.load.recording.outcome import Outcome
from benchlab.load.recording.recorder import Record
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.units import seconds_to_ns

__all__ = ["StreamPool"]

_clock = time.monotonic_ns

_NOT_OFFERED = "TLSV1_ALERT_NO_APPLICATION_PROTOCOL"
_HTTP1_DOES = 'it does not offer HTTP/2 over TLS, and the driver "http" (HTTP/1.1) is for it'

_NO_SETTINGS = (
    "the service sent no settings of HTTP/2: unless it is slow, it does not speak HTTP/2 in clear"
    ' text, and the driver "http" is for it'
)

_Job = tuple[int, int]


class StreamPool:
    """Sends what is due as streams of HTTP/2 connections: a `Driver`, but for the requests.

    A subclass says of which class the streams are, and how requests are encoded.

    A closed loop has its share of the plan's users in flight, on as few connections as carry them
    (more if a service allows fewer streams than the plan wants). An open loop has at most its share
    of the plan's connections, to all services together, and uses the streams of those that are open
    before it opens another one; what finds no stream waits.
    """

    stream_type: Callable[..., Stream]
    encoders: list[Encoder]

    def __init__(self, plan: Plan, worker: int, source: Source, recording: Recording) -> None:
        self._plan = plan
        self._source = source
        self._closed = source.closed
        self._log = recording.connections
        self.recording = recording
        self.record: Record = recording.record
        self._limit = plan.share(worker)
        self._connection_limit = plan.connection_share(worker)
        self._streams = plan.streams
        self.timeout_ns = seconds_to_ns(plan.timeout_s)
        self._request_of = plan.request_of
        origins = plan.origins
        numbers = {origin: number for number, origin in enumerate(origins)}
        self._origin_of = [numbers[request.origin] for request in plan.requests]
        self._single = len(plan.requests) == 1
        tls = tls_context(plan, ("h2",))
        self._dialers = [Dialer(origin, plan.transport, tls) for origin in origins]
        self._ready: list[list[Http2Connection]] = [[] for _ in origins]
        """Connections that may have room; the last one is used first."""
        self._parked: list[deque[tuple[_Job, int]]] = [deque() for _ in origins]
        """Requests that were taken, and wait for a stream to their service, with their flags."""
        self._parked_count = 0
        self._connections: set[Http2Connection] = set()
        self._numbers = connection_numbers(worker, plan.workers)
        self._stopped = False
        self._keep_alive = [
            plan.transport.keep_alive and not asks_to_close(request) for request in plan.requests
        ]
        self._always_kept = all(self._keep_alive)
        self._is_simple = len(origins) == 1 and self._always_kept
        self.servers = ServerNames()
        self.blocks = HeaderBlocks(self.servers)
        self.in_flight = 0
        self.in_flight_max = 0
        self.cap_wait_count = 0
        self.connections_opened = 0
        self.local_failure_count = 0

    async def open(self) -> None:
        """Resolve the services' names; for a closed loop also open every connection.

        Raises:
            TargetError: a name cannot be resolved. A refused connection is not an error here: the
                run records it.
        """
        await asyncio.gather(*(dialer.prepare() for dialer in self._dialers))
        if self._closed and any(self._keep_alive):
            opened = (
                self._connect_idle(origin)
                for origin in range(len(self._dialers))
                for _ in range(self._connection_limit)
            )
            await asyncio.gather(*opened)

    def begin(self) -> None:
        """Start a closed loop: one request of every user."""
        for _ in range(self._limit):
            self._refill()

    def measure_from(self, seq: int) -> None:
        """Flag requests with a sequence number below ``seq`` as warm-up."""
        self.recording.measure_from(seq)

    def dispatch(self) -> None:
        """Send the requests that are due, up to the limit of requests in flight."""
        source, limit = self._source, self._limit
        while source.waiting and self.in_flight < limit and not self._stopped:
            now = _clock()
            job = source.take(now)
            assert job is not None
            self._place(job, 0, now)

    def sweep(self, now_ns: int) -> None:
        """Fail requests whose timeout has passed.

        Their connection is used again, unless nothing came on it since they were sent.
        """
        for connection in list(self._connections):
            expired = [
                each
                for each in connection.streams.values()
                if now_ns - each.sent > each.time_limit_ns
            ]
            for stream in expired:
                connection.cancel(stream)
                why = "" if connection.is_settled or not connection.is_open else _NO_SETTINGS
                stream.failed(ErrorKind.TIMEOUT, why, now_ns)
            if expired and self._is_dead(connection, min(each.sent for each in expired)):
                connection.retire()
                if not connection.streams:
                    self._drop(connection)
                    connection.close()
            for _ in expired:
                self.free(connection, now_ns)

    def _is_dead(self, connection: Http2Connection, sent: int) -> bool:
        """Whether a connection is of no more use, since requests sent at ``sent`` timed out."""
        return connection.heard <= sent

    def abandon(self, now_ns: int) -> None:
        """Record everything in flight or due as abandoned, and take no more."""
        self._stopped = True
        for connection in list(self._connections):
            connection.fail(now_ns, ErrorKind.ABANDONED)
        for parked in self._parked:
            self.in_flight -= len(parked)
            for job, flags in parked:
                self._record_unsent(job, flags, now_ns)
            parked.clear()
        self._parked_count = 0
        while self._source.waiting:
            due = self._source.take(now_ns)
            assert due is not None
            self._record_unsent(due, Flag.CAP_WAIT, now_ns)

    async def close(self) -> None:
        """Close all connections."""
        self._stopped = True
        for connection in list(self._connections):
            self._drop(connection)
            connection.close()

    # what connections call

    def free(self, connection: Http2Connection, now: int) -> None:
        """A stream has ended: send the next request, in the same connection if it has room."""
        if self._stopped:
            return
        if not connection.streams:
            connection.idle_since = now
        if self._parked_count:
            self._list(connection)
            self._vacated()
            return
        job = self._source.take(now)
        if job is None:
            self._list(connection)
            return
        flags = 0
        if not self._closed:
            self.cap_wait_count += 1
            flags = Flag.CAP_WAIT
        if self._is_simple and len(connection.streams) < connection.most:
            # As in _send, without what cannot be: this stream replaces another one here.
            self.in_flight += 1
            seq, intended = job
            endpoint = 0 if self._single else self._request_of(seq)
            sent = _clock()
            if self._closed:
                intended = sent
            head, body = self.encoders[endpoint](seq)
            stream = self.stream_type(self, seq, endpoint, intended, sent, flags)
            connection.send(stream, head, body)
            return
        self._list(connection)
        self._place(job, flags, now)

    def widened(self, connection: Http2Connection) -> None:
        """A service allows more streams: send what waits for one."""
        self._list(connection)
        if not self._closed:
            self._serve_waiting()

    def lost(self, connection: Http2Connection, failed: int) -> None:
        """A connection takes no more streams: send the next requests on others."""
        if not connection.streams:
            self._drop(connection)
        for _ in range(failed):
            self._vacated()
        if self._parked_count:
            self._vacated()

    # the pool

    def _place(self, job: _Job, flags: int, now: int) -> None:
        """Send a request on a connection with room, or on a new one, or keep it for later."""
        endpoint = self._request_of(job[0])
        origin = self._origin_of[endpoint]
        connection = self._with_room(origin, now) or self._new(origin)
        if connection is None:
            self.in_flight += 1
            self.in_flight_max = max(self.in_flight_max, self.in_flight)
            if not flags & Flag.CAP_WAIT:
                self.cap_wait_count += 1
            self._parked[origin].append((job, flags | Flag.CAP_WAIT))
            self._parked_count += 1
            return
        self._send(connection, job, endpoint, flags)

    def _with_room(self, origin: int, now: int) -> Http2Connection | None:
        ready = self._ready[origin]
        while ready:
            connection = ready[-1]
            if len(connection.streams) >= connection.most:
                ready.pop()
                connection.is_listed = False
            elif not connection.streams and now - connection.idle_since > IDLE_LIMIT_NS:
                self._drop(connection)
                connection.close()
            else:
                return connection
        return None

    def _new(self, origin: int) -> Http2Connection | None:
        """A new connection that a request is to open; None if there may be no more."""
        if not self._closed and len(self._connections) >= self._connection_limit:
            idle = [each for each in self._connections if not each.streams]
            if not idle:
                return None
            longest = min(idle, key=lambda each: each.idle_since)
            self._drop(longest)
            longest.close()
        connection = self._make_connection(origin)
        self._connections.add(connection)
        self._list(connection)
        return connection

    def _make_connection(self, origin: int) -> Http2Connection:
        return Http2Connection(self, origin, next(self._numbers), self._streams)

    def _send(self, connection: Http2Connection, job: _Job, endpoint: int, flags: int) -> None:
        self.in_flight += 1
        if self.in_flight > self.in_flight_max:
            self.in_flight_max = self.in_flight
        seq, intended = job
        sent = _clock()
        if not connection.is_open:
            flags |= Flag.NEW_CONNECTION
            if connection.connecting is None:
                loop = asyncio.get_running_loop()
                connection.connecting = loop.create_task(self._connect(connection, seq, sent))
        if self._closed:
            intended = sent
        head, body = self.encoders[endpoint](seq)
        stream = self.stream_type(self, seq, endpoint, intended, sent, flags)
        connection.send(stream, head, body)
        if not self._always_kept and not self._keep_alive[endpoint]:
            connection.retire()

    async def _connect(self, connection: Http2Connection, seq: int, begun: int) -> None:
        dialed = await self._dial(connection, seq, begun)
        connection.connecting = None
        if not dialed.error:
            connection.idle_since = _clock()
            return
        message = exception_message(dialed.cause) if dialed.cause is not None else ""
        failed = connection.fail(_clock(), dialed.error, message)
        self._drop(connection)
        for _ in range(failed):
            if self._closed:
                asyncio.get_running_loop().call_later(CONNECT_PAUSE_S, self._refill)
            else:
                self._vacated()

    async def _connect_idle(self, origin: int) -> None:
        connection = self._make_connection(origin)
        connection.greeting = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(self._plan.timeout_s, PREPARE_LIMIT_S)):
                if not (await self._dial(connection, -1, _clock())).error:
                    await connection.greeting.wait()
        if connection.is_settled and connection.most:
            connection.idle_since = _clock()
            self._connections.add(connection)
            self._list(connection)
        else:
            connection.close()

    async def _dial(self, connection: Http2Connection, seq: int, begun: int) -> Dialed:
        try:
            dialed = await self._dialers[connection.origin].dial(connection)
        except asyncio.CancelledError:
            if not self._stopped:
                self._log.record(seq, begun, (0, 0, 0), connection.origin, ErrorKind.TIMEOUT)
            raise
        dialed = _with_problem(dialed, connection)
        self._log.record(seq, begun, dialed.phases, connection.origin, dialed.error)
        self.local_failure_count += dialed.local
        self.connections_opened += not dialed.error
        return dialed

    def _vacated(self) -> None:
        if self._closed:
            self._refill()
        else:
            self._serve_waiting()

    def _refill(self) -> None:
        if self._stopped:
            return
        now = _clock()
        job = self._source.take(now)
        if job is not None:
            self._place(job, 0, now)

    def _serve_waiting(self) -> None:
        """Send what waits for a stream, as far as there are some."""
        if self._stopped:
            return
        now = _clock()
        for origin, parked in enumerate(self._parked if self._parked_count else ()):
            while parked:
                connection = self._with_room(origin, now) or self._new(origin)
                if connection is None:
                    break
                job, flags = parked.popleft()
                self._parked_count -= 1
                self.in_flight -= 1
                self._send(connection, job, self._request_of(job[0]), flags)
        while self._source.waiting and self.in_flight < self._limit and not self._parked_count:
            due = self._source.take(now)
            assert due is not None
            self.cap_wait_count += 1
            self._place(due, Flag.CAP_WAIT, now)

    def _list(self, connection: Http2Connection) -> None:
        if not connection.is_listed and connection.most and connection in self._connections:
            connection.is_listed = True
            self._ready[connection.origin].append(connection)

    def _drop(self, connection: Http2Connection) -> None:
        self._connections.discard(connection)
        if connection.is_listed:
            connection.is_listed = False
            self._ready[connection.origin].remove(connection)

    def _record_unsent(self, job: _Job, flags: int, now: int) -> None:
        seq, intended = job
        self.recording.finish(
            Outcome(
                seq=seq,
                intended=intended,
                sent=now,
                first_byte=0,
                done=now,
                bytes_in=0,
                status=0,
                endpoint=self._request_of(seq),
                error=ErrorKind.ABANDONED,
                flags=flags,
                message=NEVER_SENT,
            )
        )


def _with_problem(dialed: Dialed, connection: Http2Connection) -> Dialed:
    """``dialed``, failed if the service does not speak HTTP/2 over TLS."""
    cause = dialed.cause
    if isinstance(cause, ssl.SSLError) and cause.reason == _NOT_OFFERED:
        return dialed._replace(cause=ssl.SSLError(f"{_HTTP1_DOES} ({cause.reason})"))
    if not dialed.error and connection.problem:
        cause = ssl.SSLError(f"{connection.problem}: {_HTTP1_DOES}")
        return dialed._replace(error=ErrorKind.TLS, cause=cause)
    return dialed
