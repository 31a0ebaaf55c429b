"""The wire driver: HTTP/1.1 on connections of its own, fed by the source."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.checking import make_checker
from benchlab.load.drivers.connection_numbers import connection_numbers
from benchlab.load.drivers.dialer import Dialed, Dialer
from benchlab.load.drivers.failures import exception_message
from benchlab.load.drivers.headers import ServerNames, asks_to_close
from benchlab.load.drivers.tls import tls_context
from benchlab.load.drivers.wire.connection import Connection
from benchlab.load.drivers.wire.encoding import Encoder, make_encoder
from benchlab.load.drivers.wire.head_cache import HeadCache
from benchlab.load.recording.outcome import Outcome
from benchlab.load.recording.recorder import Record
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan
from benchlab.samples.examples import BODY_BYTES
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.units import NS_PER_S, seconds_to_ns

__all__ = [
    "CONNECT_PAUSE_S",
    "IDLE_LIMIT_NS",
    "NEVER_SENT",
    "PREPARE_LIMIT_S",
    "WireDriver",
]

_clock = time.monotonic_ns

IDLE_LIMIT_NS = 4 * NS_PER_S
"""A connection idle for longer is not used again: common servers close idle connections after 5 s,
and a request sent at that moment would fail although the service works."""

CONNECT_PAUSE_S = 0.01
"""Pause of a closed loop's user after a failed connect, so that it does not retry in a tight
loop."""

PREPARE_LIMIT_S = 10.0
"""Time limit for opening a closed loop's connections before the run; any other connection is
opened, and timed, by its first request."""

NEVER_SENT = "no connection was free for it before the generator stopped waiting"
"""Why a request that was due is recorded as abandoned."""


class WireDriver:
    """The `Driver` for HTTP/1.1, over `Connection`s to the plan's services.

    At most its share of the plan's connections carry a request at once. In an open loop that also
    limits open connections: an idle one is closed when another service needs its place. A closed
    loop's user may have an idle connection to each service.
    """

    def __init__(
        self, plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
    ) -> None:
        self._plan = plan
        self._source = source
        self._closed = source.closed
        self._log = recording.connections
        self.recording = recording
        self.record: Record = recording.record
        self._limit = plan.share(worker)
        self.timeout_ns = seconds_to_ns(plan.timeout_s)
        self._request_of = plan.request_of
        origins = plan.origins
        numbers = {origin: number for number, origin in enumerate(origins)}
        self._origin_of = [numbers[request.origin] for request in plan.requests]
        self._alone = len(origins) == 1
        tls = tls_context(plan)
        self._dialers = [Dialer(origin, plan.transport, tls) for origin in origins]
        self._idle: list[list[Connection]] = [[] for _ in origins]
        self._connections: set[Connection] = set()
        self._numbers = connection_numbers(worker, plan.workers)
        self._stopped = False
        self.encoders: list[Encoder] = [
            make_encoder(plan, index, run_id) for index in range(len(plan.requests))
        ]
        self.head_only = [request.method == "HEAD" for request in plan.requests]
        self.keep_alive = [
            plan.transport.keep_alive and not asks_to_close(request) for request in plan.requests
        ]
        self.servers = ServerNames()
        self.checkers = [make_checker(request) for request in plan.requests]
        self.body_limits = [
            0 if checker is None else max(BODY_BYTES, checker.keep_bytes)
            for checker in self.checkers
        ]
        self.heads = [
            HeadCache(
                head_only=head_only,
                keep_alive=keep_alive,
                servers=self.servers,
                checker=checker,
                is_read=request.is_stream,
            )
            for request, head_only, keep_alive, checker in zip(
                plan.requests, self.head_only, self.keep_alive, self.checkers, strict=True
            )
        ]
        self.known_heads = [cache.known for cache in self.heads]
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
        if self._closed and any(self.keep_alive):
            opened = (
                self._connect_idle(origin)
                for origin in range(len(self._dialers))
                for _ in range(self._limit)
            )
            await asyncio.gather(*opened)

    def begin(self) -> None:
        """Start a closed loop: one request on every connection."""
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
        """Fail requests whose timeout has passed."""
        limit = now_ns - self.timeout_ns
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
            endpoint = self._request_of(seq)
            self.recording.finish(
                Outcome(
                    seq=seq,
                    intended=intended,
                    sent=now_ns,
                    first_byte=0,
                    done=now_ns,
                    bytes_in=0,
                    status=0,
                    endpoint=endpoint,
                    error=ErrorKind.ABANDONED,
                    flags=Flag.CAP_WAIT,
                    message=NEVER_SENT,
                )
            )

    async def close(self) -> None:
        """Close all connections."""
        self._stopped = True
        for connection in list(self._connections):
            connection.close()
        self._connections.clear()
        for idle in self._idle:
            idle.clear()

    # what connections call

    def free(self, connection: Connection, now: int) -> None:
        """A response is complete and the connection can be used again: send the next request."""
        job = None if self._stopped else self._source.take(now)
        flags = 0
        if job is not None and not self._closed:
            self.cap_wait_count += 1
            flags = Flag.CAP_WAIT
        if job is not None and self._alone:
            self._send(connection, job, self._request_of(job[0]), flags)
            return
        connection.idle_since = now
        self._idle[connection.origin].append(connection)
        if job is not None:
            self._place(job, flags, now)

    def lost(self, connection: Connection) -> None:
        """A connection is closed: send the next request on another one."""
        if connection in self._connections:
            was_idle = connection in self._idle[connection.origin]
            self._drop(connection)
            if not was_idle:
                self._vacated()

    # the pool

    def _place(self, job: tuple[int, int], flags: int, now: int) -> None:
        """Send a request on an idle connection to its service, or on a new one."""
        endpoint = self._request_of(job[0])
        origin = self._origin_of[endpoint]
        connection = self._take_idle(origin, now)
        if connection is not None:
            self._send(connection, job, endpoint, flags)
            return
        if not self._closed and len(self._connections) >= self._limit:
            self._close_idle()
        self._start_connection(job, endpoint, flags)

    def _take_idle(self, origin: int, now: int) -> Connection | None:
        idle = self._idle[origin]
        while idle:
            connection = idle.pop()
            if now - connection.idle_since <= IDLE_LIMIT_NS:
                return connection
            self._drop(connection)
            connection.close()
        return None

    def _close_idle(self) -> None:
        """Close the connection, to any service, that has been idle longest."""
        longest = [idle for idle in self._idle if idle]
        if longest:
            connection = min(longest, key=lambda idle: idle[0].idle_since)[0]
            self._drop(connection)
            connection.close()

    def _send(
        self, connection: Connection, job: tuple[int, int], endpoint: int, flags: int
    ) -> None:
        self.in_flight += 1
        if self.in_flight > self.in_flight_max:
            self.in_flight_max = self.in_flight
        seq, intended = job
        sent = _clock()
        connection.assign(seq, endpoint, sent if self._closed else intended, sent, flags)
        connection.write()

    def _start_connection(self, job: tuple[int, int], endpoint: int, flags: int) -> None:
        connection = self._new_connection(self._origin_of[endpoint])
        self._connections.add(connection)
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        seq, intended = job
        sent = _clock()
        intended = sent if self._closed else intended
        connection.assign(seq, endpoint, intended, sent, flags | Flag.NEW_CONNECTION)
        loop = asyncio.get_running_loop()
        connection.connecting = loop.create_task(self._connect_and_write(connection, seq, sent))

    def _new_connection(self, origin: int) -> Connection:
        return Connection(self, origin, next(self._numbers))

    async def _connect_and_write(self, connection: Connection, seq: int, begun: int) -> None:
        dialed = await self._dial(connection, seq, begun)
        error = dialed.error
        connection.connecting = None
        if not error and connection.busy:
            connection.write()
        elif not error:
            connection.close()  # the request timed out in the meantime
        elif connection.busy:
            message = exception_message(dialed.cause) if dialed.cause is not None else ""
            connection.fail(_clock(), error, message)
            self._drop(connection)
            if self._closed:
                asyncio.get_running_loop().call_later(CONNECT_PAUSE_S, self._refill)
            else:
                self._vacated()

    async def _connect_idle(self, origin: int) -> None:
        connection = self._new_connection(origin)
        error = ErrorKind.TIMEOUT
        with suppress(TimeoutError):
            async with asyncio.timeout(min(self._plan.timeout_s, PREPARE_LIMIT_S)):
                error = (await self._dial(connection, -1, _clock())).error
        if not error:
            connection.idle_since = _clock()
            self._connections.add(connection)
            self._idle[origin].append(connection)

    async def _dial(self, connection: Connection, seq: int, begun: int) -> Dialed:
        try:
            dialed = await self._dialers[connection.origin].dial(connection)
        except asyncio.CancelledError:
            if not self._stopped:
                self._log.record(seq, begun, (0, 0, 0), connection.origin, ErrorKind.TIMEOUT)
            raise
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
        if self._source.waiting and not self._stopped and self.in_flight < self._limit:
            now = _clock()
            job = self._source.take(now)
            assert job is not None
            self.cap_wait_count += 1
            self._place(job, Flag.CAP_WAIT, now)

    def _drop(self, connection: Connection) -> None:
        self._connections.discard(connection)
        idle = self._idle[connection.origin]
        if connection in idle:
            idle.remove(connection)
