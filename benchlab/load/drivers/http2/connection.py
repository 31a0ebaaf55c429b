"""A connection: reads and writes frames for several streams at a time (RFC 9113).

Almost every frame of a response is a whole header block that is remembered, or a piece of a body:
these are read on a quick path. Everything else is read in full: padding, priorities, continued
and unknown header blocks, interim responses, frames of the connection. Both do the same, which a
test holds: ``quick = False`` leaves only the second.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import ClassVar, Final, NamedTuple, Protocol, cast

from benchlab.load.drivers.http2.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    FRAME_HEADER,
    MAX_FRAME_BYTES,
    MAX_WINDOW,
    PADDED,
    PREFACE,
    PRIORITY,
    ErrorCode,
    FrameType,
    Http2Error,
    Setting,
    StreamError,
    encode_frame,
    encode_headers,
    encode_settings,
    error_name,
)
from benchlab.load.drivers.http2.header_blocks import (
    EMPTY_TABLE,
    MAX_BLOCK_BYTES,
    HeaderBlocks,
)
from benchlab.load.drivers.http2.stream import RECEIVE_WINDOW, Stream
from benchlab.load.drivers.wire.connection import PARTING_S
from benchlab.samples.samples import ErrorKind

__all__ = ["Http2Connection", "Pool"]

_clock = time.monotonic_ns
_unpack = FRAME_HEADER.unpack_from

_USUAL_WINDOW = 65_535
_MOST_CANCELLED = 10_000
_DEBUG_BYTES = 200


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

_GREETING = (
    PREFACE
    + encode_settings(
        {
            Setting.HEADER_TABLE_SIZE: 0,
            Setting.ENABLE_PUSH: 0,
            Setting.INITIAL_WINDOW_SIZE: RECEIVE_WINDOW,
            Setting.MAX_HEADER_LIST_SIZE: MAX_BLOCK_BYTES,
        }
    )
    + encode_frame(FrameType.WINDOW_UPDATE, 0, 0, struct.pack(">I", RECEIVE_WINDOW - _USUAL_WINDOW))
)


class Pool(Protocol):
    """The part of the driver that its connections use."""

    blocks: HeaderBlocks

    def free(self, connection: Http2Connection, now: int) -> None:
        """A stream has ended; the connection may have room for another one."""

    def lost(self, connection: Http2Connection, failed: int) -> None:
        """The connection takes no more streams, and ``failed`` ones ended with it."""


class _Block(NamedTuple):
    """A header block that is continued."""

    stream: int
    ends_stream: bool
    parts: list[bytes]


class _Upload:
    """The rest of a body that waits for windows; ``ends``: nothing follows it."""

    __slots__ = ("ends", "rest", "stream")

    def __init__(self, stream: Stream, rest: bytes, *, ends: bool) -> None:
        self.stream = stream
        self.rest = memoryview(rest)
        self.ends = ends


class Http2Connection(asyncio.Protocol):
    """Carries up to ``most`` streams at a time, and calls each one as its response comes.

    Before the service's settings came, it sends one stream; further ones wait for the settings
    here, since these limit their number. Then ``most`` is the lower of the two limits. Once the
    service or the driver ends the connection, ``most`` is 0, and open streams may still finish.
    """

    quick: ClassVar[bool] = True

    __slots__ = (
        "_block",
        "_cancelled",
        "_closing",
        "_credit",
        "_frame_limit",
        "_goaway",
        "_granted",
        "_initial_window",
        "_known",
        "_next_id",
        "_out",
        "_peer_most",
        "_prefix",
        "_queue",
        "_quick_size",
        "_rest",
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
        self._known = pool.blocks.known
        self._rest = b""
        self._out: list[bytes] | None = None
        self._queue: deque[tuple[Stream, bytes, bytes, bool]] = deque()
        self._uploads: dict[int, _Upload] = {}
        self._cancelled: dict[int, None] = {}
        self._block: _Block | None = None
        self._quick_size = -1
        self._prefix = EMPTY_TABLE
        self._closing = False
        self._goaway = ""
        self._granted: dict[int, int] = {}
        self._next_id = 1
        self._window = self._initial_window = _USUAL_WINDOW
        self._credit = RECEIVE_WINDOW
        self._frame_limit = MAX_FRAME_BYTES
        self._peer_most: int | None = None

    @property
    def open_streams(self) -> int:
        """How many streams it carries."""
        return len(self.streams)

    @property
    def room(self) -> int:
        """How many more streams it can carry."""
        return max(0, self.most - len(self.streams))

    @property
    def is_settled(self) -> bool:
        """Whether the service's settings came."""
        return self._peer_most is not None

    # sending

    def send(self, stream: Stream, head: bytes, body: bytes, *, ends: bool = True) -> None:
        """Send a request, or keep it until the connection is ready for it.

        ``head`` is its encoded header block. Unless it ``ends`` with ``body``, `send_more` follows.
        """
        number = stream.id = self._next_id
        self._next_id = number + 2
        if number >= MAX_WINDOW - 2:
            self.retire()  # no more numbers: the next request needs another connection
        stream.connection = self
        self.streams[number] = stream
        size = len(body)
        if (
            size > self._quick_size
            or size > self._window
            or len(head) > MAX_FRAME_BYTES
            or not ends
        ):
            self._queue.append((stream, head, body, ends))
            self._send_queue()
            return
        stream.window = self._initial_window - size
        place = number.to_bytes(4, "big")
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

    def send_more(self, stream: Stream, data: bytes, *, ends: bool) -> None:
        """Send a further part of a request's body; not if it has ended meanwhile."""
        if stream.id not in self.streams:
            return
        for number, (queued, head, body, _) in enumerate(self._queue):
            if queued is stream:
                self._queue[number] = (stream, head, body + data, ends)
                return
        waiting = self._uploads.get(stream.id)
        if waiting is not None:
            data = bytes(waiting.rest) + data
        self._uploads[stream.id] = _Upload(stream, data, ends=ends)
        self._send_uploads()

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

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.is_open = True
        tls = transport.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() != "h2":
            self.problem = "the service did not choose HTTP/2 (h2) in the TLS handshake (ALPN)"
            return
        self._transport.write(_GREETING)
        self._send_queue()

    def data_received(self, data: bytes) -> None:
        now = self.heard = _clock()
        if self._closing:
            return
        if self._rest:
            data = self._rest + data
        out: list[bytes] = []
        self._out = out
        try:
            used = self._read(data, now)
        except Http2Error as exc:
            self._out = None
            self._violated(exc, now)
            return
        self._rest = data[used:]
        self._out = None
        if out and self._transport is not None:
            self._transport.write(b"".join(out))

    def eof_received(self) -> None:
        return None  # the transport closes and calls connection_lost

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.is_open = False
        self._closing = True
        self.retire()
        if self.greeting is not None:
            self.greeting.set()
        if self._goaway:
            failed = self._fail_streams(_clock(), ErrorKind.GOAWAY, self._goaway)
        else:
            failed = self._fail_streams(_clock(), _kind_of_loss(exc), "")
        self.pool.lost(self, failed)

    # reading

    def _read(self, data: bytes, now: int) -> int:  # noqa: PLR0912 - no calls on the quick path
        """Read all frames that are whole; returns how many bytes they have."""
        at, size = 0, len(data)
        streams, known, free = self.streams, self._known, self.pool.free
        is_quick = self.quick and self._block is None and self._peer_most is not None
        while at + 9 <= size:
            high, low, kind, flags, number = _unpack(data, at)
            length = high << 8 | low
            start = at + 9
            end = start + length
            if length > MAX_FRAME_BYTES:
                raise self._too_long(data, kind, length)
            if end > size:
                break
            at = end
            if is_quick:
                stream = streams.get(number)
                if stream is not None:
                    if kind == 1:
                        if flags & 0x2C == 4:  # END_HEADERS, neither padded nor with priority
                            block = data[start:end]
                            fields = known.get(block)
                            if fields is not None:
                                if stream.fields is None:
                                    if fields.status:
                                        stream.fields = fields
                                        stream.headers(block, fields, now)
                                        if flags & 1:
                                            self._end(stream, now)
                                        continue
                                elif not fields.status and flags & 1:
                                    stream.trailers(block, fields, now)
                                    self._end(stream, now)
                                    continue
                    elif kind == 0 and not flags & 8 and stream.fields is not None:
                        if length:
                            self._credit -= length
                            if self._credit < _LOW:
                                self._allow_more()
                            stream.data(data[start:end], now)
                        if not flags & 1:
                            continue
                        if self._uploads or self._queue or not self._wanted:
                            self._end(stream, now)
                        else:  # as in _end, without the calls
                            del streams[number]
                            stream.ended(now)
                            free(self, now)
                        continue
            if self._closing:
                return size
            self._read_frame(kind, flags, number & MAX_WINDOW, data[start:end], now)
            is_quick = self.quick and self._block is None
        return at

    def _end(self, stream: Stream, now: int) -> None:
        """A response is complete."""
        del self.streams[stream.id]
        if self._uploads and stream.id in self._uploads:
            self._reset(stream.id, ErrorCode.CANCEL)  # the rest of its body is of no use
        stream.ended(now)
        self._freed(now)

    def _freed(self, now: int) -> None:
        if self._queue:
            self._send_queue()
        if not self._wanted and not self.streams:
            self.part()
        self.pool.free(self, now)

    def _read_frame(self, kind: int, flags: int, number: int, payload: bytes, now: int) -> None:
        """Read any frame in full."""
        if self._peer_most is None and (kind != FrameType.SETTINGS or flags & ACK):
            first = "SETTINGS that acknowledges ours" if kind == FrameType.SETTINGS else _name(kind)
            raise Http2Error(f"the first frame is {first}, not the service's SETTINGS")
        if self._block is not None and (
            kind != FrameType.CONTINUATION or number != self._block.stream
        ):
            raise Http2Error(
                f"{_name(kind)} of stream {number} is within the header block of stream"
                f" {self._block.stream}"
            )
        if kind < len(_READERS):  # types that are not known are ignored (section 4.1)
            _READERS[kind](self, flags, number, payload, now)

    def _read_data(self, flags: int, number: int, payload: bytes, now: int) -> None:
        stream = self._stream_of(FrameType.DATA, number)
        chunk = _unpadded(flags, payload)
        self._credit -= len(chunk)
        if self._credit < _LOW:
            self._allow_more()
        padding = len(payload) - len(chunk)
        if padding:  # counts as data
            self._grant(0, padding)
        if stream is None:
            return
        if padding:
            self._grant(number, padding)
        if stream.fields is None:
            self._fail(stream, StreamError("DATA is before the header fields"), now)
            return
        if chunk:
            stream.data(chunk, now)
        if flags & END_STREAM:
            self._end(stream, now)

    def _read_headers(self, flags: int, number: int, payload: bytes, now: int) -> None:
        self._stream_of(FrameType.HEADERS, number)
        part = _unpadded(flags, payload)
        if flags & PRIORITY:
            if len(part) < 5:
                raise Http2Error("HEADERS is shorter than its priority", ErrorCode.FRAME_SIZE_ERROR)
            part = part[5:]
        if flags & END_HEADERS:
            self._read_block(number, part, bool(flags & END_STREAM), now)
        else:
            self._block = _Block(number, bool(flags & END_STREAM), [part])

    def _read_continuation(self, flags: int, number: int, payload: bytes, now: int) -> None:
        del number  # has been compared
        block = self._block
        if block is None:
            raise Http2Error("CONTINUATION continues nothing")
        block.parts.append(payload)
        size = sum(map(len, block.parts))
        if size > MAX_BLOCK_BYTES or len(block.parts) > MAX_BLOCK_BYTES // 256:
            raise Http2Error(
                f"a header block has more than {MAX_BLOCK_BYTES:,} bytes or very many parts",
                ErrorCode.ENHANCE_YOUR_CALM,
            )
        if flags & END_HEADERS:
            self._block = None
            self._read_block(block.stream, b"".join(block.parts), block.ends_stream, now)

    def _read_block(self, number: int, block: bytes, ends: bool, now: int) -> None:
        stream = self.streams.get(number)
        try:
            fields = self.pool.blocks.read(block)
            if stream is None:
                return
            if stream.fields is not None:
                if fields.status or not ends:
                    raise StreamError(
                        "the trailers have a status"
                        if fields.status
                        else "header fields after the first do not end the response"
                    )
                stream.trailers(block, fields, now)
            elif not fields.status:
                raise StreamError("the response has no :status")
            elif fields.is_interim:
                if ends:
                    raise StreamError(f"the response ends with the interim status {fields.status}")
                return
            else:
                stream.fields = fields
                stream.headers(block, fields, now)
        except StreamError as exc:
            if stream is not None:
                self._fail(stream, exc, now)
            return
        if ends:
            self._end(stream, now)

    def _read_priority(self, flags: int, number: int, payload: bytes, now: int) -> None:
        del flags, now
        _check_size(FrameType.PRIORITY, payload, 5)
        self._check_stream(FrameType.PRIORITY, number)

    def _read_push(self, flags: int, number: int, payload: bytes, now: int) -> None:
        del flags, number, payload, now
        raise Http2Error("the service pushes, which it was asked not to do")

    def _read_reset(self, flags: int, number: int, payload: bytes, now: int) -> None:
        del flags
        _check_size(FrameType.RST_STREAM, payload, 4)
        self._check_stream(FrameType.RST_STREAM, number)
        stream = self.streams.pop(number, None)
        self._uploads.pop(number, None)
        if stream is not None:
            code = int.from_bytes(payload, "big")
            message = f"the service reset the stream ({error_name(code)})"
            stream.failed(ErrorKind.STREAM_RESET, message, now, code)
            self._freed(now)

    def _read_settings(self, flags: int, number: int, payload: bytes, now: int) -> None:
        if number:
            raise Http2Error(f"SETTINGS is in stream {number}")
        if len(payload) % 6 or (flags & ACK and payload):
            raise Http2Error(f"SETTINGS has {len(payload)} bytes", ErrorCode.FRAME_SIZE_ERROR)
        if flags & ACK:
            return
        is_first = self._peer_most is None
        for name, value in struct.iter_unpack(">HI", payload):
            self._set(name, value)
        self._write(encode_frame(FrameType.SETTINGS, ACK, 0))
        if self._peer_most is None:
            self._peer_most = MAX_WINDOW  # no limit
        self.most = min(self._wanted, self._peer_most)
        if is_first and self.greeting is not None:
            self.greeting.set()
        self._send_queue()
        self._send_uploads()
        if not is_first and self.room:
            self.pool.free(self, now)

    def _set(self, name: int, value: int) -> None:
        if name == Setting.ENABLE_PUSH and value:
            raise Http2Error(f"the service sets ENABLE_PUSH to {value}")
        if name == Setting.MAX_CONCURRENT_STREAMS:
            self._peer_most = value
        elif name == Setting.INITIAL_WINDOW_SIZE:
            if value > MAX_WINDOW:
                raise Http2Error(f"INITIAL_WINDOW_SIZE is {value:,}", ErrorCode.FLOW_CONTROL_ERROR)
            change = value - self._initial_window
            self._initial_window = value
            unsent = {stream.id for stream, *_ in self._queue}
            for stream in self.streams.values():
                if stream.id in unsent:
                    continue
                stream.window += change
                if stream.window > MAX_WINDOW:
                    raise Http2Error(
                        f"INITIAL_WINDOW_SIZE makes the window of stream {stream.id} too large",
                        ErrorCode.FLOW_CONTROL_ERROR,
                    )
        elif name == Setting.MAX_FRAME_SIZE:
            if not MAX_FRAME_BYTES <= value < 2**24:
                raise Http2Error(f"MAX_FRAME_SIZE is {value:,}")
            self._frame_limit = value

    def _read_ping(self, flags: int, number: int, payload: bytes, now: int) -> None:
        del now
        if number:
            raise Http2Error(f"PING is in stream {number}")
        _check_size(FrameType.PING, payload, 8)
        if not flags & ACK:
            self._write(encode_frame(FrameType.PING, ACK, 0, payload))

    def _read_goaway(self, flags: int, number: int, payload: bytes, now: int) -> None:
        del flags
        if number:
            raise Http2Error(f"GOAWAY is in stream {number}")
        if len(payload) < 8:
            raise Http2Error(f"GOAWAY has {len(payload)} bytes", ErrorCode.FRAME_SIZE_ERROR)
        last, code = struct.unpack_from(">II", payload)
        last &= MAX_WINDOW
        debug = payload[8 : 8 + _DEBUG_BYTES].decode("utf-8", "replace")
        reason = error_name(code) + (f": {debug}" if debug else "")
        self._goaway = f"the service ended the connection ({reason})"
        self.retire()
        unsent = {stream.id for stream, *_ in self._queue}
        self._queue.clear()
        lost = [s for s in self.streams.values() if s.id > last or s.id in unsent]
        for stream in lost:
            del self.streams[stream.id]
            self._uploads.pop(stream.id, None)
        message = f"{self._goaway}, and did not process the request"
        for stream in lost:
            stream.failed(ErrorKind.GOAWAY, message, now)
        self.pool.lost(self, len(lost))
        if not self.streams:
            self.part()

    def _read_window_update(self, flags: int, number: int, payload: bytes, now: int) -> None:
        del flags
        _check_size(FrameType.WINDOW_UPDATE, payload, 4)
        more = int.from_bytes(payload, "big") & MAX_WINDOW
        if not number:
            if not more:
                raise Http2Error("WINDOW_UPDATE adds nothing")
            self._window += more
            if self._window > MAX_WINDOW:
                raise Http2Error(
                    f"the window of the connection is {self._window:,}",
                    ErrorCode.FLOW_CONTROL_ERROR,
                )
        else:
            self._check_stream(FrameType.WINDOW_UPDATE, number)
            stream = self.streams.get(number)
            if stream is None:
                return
            if not more:
                self._fail(stream, StreamError("WINDOW_UPDATE adds nothing"), now)
                return
            stream.window += more
            if stream.window > MAX_WINDOW:
                why = f"its window is {stream.window:,}"
                self._fail(stream, StreamError(why, ErrorCode.FLOW_CONTROL_ERROR), now)
                return
        self._send_uploads()

    # the connection's own frames

    def _send_queue(self) -> None:
        """Send what waits for the connection, as far as the service allows it."""
        if self._transport is None or self.problem:
            return
        queue = self._queue
        open_now = len(self.streams) - len(queue)
        most = 1 if self._peer_most is None else self._peer_most
        while queue and open_now < most:
            stream, head, body, ends = queue.popleft()
            open_now += 1
            self._send_first(stream, head, body, ends)
        ready = self._peer_most is not None and not queue and not self._prefix
        self._quick_size = min(self._initial_window, MAX_FRAME_BYTES) if ready else -1

    def _send_first(self, stream: Stream, head: bytes, body: bytes, ends: bool) -> None:
        """Send a request's header block, and as much of its body as the windows allow."""
        head, self._prefix = self._prefix + head, b""
        stream.window = self._initial_window
        ended = ends and not body
        self._write(encode_headers(stream.id, head, end_stream=ended, limit=self._frame_limit))
        if not ended:
            self._uploads[stream.id] = _Upload(stream, body, ends=ends)
            self._send_uploads()

    def _send_uploads(self) -> None:
        """Send waiting bodies as far as the windows allow it."""
        for number, upload in list(self._uploads.items()):
            stream = upload.stream
            while upload.rest or upload.ends:
                size = min(len(upload.rest), self._window, stream.window, self._frame_limit)
                if upload.rest and size <= 0:
                    break
                size = max(0, size)
                part, upload.rest = bytes(upload.rest[:size]), upload.rest[size:]
                self._window -= size
                stream.window -= size
                is_last = upload.ends and not upload.rest
                flags = END_STREAM if is_last else 0
                self._write(encode_frame(FrameType.DATA, flags, number, part))
                if is_last:
                    del self._uploads[number]
                    break

    def _allow_more(self) -> None:
        """Let the service send more when half of what it may send has come.

        No stream may be sent more than the connection, and each has a window as large; so this is
        the time for them too.
        """
        if self._credit < 0:
            raise Http2Error(
                "the service sent more than the windows allow", ErrorCode.FLOW_CONTROL_ERROR
            )
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

    # failures

    def _stream_of(self, kind: FrameType, number: int) -> Stream | None:
        """The open stream of a frame; None if it was cancelled.

        Raises:
            Http2Error: there is no such stream.
        """
        stream = self.streams.get(number)
        if stream is None:
            self._check_stream(kind, number)
            if number not in self._cancelled:
                raise Http2Error(
                    f"{kind.name} is in stream {number}, which is closed", ErrorCode.STREAM_CLOSED
                )
        return stream

    def _check_stream(self, kind: int, number: int) -> None:
        if not number:
            raise Http2Error(f"{_name(kind)} is in no stream")
        if kind != FrameType.PRIORITY and (not number % 2 or number >= self._next_id):
            raise Http2Error(f"{_name(kind)} is in stream {number}, which was never opened")

    def _fail(self, stream: Stream, problem: StreamError, now: int) -> None:
        """End a stream in which the service violated the protocol."""
        del self.streams[stream.id]
        self._reset(stream.id, problem.code)
        stream.failed(ErrorKind.PROTOCOL, str(problem), now)
        self._freed(now)

    def _violated(self, problem: Http2Error, now: int) -> None:
        """End a connection on which the service violated the protocol."""
        self.retire()
        self._closing = True
        self._rest = b""
        reason = struct.pack(">II", 0, problem.code)
        self._write(encode_frame(FrameType.GOAWAY, 0, 0, reason + str(problem).encode()))
        if self._transport is not None:
            self._transport.close()
            asyncio.get_running_loop().call_later(PARTING_S, self.close)
        self.pool.lost(self, self._fail_streams(now, ErrorKind.PROTOCOL, str(problem)))

    def _fail_streams(self, now: int, error: ErrorKind, message: str) -> int:
        failed = list(self.streams.values())
        self.streams.clear()
        self._queue.clear()
        self._uploads.clear()
        for stream in failed:
            stream.failed(error, message, now)
        return len(failed)

    def _too_long(self, data: bytes, kind: int, length: int) -> Http2Error:
        if self._peer_most is None and data.startswith(b"HTTP/1."):
            return Http2Error(
                "the service responds with HTTP/1.1: it does not speak HTTP/2, and the driver"
                ' "http" is for it'
            )
        return Http2Error(
            f"{_name(kind)} has {length:,} bytes, more than {MAX_FRAME_BYTES:,}",
            ErrorCode.FRAME_SIZE_ERROR,
        )


_LOW = RECEIVE_WINDOW // 2

_READERS: Final[tuple[Callable[[Http2Connection, int, int, bytes, int], None], ...]] = (
    Http2Connection._read_data,
    Http2Connection._read_headers,
    Http2Connection._read_priority,
    Http2Connection._read_reset,
    Http2Connection._read_settings,
    Http2Connection._read_push,
    Http2Connection._read_ping,
    Http2Connection._read_goaway,
    Http2Connection._read_window_update,
    Http2Connection._read_continuation,
)
"""What reads a frame in full, by its type."""


def _name(kind: int) -> str:
    return FrameType(kind).name if kind < len(FrameType) else f"a frame of type {kind}"


def _unpadded(flags: int, payload: bytes) -> bytes:
    """The payload without its padding."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise Http2Error("a frame has more padding than bytes")
    return payload[1 : len(payload) - payload[0]]


def _check_size(kind: FrameType, payload: bytes, size: int) -> None:
    if len(payload) != size:
        raise Http2Error(
            f"{kind.name} has {len(payload)} bytes, not {size}", ErrorCode.FRAME_SIZE_ERROR
        )


def _kind_of_loss(exc: Exception | None) -> ErrorKind:
    if isinstance(exc, ConnectionError):
        return ErrorKind.RESET
    return ErrorKind.TLS if isinstance(exc, ssl.SSLError) else ErrorKind.CLOSED
