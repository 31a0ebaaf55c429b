"""A connection whose responses may be streams, which are measured as they come."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from benchlab.load.drivers.checking import check_status
from benchlab.load.drivers.streams.reader import NO_STREAM, StreamReader, StreamReading
from benchlab.load.drivers.streams.sse import EventTooLongError
from benchlab.load.drivers.wire.chunks import Body
from benchlab.load.drivers.wire.connection import Connection, Pool
from benchlab.load.drivers.wire.head import Head, ProtocolError
from benchlab.load.drivers.wire.response import Response
from benchlab.load.recording.outcome import Outcome
from benchlab.samples.samples import ErrorKind
from benchlab.units import NS_PER_S

__all__ = ["StreamBody", "StreamConnection", "StreamPool"]

_clock = time.monotonic_ns


class StreamPool(Pool, Protocol):
    """The part of the driver that such connections use."""

    readings: list[StreamReading | None]


class StreamConnection(Connection):
    """Reads the responses to some requests as streams; all others as its base class does."""

    __slots__ = ("_body", "_pool", "_reader", "_reading", "_timer")

    def __init__(self, driver: StreamPool, origin: int, number: int) -> None:
        super().__init__(driver, origin, number)
        self._pool = driver
        self._reading: StreamReading | None = None
        self._reader: StreamReader | None = None
        self._body: StreamBody | None = None
        self._timer: asyncio.TimerHandle | None = None

    def assign(self, seq: int, endpoint: int, intended: int, sent: int, flags: int) -> None:
        """Assign a request, whose sending begins at ``sent``."""
        super().assign(seq, endpoint, intended, sent, flags)
        self._reading = self._pool.readings[endpoint]
        self._reader = self._body = None

    def write(self) -> None:
        """Send the assigned request; the connection must be open."""
        super().write()
        if self._reading is not None and self._reading.max_ns:
            left_s = (self.sent + self._reading.max_ns - _clock()) / NS_PER_S
            self._timer = asyncio.get_running_loop().call_later(left_s, self._time_is_up)

    def _begin(self, head: Head | None) -> None:
        if self._reading is None:
            super()._begin(head)
            return
        driver, endpoint = self._driver, self._endpoint
        self._reader = self._reading.begin()
        self._body = StreamBody(driver.body_limits[endpoint], self._reader)
        self._response = Response(head_only=driver.head_only[endpoint], head=head, body=self._body)

    def _feed(self, data: bytes, at: int, now: int) -> None:
        body, reader = self._body, self._reader
        if body is not None:
            body.now = now
        super()._feed(data, at, now)
        # By now the connection may carry the next request, with a reader of its own.
        if reader is not None and reader.is_full and self.busy and reader is self._reader:
            self._leave(now)

    def _time_is_up(self) -> None:
        self._timer = None
        now = _clock()
        if self._body is not None and self._body.has_begun:
            self._leave(now)
        else:
            self.fail(now, ErrorKind.TIMEOUT, NO_STREAM)
            self._driver.lost(self)

    def _leave(self, now: int) -> None:
        """Read no further: the request is complete, and its connection is of no more use."""
        response, reader = self._response, self._reader
        assert response is not None
        assert reader is not None
        reader.was_left = True
        self._check(now, response, False)

    def _part(self) -> None:
        if self._reader is not None and self._reader.was_left:
            self.close()  # the service would go on sending
            self._driver.lost(self)
        else:
            super()._part()

    def _evaluate(self, response: Response) -> tuple[ErrorKind, str]:
        error, message = super()._evaluate(response)
        if not error and self._reader is not None and (problem := self._reader.finish()):
            return ErrorKind.CHECK, problem
        return error, message

    def _complete(
        self, now: int, error: ErrorKind, status: int, bytes_in: int, reusable: bool
    ) -> None:
        if now - self.sent <= self._driver.timeout_ns:
            self._end_stream(now)
        super()._complete(now, error, status, bytes_in, reusable)

    def _report(self, outcome: Outcome) -> None:
        if self._reader is not None:
            message = self._reader.fail(outcome.error, outcome.message)
            outcome = outcome._replace(message=message)
        self._end_stream(outcome.done)
        super()._report(outcome)

    def _end_stream(self, now: int) -> None:
        """Record the stream, if there was one; the connection may then carry the next request."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._reader is not None:
            self._reader.record(self._driver.recording, self._seq, now)


class StreamBody(Body):
    """A body whose parts are given to a reader; ``now`` is when the current one came.

    It ``has_begun`` when all headers are there.
    """

    __slots__ = ("_is_chunked", "_keeps", "_reader", "has_begun", "now")

    def __init__(self, room: int, reader: StreamReader) -> None:
        super().__init__(room)
        self._reader = reader
        self._keeps = 0
        self._is_chunked = False
        self.has_begun = False
        self.now = 0

    def begin(self, head: Head) -> None:
        """Decide whether the body that follows ``head`` is a stream."""
        super().begin(head)
        self.has_begun = True
        if not check_status(head.status)[0]:
            fields = {name.lower(): value for name, value in head.headers()}
            self._reader.accept(fields.get("content-type", ""), head.encoding)
        self._is_chunked = head.chunked
        self._keeps, self.room = self.room, 1  # without room, chunks would be skipped

    def add(self, data: bytes, start: int, end: int) -> None:
        """Add a part of ``data``, which is a chunk if the body is not chunked."""
        self._read(data, start, end)
        if not self._is_chunked:
            self._reader.end_chunk(self.now)

    def add_end(self, data: bytes, start: int, end: int) -> None:
        """Add the last part of a chunk."""
        self._read(data, start, end)
        self._reader.end_chunk(self.now)

    def _read(self, data: bytes, start: int, end: int) -> None:
        self.size += end - start
        part = data[start:end]
        if self._keeps > 0:
            kept = part[: self._keeps]
            self._keeps -= len(kept)
            self.start += kept
        if self._reader.is_stream:
            try:
                self._reader.feed(part, self.now)
            except EventTooLongError as exc:
                raise ProtocolError(str(exc)) from exc
