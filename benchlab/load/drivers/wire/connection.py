"""A keep-alive connection: one request and its response at a time."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol, cast

from benchlab.load.drivers.checking import Checker, check_status
from benchlab.load.drivers.wire.encoding import Encoder
from benchlab.load.drivers.wire.head import Head, ProtocolError
from benchlab.load.drivers.wire.head_cache import BODY_IS_READ, CachedHead, HeadCache
from benchlab.load.drivers.wire.response import Response
from benchlab.load.recording.outcome import Excerpt, Outcome
from benchlab.load.recording.recorder import Record
from benchlab.load.recording.recording import Recording
from benchlab.samples.examples import BODY_BYTES
from benchlab.samples.samples import ErrorKind
from benchlab.units import format_ns

__all__ = ["PARTING_S", "Connection", "Pool"]

_clock = time.monotonic_ns
_MAX_REMEMBERED_HEAD = 8192

PARTING_S = 1.0
"""How long an unneeded connection waits for the service to close it first. The side that closes
first keeps the port blocked for a minute (TIME_WAIT)."""


class Pool(Protocol):
    """The part of the driver that its connections use."""

    encoders: list[Encoder]
    heads: list[HeadCache]
    known_heads: list[dict[bytes, CachedHead | None]]
    head_only: list[bool]
    keep_alive: list[bool]
    checkers: list[Checker | None]
    body_limits: list[int]
    recording: Recording
    record: Record
    timeout_ns: int
    in_flight: int

    def free(self, connection: Connection, now: int) -> None:
        """A response is complete, and the connection can be used again."""

    def lost(self, connection: Connection) -> None:
        """The connection is closed."""


class Connection(asyncio.Protocol):
    """Carries at most one request at a time, and calls its driver when that is finished.

    It is ``busy`` from the assignment of a request, even before it is open, until the request is
    recorded. Times are clock times of ``time.monotonic_ns``.
    """

    __slots__ = (
        "_body_bytes",
        "_driver",
        "_endpoint",
        "_error",
        "_first",
        "_flags",
        "_intended",
        "_missing",
        "_response",
        "_reusable",
        "_seq",
        "_status",
        "_transport",
        "busy",
        "connecting",
        "idle_since",
        "number",
        "origin",
        "sent",
    )

    def __init__(self, driver: Pool, origin: int, number: int) -> None:
        """A connection to the plan's service number ``origin``; ``number`` is what samples have."""
        self._driver = driver
        self.origin = origin
        self.number = number
        self._transport: asyncio.Transport | None = None
        self.connecting: asyncio.Task[None] | None = None
        self.busy = False
        self.idle_since = 0
        self.sent = 0
        self._seq = self._intended = self._first = self._flags = self._endpoint = 0
        self._missing = self._body_bytes = self._status = 0
        self._reusable = False
        self._error = ErrorKind.OK
        self._response: Response | None = None

    def assign(self, seq: int, endpoint: int, intended: int, sent: int, flags: int) -> None:
        """Assign a request, whose sending begins at ``sent``."""
        self.busy = True
        self._seq = seq
        self._intended = intended
        self._flags = flags
        self.sent = sent
        self._first = 0
        self._endpoint = endpoint

    def write(self) -> None:
        """Send the assigned request; the connection must be open."""
        transport = self._transport
        assert transport is not None
        transport.write(self._driver.encoders[self._endpoint](self._seq))

    def close(self) -> None:
        """Close at once, without a record."""
        if self.connecting is not None:
            self.connecting.cancel()
        if self._transport is not None:
            self._transport.abort()

    def fail(self, now: int, error: ErrorKind, message: str = "", data: bytes = b"") -> None:
        """Finish the request as failed, with the response so far, and close the connection.

        ``message`` is the reason; ``data`` are bytes that are not a valid response.
        """
        response, status, bytes_in = self._response, 0, 0
        if response is not None:
            status, bytes_in = response.status, response.body_bytes
        elif self._missing:
            status, bytes_in = self._status, self._body_bytes - self._missing
        self._finish(now, error, status, bytes_in, message, data)
        self._missing = 0
        self.close()

    def _part(self) -> None:
        """Detach and let the service close first, so that TIME_WAIT is on its side."""
        if self._transport is not None:
            asyncio.get_running_loop().call_later(PARTING_S, self.close)
        self._driver.lost(self)

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        now = _clock()
        if not self.busy:
            self._driver.lost(self)  # unsolicited bytes: the next response could not be trusted
            self.close()
            return
        if self._missing:
            self._continue_plain(data, now)
            return
        if self._response is not None:
            self._feed(data, 0, now)
            return
        self._first = now
        end = data.find(b"\r\n\r\n") + 4
        if 4 <= end <= _MAX_REMEMBERED_HEAD:
            head = data[:end]
            try:
                plain = self._driver.known_heads[self._endpoint][head]
            except KeyError:
                plain = self._learn(head, now)
            if plain is not None:
                status, length, reusable, error, parsed = plain
                got = len(data) - end
                if got == length:
                    self._complete(now, error, status, length, reusable)
                elif length < 0:
                    self._begin(parsed)
                    self._feed(data, end, now)
                elif got < length:
                    self._missing = length - got
                    self._status, self._body_bytes, self._reusable, self._error, _ = plain
                else:
                    self._complete(now, error, status, length, False)
                return
        self._begin(None)
        self._feed(data, 0, now)

    def eof_received(self) -> None:
        return None  # the transport closes and calls connection_lost

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self.busy:
            self._driver.lost(self)
            return
        now = _clock()
        response = self._response
        if exc is None and response is not None and response.end():
            self._check(now, response, False)
        else:
            self.fail(now, _kind_of_loss(exc))
        self._driver.lost(self)

    def _learn(self, head: bytes, now: int) -> CachedHead | None:
        cache = self._driver.heads[self._endpoint]
        try:
            plain = cache.learn(head)
        except ProtocolError:
            return None
        if plain is None:
            return None
        status, _, reusable, error, parsed = plain
        if not error or self._driver.recording.explained(error, self._endpoint, now):
            return plain
        cache.forget(head)
        return status, BODY_IS_READ, reusable, ErrorKind.OK, parsed  # for an example

    def _continue_plain(self, data: bytes, now: int) -> None:
        self._missing -= len(data)
        if self._missing <= 0:
            reusable = self._reusable and self._missing == 0
            self._missing = 0
            self._complete(now, self._error, self._status, self._body_bytes, reusable)

    def _begin(self, head: Head | None) -> None:
        """Begin a response that is read in full; ``head`` is its final head, if it is known."""
        driver, endpoint = self._driver, self._endpoint
        self._response = Response(
            head_only=driver.head_only[endpoint],
            body_limit=driver.body_limits[endpoint],
            head=head,
        )

    def _feed(self, data: bytes, at: int, now: int) -> None:
        response = self._response
        assert response is not None
        try:
            if response.feed(data, at):
                reusable = response.reusable and self._driver.keep_alive[self._endpoint]
                self._check(now, response, reusable)
        except ProtocolError as exc:
            self.fail(now, ErrorKind.PROTOCOL, str(exc), data)

    def _check(self, now: int, response: Response, reusable: bool) -> None:
        status, bytes_in = response.status, response.body_bytes
        if now - self.sent > self._driver.timeout_ns:
            self._fail_late(now, status, bytes_in)
            return
        error, message = self._evaluate(response)
        if not error:
            self._response = None
            self._complete(now, error, status, bytes_in, reusable)
            return
        self._finish(now, error, status, bytes_in, message)
        self._release(now, reusable)

    def _evaluate(self, response: Response) -> tuple[ErrorKind, str]:
        """Evaluate the checks on a complete response."""
        checker = self._driver.checkers[self._endpoint]
        if checker is None:
            return check_status(response.status)
        return checker.evaluate(
            response.status, response.body, response.body_bytes, response.encoding
        )

    def _fail_late(self, now: int, status: int, bytes_in: int) -> None:
        """Finish a request whose response is complete, but came after the timeout.

        The sweep finds a request only some time after its timeout has passed.
        """
        took, limit = format_ns(now - self.sent), format_ns(self._time_limit_ns())
        message = f"the response was complete after {took}, the limit is {limit}"
        self._finish(now, ErrorKind.TIMEOUT, status, bytes_in, message)
        self.close()
        self._driver.lost(self)

    def _finish(
        self,
        now: int,
        error: ErrorKind,
        status: int,
        bytes_in: int,
        message: str,
        data: bytes = b"",
    ) -> None:
        """Finish a failed request, with the part of its response that an example shows."""
        response, self._response = self._response, None
        excerpt = partial(_excerpt, response, status, bytes_in, data)
        self._report(self._outcome(now, error, status, bytes_in, message, excerpt))

    def _outcome(
        self,
        now: int,
        error: ErrorKind,
        status: int,
        bytes_in: int,
        message: str = "",
        excerpt: Callable[[], Excerpt] = Excerpt,
    ) -> Outcome:
        return Outcome(
            self._seq,
            self._intended,
            self.sent,
            self._first,
            now,
            bytes_in,
            status,
            self._endpoint,
            error,
            self._flags,
            self.number,
            message,
            excerpt,
        )

    def _report(self, outcome: Outcome) -> None:
        """Record the outcome of a failed request."""
        self.busy = False
        self._driver.in_flight -= 1
        self._driver.recording.finish(outcome)

    def _time_limit_ns(self) -> int:
        """How long the request may take."""
        return self._driver.timeout_ns

    def _complete(
        self, now: int, error: ErrorKind, status: int, bytes_in: int, reusable: bool
    ) -> None:
        """Record a request that needs no example, as almost all do."""
        driver = self._driver
        if now - self.sent > driver.timeout_ns:
            self._fail_late(now, status, bytes_in)
            return
        self.busy = False
        driver.in_flight -= 1
        driver.record(
            self._seq,
            self._intended,
            self.sent,
            self._first,
            now,
            bytes_in,
            status,
            self._endpoint,
            error,
            self._flags,
            self.number,
        )
        if reusable:  # as in _release, without the call
            driver.free(self, now)
        else:
            self._part()

    def _release(self, now: int, reusable: bool) -> None:
        if reusable:
            self._driver.free(self, now)
        else:
            self._part()


def _excerpt(response: Response | None, status: int, bytes_in: int, data: bytes) -> Excerpt:
    if response is None:
        return Excerpt((), data, bytes_in or len(data))
    body = bytes(response.body[:BODY_BYTES]) or data
    return Excerpt(response.headers(), body, bytes_in or len(data))


def _kind_of_loss(exc: Exception | None) -> ErrorKind:
    if isinstance(exc, ConnectionError):
        return ErrorKind.RESET
    return ErrorKind.TLS if isinstance(exc, ssl.SSLError) else ErrorKind.CLOSED
