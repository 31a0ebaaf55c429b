"""The half of a connection that sends: requests, bodies as far as windows allow, its own frames."""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from typing import Any, Protocol

from benchlab.load.drivers.http2.frames import (
    END_HEADERS,
    END_STREAM,
    MAX_FRAME_BYTES,
    MAX_WINDOW,
    ErrorCode,
    FrameType,
    encode_frame,
    encode_headers,
)
from benchlab.load.drivers.http2.header_blocks import EMPTY_TABLE, HeaderBlocks
from benchlab.load.drivers.http2.stream import RECEIVE_WINDOW, Stream
from benchlab.load.drivers.wire.connection import PARTING_S
from benchlab.samples.samples import ErrorKind

__all__ = ["LOW_CREDIT", "USUAL_WINDOW", "Pool", "Sender"]

USUAL_WINDOW = 65_535
"""The windows before anybody has said anything about them."""

LOW_CREDIT = RECEIVE_WINDOW // 2
"""When the service may send less than this, it is allowed more."""

_MOST_CANCELLED = 10_000
_LAST_NUMBER = MAX_WINDOW - 2


class _Starts(dict[int, bytes]):
    """The first five bytes of frames of a type with some flags, by the length of the payload."""

    def __init__(self, kind: FrameType, flags: int) -> None:
        super().__init__()
        self._end = bytes((kind, flags))

    def __missing__(self, length: int) -> bytes:
        start = self[length] = length.to_bytes(3, "big") + self._end
        return start


_HEADERS = _Starts(FrameType.HEADERS, END_HEADERS)
_LAST_HEADERS = _Starts(FrameType.HEADERS, END_HEADERS | END_STREAM)
_LAST_DATA = _Starts(FrameType.DATA, END_STREAM)


class Pool(Protocol):
    """The part of the driver that its connections use."""

    blocks: HeaderBlocks

    def free(self, connection: Any, now: int) -> None:
        """A stream has ended; the connection may have room for another one."""

    def widened(self, connection: Any) -> None:
        """The service allows more streams than before."""

    def lost(self, connection: Any, failed: int) -> None:
        """The connection takes no more streams, and ``failed`` ones ended with it."""


class _Upload:
    """The rest of a body that waits for windows."""

    __slots__ = ("rest", "stream")

    def __init__(self, stream: Stream, rest: bytes) -> None:
        self.stream = stream
        self.rest = memoryview(rest)


class Sender(asyncio.Protocol):
    """Carries up to ``most`` streams at a time, and calls each one as its response comes.

    Before the service's settings came, it sends one stream; further ones wait for the settings
    here, since these limit their number. Then ``most`` is the lower of the two limits. Once the
    service or the driver ends the connection, ``most`` is 0, and open streams may still finish.
    """

    __slots__ = (
        "_cancelled",
        "_closing",
        "_credit",
        "_frame_limit",
        "_goaway",
        "_granted",
        "_initial_window",
        "_next_id",
        "_out",
        "_peer_most",
        "_prefix",
        "_queue",
        "_quick_size",
        "_transport",
        "_uploads",
        "_wanted",
        "_window",
        "connecting",
        "greeting",
        "heard",
        "idle_since",
        "is_listed",
        "is_open",
        "most",
        "number",
        "origin",
        "pool",
        "problem",
        "streams",
    )

    def __init__(self, pool: Pool, origin: int, number: int, streams: int) -> None:
        """A connection to the plan's service number ``origin``; ``number`` is what samples have.

        ``streams`` is the most that it may carry.
        """
        self.pool = pool
        self.origin = origin
        self.number = number
        self.streams: dict[int, Stream] = {}
        self.most = self._wanted = streams
        self.connecting: asyncio.Task[None] | None = None
        self.greeting: asyncio.Event | None = None
        """Set when the service's settings came, or the connection is closed."""
        self.problem = ""
        """Why it cannot be used although it was opened."""
        self.idle_since = self.heard = 0
        self.is_listed = False
        self.is_open = False
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] | None = None
        self._queue: deque[tuple[Stream, bytes, bytes]] = deque()
        self._uploads: dict[int, _Upload] = {}
        self._cancelled: dict[int, None] = {}
        self._quick_size = -1
        self._prefix = EMPTY_TABLE
        self._closing = False
        self._goaway = ""
        self._granted: dict[int, int] = {}
        self._next_id = 1
        self._window = self._initial_window = USUAL_WINDOW
        self._credit = RECEIVE_WINDOW
        self._frame_limit = MAX_FRAME_BYTES
        self._peer_most: int | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the service's settings came."""
        return self._peer_most is not None

    # sending

    def send(self, stream: Stream, head: bytes, body: bytes) -> None:
        """Send a request, or keep it until the connection is ready for it.

        ``head`` is its encoded header block.
        """
        number = stream.id = self._next_id
        self._next_id = number + 2
        if number >= _LAST_NUMBER:
            self.retire()  # no more numbers: the next request needs another connection
        stream.connection = self
        self.streams[number] = stream
        size = len(body)
        if size > self._quick_size or size > self._window or len(head) > MAX_FRAME_BYTES:
            self._queue.append((stream, head, body))
            self._send_queue()
            return
        stream.window = self._initial_window - size
        place = number.to_bytes(4)
        parts: tuple[bytes, ...]
        if size:
            self._window -= size
            parts = (_HEADERS[len(head)], place, head, _LAST_DATA[size], place, body)
        else:
            parts = (_LAST_HEADERS[len(head)], place, head)
        if self._out is not None:
            self._out += parts
        else:
            assert self._transport is not None
            self._transport.write(b"".join(parts))

    def cancel(self, stream: Stream, code: ErrorCode = ErrorCode.CANCEL) -> None:
        """Forget a stream, and tell the service so; what it still sends in it is ignored."""
        if self.streams.pop(stream.id, None) is None:
            return
        queued = next((item for item in self._queue if item[0] is stream), None)
        if queued is not None:
            self._queue.remove(queued)
            return
        self._reset(stream.id, code)
        self._send_queue()
        if not self._wanted:
            self.part()

    def retire(self) -> None:
        """Carry no further streams."""
        self.most = self._wanted = 0

    def part(self) -> None:
        """End the connection once it carries nothing, and let the service close it first, so
        that TIME_WAIT is on its side."""
        self.retire()
        if self._closing or self.streams:
            return
        self._closing = True
        if self._transport is None:
            self.close()
            return
        self._write(encode_frame(FrameType.GOAWAY, 0, 0, bytes(8)))
        asyncio.get_running_loop().call_later(PARTING_S, self.close)
        self.pool.lost(self, 0)

    def close(self) -> None:
        """Close at once, without a record."""
        self.retire()
        self._closing = True
        if self.connecting is not None:
            self.connecting.cancel()
            self.connecting = None
        if self._transport is not None:
            self._transport.abort()

    def fail(self, now: int, error: ErrorKind, message: str = "") -> int:
        """Finish every stream as failed, and close at once; returns how many there were."""
        count = self._fail_streams(now, error, message)
        self.close()
        return count

    # the connection's own frames

    def _send_queue(self) -> None:
        """Send what waits for the connection, as far as the service allows it."""
        if self._transport is None or self.problem:
            return
        queue = self._queue
        open_now = len(self.streams) - len(queue)
        most = 1 if self._peer_most is None else self._peer_most
        while queue and open_now < most:
            stream, head, body = queue.popleft()
            open_now += 1
            self._send_first(stream, head, body)
        ready = self._peer_most is not None and not queue and not self._prefix
        self._quick_size = min(self._initial_window, MAX_FRAME_BYTES) if ready else -1

    def _send_first(self, stream: Stream, head: bytes, body: bytes) -> None:
        """Send a request's header block, and as much of its body as the windows allow."""
        head, self._prefix = self._prefix + head, b""
        stream.window = self._initial_window
        self._write(encode_headers(stream.id, head, end_stream=not body, limit=self._frame_limit))
        if body:
            self._uploads[stream.id] = _Upload(stream, body)
            self._send_uploads()

    def _send_uploads(self) -> None:
        """Send waiting bodies as far as the windows allow it."""
        for number, upload in list(self._uploads.items()):
            if self._window <= 0:
                return
            stream = upload.stream
            while (size := min(self._window, stream.window, self._frame_limit)) > 0:
                part, upload.rest = bytes(upload.rest[:size]), upload.rest[size:]
                self._window -= len(part)
                stream.window -= len(part)
                flags = 0 if upload.rest else END_STREAM
                self._write(encode_frame(FrameType.DATA, flags, number, part))
                if not upload.rest:
                    del self._uploads[number]
                    break

    def _allow_more(self) -> None:
        """Let the service send more when half of what it may send has come.

        No stream may be sent more than the connection, and each has a window as large; so this is
        the time for them too.
        """
        self._grant(0, RECEIVE_WINDOW - self._credit)
        self._credit = RECEIVE_WINDOW
        granted, self._granted = self._granted, {}
        for number, stream in self.streams.items():
            more = stream.bytes_in - granted.get(number, 0)
            if more:
                self._grant(number, more)
            self._granted[number] = stream.bytes_in

    def _grant(self, number: int, more: int) -> None:
        self._write(encode_frame(FrameType.WINDOW_UPDATE, 0, number, struct.pack(">I", more)))

    def _reset(self, number: int, code: ErrorCode) -> None:
        self._uploads.pop(number, None)
        self._cancelled[number] = None
        if len(self._cancelled) > _MOST_CANCELLED:
            del self._cancelled[next(iter(self._cancelled))]
        self._write(encode_frame(FrameType.RST_STREAM, 0, number, struct.pack(">I", code)))

    def _write(self, data: bytes) -> None:
        if self._out is not None:
            self._out.append(data)
        elif self._transport is not None:
            self._transport.write(data)

    def _fail_streams(self, now: int, error: ErrorKind, message: str) -> int:
        failed = list(self.streams.values())
        self.streams.clear()
        self._queue.clear()
        self._uploads.clear()
        for stream in failed:
            stream.failed(error, message, now)
        return len(failed)
