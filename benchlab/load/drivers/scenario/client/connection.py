"""A keep-alive connection of a user: one request and its response at a time."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import NamedTuple, Protocol, cast

import httpx

from benchlab.load.drivers.scenario.client.failures import (
    closed_early,
    lost_error,
    protocol_error,
)
from benchlab.load.drivers.scenario.client.service import Service
from benchlab.load.drivers.wire.connection import PARTING_S
from benchlab.load.drivers.wire.head import Head, ProtocolError
from benchlab.load.drivers.wire.head_cache import BODY_IS_READ, HeadCache
from benchlab.load.drivers.wire.response import Response

__all__ = ["Connection", "Limits", "Pool", "Receiver"]

_clock = time.monotonic_ns
_MAX_REMEMBERED_HEAD = 8192


class Limits(NamedTuple):
    """Time limits in seconds, as httpx has them; None for no limit."""

    connect: float | None = None
    read: float | None = None
    write: float | None = None


class Pool(Protocol):
    """What a connection reports to the user whose it is."""

    def free(self, connection: Connection) -> None:
        """The connection can be used again."""

    def lost(self, connection: Connection) -> None:
        """The connection cannot be used again."""


class Receiver(Protocol):
    """What takes a response that is read while it arrives."""

    def feed(self, data: bytes) -> None:
        """More bytes came."""

    def fail(self, error: httpx.TransportError) -> None:
        """The response will not be complete."""

    def ended(self, exc: Exception | None) -> None:
        """The connection is closed, by an error unless ``exc`` is None."""

    @property
    def is_waiting(self) -> bool:
        """Whether somebody waits for more."""


class Connection(asyncio.Protocol):
    """Sends a request at a time. Its response is received whole, or given to a `Receiver`.

    ``number`` is what samples have; ``first`` and ``last`` are times of the response's first and
    last bytes. ``begun`` is the time of the last request whose response is received whole.
    """

    __slots__ = (
        "_drained",
        "_heads",
        "_limit_s",
        "_loop",
        "_missing",
        "_parts",
        "_plain",
        "_pool",
        "_receiver",
        "_response",
        "_reusable",
        "_timer",
        "_transport",
        "_waiter",
        "begun",
        "first",
        "last",
        "number",
        "service",
    )

    def __init__(self, pool: Pool, service: Service) -> None:
        self._pool = pool
        self.service = service
        self.number = self.begun = self.first = self.last = 0
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[tuple[Head, bytes]] | None = None
        self._receiver: Receiver | None = None
        self._response: Response | None = None
        self._heads: HeadCache | None = None
        self._parts: list[bytes] = []
        self._missing = 0
        self._plain: Head | None = None
        self._reusable = False
        self._timer: asyncio.TimerHandle | None = None
        self._limit_s = 0.0
        self._drained: asyncio.Future[None] | None = None

    # what a user calls

    def send(
        self, request: bytes, heads: HeadCache, limit_s: float | None, *, reusable: bool
    ) -> asyncio.Future[tuple[Head, bytes]]:
        """Send a request; its future is the head and the body of its response, as transferred.

        Raises:
            httpx.TransportError: also by the future: there is no complete response.
        """
        transport = self._transport
        if transport is None:
            raise closed_early(in_body=False)  # right after it was opened
        self._waiter = waiter = self._loop.create_future()
        self._heads = heads
        self._reusable = reusable
        self.first = 0
        transport.write(request)
        if limit_s is not None:
            self._watch(limit_s)
        return waiter

    def receive(self, receiver: Receiver, limit_s: float | None) -> None:
        """Give the response to the next request to ``receiver``."""
        self._receiver = receiver
        self.first = 0
        if limit_s is not None:
            self._watch(limit_s)

    async def write(self, data: bytes, limits: Limits) -> None:
        """Write a part of a request, and wait while too much is waiting to be sent.

        Raises:
            httpx.WriteTimeout: nothing could be sent for too long.
        """
        self.last = _clock()
        if self._transport is not None:  # else the receiver knows
            self._transport.write(data)
        if self._drained is None:
            return
        try:
            async with asyncio.timeout(limits.write):
                await asyncio.shield(self._drained)
        except TimeoutError as exc:
            raise httpx.WriteTimeout("") from exc

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for a response that is received whole."""
        return self._waiter is not None

    @property
    def is_open(self) -> bool:
        """Whether it can still send."""
        return self._transport is not None and not self._transport.is_closing()

    def touch(self) -> None:
        """Count the time limit of reading from now."""
        self.last = _clock()

    def pause(self, *, paused: bool) -> None:
        """Stop reading, or read again."""
        if self._transport is None or self._transport.is_closing():
            return
        if paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def release(self, *, reusable: bool) -> None:
        """The response is complete."""
        self._receiver = None
        self._response = None
        self._stop_watching()
        if reusable:
            self._pool.free(self)
            return
        self._pool.lost(self)
        if self._transport is not None:
            # the side that closes first keeps the port blocked for a minute
            self._loop.call_later(PARTING_S, self.abort)

    def expire(self, before_ns: int) -> None:
        """Fail a request that was begun before ``before_ns`` and still waits for its response."""
        if self._waiter is not None and self.begun < before_ns:
            self._fail(httpx.ReadTimeout(""))

    def abort(self) -> None:
        """Close at once."""
        self._waiter = self._receiver = self._response = None
        self._stop_watching()
        self._pool.lost(self)
        if self._transport is not None:
            self._transport.abort()

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.last = now = _clock()
        if not self.first:
            self.first = now
        if self._receiver is not None:
            self._receiver.feed(data)
            return
        if self._waiter is None:
            self.abort()  # unsolicited bytes: the next response could not be trusted
        elif self._missing:
            self._continue_plain(data)
        elif self._response is not None:
            self._feed(data, 0)
        else:
            self._receive_head(data)

    def eof_received(self) -> None:
        return None  # the transport closes and calls connection_lost

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.resume_writing()
        self._stop_watching()
        if self._receiver is not None:
            receiver, self._receiver = self._receiver, None
            receiver.ended(exc)
        elif self._waiter is not None:
            response = self._response
            if exc is None and response is not None and response.end():
                assert response.head is not None
                self._complete(response.head, bytes(response.body), reusable=False)
            else:
                in_body = self._missing > 0 or (response is not None and response.head is not None)
                self._fail(lost_error(exc, in_body=in_body))
        self._pool.lost(self)

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    # a response that is received whole

    def _receive_head(self, data: bytes) -> None:
        """Receive the first bytes, in most cases the whole response with a head seen before."""
        heads = self._heads
        assert heads is not None
        end = data.find(b"\r\n\r\n") + 4
        if 4 <= end <= _MAX_REMEMBERED_HEAD:
            raw = data[:end]
            plain = heads.known.get(raw)
            if plain is None:
                try:
                    plain = heads.learn(raw)
                except ProtocolError:
                    plain = None  # reported when it is read in full
            if plain is not None:
                _, length, reusable, _, head = plain
                got = len(data) - end
                if got == length:
                    self._complete(head, data[end:], reusable=reusable)
                elif length == BODY_IS_READ:
                    self._response = Response(
                        body_limit=sys.maxsize, head_only=heads.head_only, head=head
                    )
                    self._feed(data, end)
                elif got < length:
                    self._parts = [data[end:]]
                    self._missing = length - got
                    self._plain = head
                    self._reusable = self._reusable and reusable
                else:
                    self._complete(head, data[end : end + length], reusable=False)
                return
        self._response = Response(body_limit=sys.maxsize, head_only=heads.head_only)
        self._feed(data, 0)

    def _continue_plain(self, data: bytes) -> None:
        self._missing -= len(data)
        self._parts.append(data)
        if self._missing <= 0:
            body, surplus = b"".join(self._parts), -self._missing
            if surplus:
                body = body[:-surplus]
            assert self._plain is not None
            self._missing = 0
            self._parts = []
            self._complete(self._plain, body, reusable=not surplus)

    def _feed(self, data: bytes, at: int) -> None:
        response = self._response
        assert response is not None
        try:
            if response.feed(data, at):
                assert response.head is not None
                self._complete(response.head, bytes(response.body), reusable=response.reusable)
        except ProtocolError as exc:
            self._fail(protocol_error(exc))

    def _complete(self, head: Head, body: bytes, *, reusable: bool) -> None:
        waiter, self._waiter = self._waiter, None
        assert waiter is not None
        if waiter.done():  # cancelled
            self.abort()
            return
        if reusable and self._reusable and self._timer is None and self._response is None:
            self._pool.free(self)  # as in release, without the call
        else:
            self.release(reusable=reusable and self._reusable)
        waiter.set_result((head, body))

    def _fail(self, error: httpx.TransportError) -> None:
        waiter = self._waiter
        self._missing = 0
        self._parts = []
        self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)

    # time limits that a scenario asks for

    def _watch(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self.last = _clock()
        self._timer = self._loop.call_later(limit_s, self._look)

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Fail the request if nothing has come for too long, else look again when it might be."""
        receiver = self._receiver
        if receiver is not None and not receiver.is_waiting:
            self.last = _clock()  # the scenario is busy with what came
        left_s = self._limit_s - (_clock() - self.last) / 1e9
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._look)
            return
        self._timer = None
        unsent = self._transport is not None and self._transport.get_write_buffer_size() > 0
        error = httpx.WriteTimeout("") if unsent else httpx.ReadTimeout("")
        if receiver is None:
            self._fail(error)
            return
        self.abort()
        receiver.fail(error)
