"""A response that a scenario reads while it arrives."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import httpx

from benchlab.load.drivers.scenario.client.connection import Connection
from benchlab.load.drivers.scenario.client.failures import lost_error, protocol_error
from benchlab.load.drivers.wire.head import Head, ProtocolError
from benchlab.load.drivers.wire.response import Response

__all__ = ["Incoming"]

_MOST_WAITING = 1 << 20
"""Bytes that may wait for the scenario before the connection is not read any more."""


class Incoming(httpx.AsyncByteStream):
    """The response of a connection, and the stream of its body as transferred.

    It is the connection's `Receiver`.
    """

    def __init__(self, connection: Connection, *, head_only: bool, reusable: bool) -> None:
        self._connection = connection
        self._response = Response(head_only=head_only, body_limit=sys.maxsize)
        self._reusable = reusable
        self._error: httpx.TransportError | None = None
        self.is_over = False
        self._waiter: asyncio.Future[None] | None = None
        self.is_paused = False

    # what the connection calls

    @property
    def is_waiting(self) -> bool:
        """Whether the scenario waits for more."""
        return self._waiter is not None

    def feed(self, data: bytes) -> None:
        """More bytes came."""
        response = self._response
        try:
            complete = response.feed(data)
        except ProtocolError as exc:
            self.fail(protocol_error(exc))
            self._connection.abort()
            return
        if complete:
            self.is_over = True
            self._connection.release(reusable=response.reusable and self._reusable)
        elif len(response.body) > _MOST_WAITING and not self.is_paused:
            self.is_paused = True
            self._connection.pause(paused=True)
        if response.head is not None:
            self._wake()

    def ended(self, exc: Exception | None) -> None:
        """The connection is closed."""
        if exc is None and self._response.end():
            self.is_over = True
            self._wake()
        else:
            self.fail(lost_error(exc, in_body=self._response.head is not None))

    def fail(self, error: httpx.TransportError) -> None:
        """The response will not be complete."""
        self._error = error
        self.is_over = True
        self._wake()

    @property
    def waiting_bytes(self) -> int:
        """How much of the body waits for the scenario."""
        return len(self._response.body)

    # what the client calls

    async def head(self) -> Head:
        """The head, once it is there.

        Raises:
            httpx.TransportError: there is none.
        """
        while self._response.head is None:
            if self._error is not None:
                raise self._error
            await self._wait()
        return self._response.head

    async def __aiter__(self) -> AsyncIterator[bytes]:
        body = self._response.body
        while True:
            if body:
                part = bytes(body)
                body.clear()
                if self.is_paused:
                    self.is_paused = False
                    self._connection.pause(paused=False)
                yield part
            elif self._error is not None:
                raise self._error
            elif self.is_over:
                return
            else:
                await self._wait()

    async def aclose(self) -> None:
        """Read no more."""
        if not self.is_over:
            self.is_over = True
            self._connection.abort()

    async def _wait(self) -> None:
        self._connection.touch()
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            await self.aclose()
            raise
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
