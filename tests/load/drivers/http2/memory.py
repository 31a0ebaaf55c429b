"""A connection of the driver, and h2 as its service, with memory between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import Event
from hpack import Encoder

from benchlab.load.drivers.checking import Checker
from benchlab.load.drivers.http2.connection import Http2Connection
from benchlab.load.drivers.http2.frames import MAX_FRAME_BYTES, FrameType, encode_frame
from benchlab.load.drivers.http2.header_blocks import HeaderBlocks, encode_block
from benchlab.load.drivers.http2.stream import Stream
from benchlab.load.recording.outcome import Outcome
from benchlab.load.recording.recorder import Record
from benchlab.samples.samples import ErrorKind

__all__ = ["Memory", "Service", "Sink", "block", "in_loop"]

REQUEST = [
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/x"),
    (b":authority", b"service.test"),
]


def in_loop(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test while an event loop runs, which timers need."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def main() -> None:
            test(*args, **kwargs)

        asyncio.run(main())

    return run


def block(*fields: tuple[str, str], status: int = 200) -> bytes:
    """The header block of a response, as the hpack package encodes it without a table."""
    encoder = Encoder()
    encoder.header_table_size = 0
    whole = [*([(":status", str(status))] if status else []), *fields]
    return encoder.encode(whole)


class Memory(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True

    def take(self) -> bytes:
        """What was written since the last call."""
        data = bytes(self.written)
        self.written.clear()
        return data


class Sink:
    """The driver of one connection: records outcomes, and sends nothing by itself."""

    def __init__(self) -> None:
        self.blocks = HeaderBlocks()
        self.head_only = [False, True]
        self.checkers: list[Checker | None] = [None, None]
        self.body_limits = [4096, 4096]
        self.timeout_ns = 10**18
        self.in_flight = 0
        self.outcomes: list[Outcome] = []
        self.failed_with_connection = 0
        self.freed = self.widened_count = 0
        self.on_free: Callable[[], object] | None = None
        self.recording = cast(Any, self)
        self.record: Record = self._record

    def _record(self, *values: int) -> None:
        """A request succeeded."""
        self.outcomes.append(Outcome(*cast(Any, values)))

    def finish(self, outcome: Outcome) -> None:
        """A request failed."""
        self.outcomes.append(outcome)

    def free(self, connection: Http2Connection, now: int) -> None:
        """A stream has ended."""
        del connection, now
        self.freed += 1
        if self.on_free is not None:
            self.on_free()

    def widened(self, connection: Http2Connection) -> None:
        """The connection has more room."""
        del connection
        self.widened_count += 1

    def lost(self, connection: Http2Connection, failed: int) -> None:
        """The connection is lost."""
        del connection
        self.failed_with_connection += failed

    @property
    def results(self) -> list[tuple[int, str, str]]:
        """Number, error and message of each request, in the order of their ends."""
        return [(one.seq, ErrorKind(one.error).label, one.message) for one in self.outcomes]


class Service:
    """A connection whose service is h2, or frames that a test writes by hand.

    Requests are numbered from 0. `hear` gives the connection bytes as they come from a network.
    """

    stream_type: Callable[..., Stream] = Stream

    def __init__(
        self,
        streams: int = 10,
        *,
        settled: bool = True,
        quick: bool = True,
        sink: Sink | None = None,
    ) -> None:
        self.sink = sink or Sink()
        self.connection = _Quick(self.sink, 0, 7, streams)
        self.connection.is_quick = quick
        self.memory = Memory()
        self.connection.connection_made(self.memory)
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self.events: list[Event] = []
        self._sent = 0
        if settled:
            self.h2.initiate_connection()
            self.pump()

    def request(self, body: bytes = b"", *, endpoint: int = 0, head: bytes = b"") -> Stream:
        """Send a request."""
        stream = self.stream_type(self.sink, self._sent, endpoint, 1, 1, 0)
        self._sent += 1
        self.sink.in_flight += 1
        self.connection.send(stream, head or encode_block(REQUEST), body)
        return stream

    def hear(self, *frames: bytes) -> None:
        """Give the connection bytes from its service."""
        self.connection.data_received(b"".join(frames))

    def pump(self, piece: int = 1 << 30) -> list[Event]:
        """Let both sides talk until they are silent; returns h2's events since the last time."""
        events: list[Event] = []
        while True:
            heard = self.memory.take()
            if heard:
                events += self.h2.receive_data(heard)
            said = self.h2.data_to_send()
            for at in range(0, len(said), piece):
                self.connection.data_received(said[at : at + piece])
            if not said and not self.memory.written:
                return events

    def hear_response(self, number: int, body: bytes = b"", fields: bytes = b"") -> None:
        """Give it a whole response, in stream ``number``."""
        self.hear(encode_frame(FrameType.HEADERS, 4, number, fields or block()))
        for at in range(0, len(body), MAX_FRAME_BYTES):
            self.hear(encode_frame(FrameType.DATA, 0, number, body[at : at + MAX_FRAME_BYTES]))
        self.hear(encode_frame(FrameType.DATA, 1, number))


class _Quick(Http2Connection):
    """A connection with the quick path, or without."""

    is_quick = True

    @property
    def quick(self) -> bool:  # type: ignore[override]
        return self.is_quick
