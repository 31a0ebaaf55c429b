"""The half of a connection that reads frames in full (RFC 9113, sections 4 to 6)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from benchlab.load.drivers.http2.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    MAX_FRAME_BYTES,
    MAX_WINDOW,
    PADDED,
    PRIORITY,
    ErrorCode,
    FrameType,
    Http2Error,
    Setting,
    StreamError,
    encode_frame,
    error_name,
)
from benchlab.load.drivers.http2.header_blocks import MAX_BLOCK_BYTES
from benchlab.load.drivers.http2.sending import LOW_CREDIT, Pool, Sender
from benchlab.load.drivers.http2.stream import Stream
from benchlab.samples.samples import ErrorKind

__all__ = ["Reader", "frame_name"]

_DEBUG_BYTES = 200


class _Block(NamedTuple):
    """A header block that is continued."""

    stream: int
    ends_stream: bool
    parts: list[bytes]


class Reader(Sender):
    """Reads any frame, and calls the streams and the pool that it concerns."""

    __slots__ = ("_block",)

    def __init__(self, pool: Pool, origin: int, number: int, streams: int) -> None:
        """See `Sender`."""
        super().__init__(pool, origin, number, streams)
        self._block: _Block | None = None

    def _read_frame(self, kind: int, flags: int, number: int, payload: bytes, now: int) -> None:
        """Read any frame in full."""
        if self._peer_most is None and (kind != FrameType.SETTINGS or flags & ACK):
            first = (
                "SETTINGS that acknowledges ours"
                if kind == FrameType.SETTINGS
                else frame_name(kind)
            )
            raise Http2Error(f"the first frame is {first}, not the service's SETTINGS")
        if self._block is not None and (
            kind != FrameType.CONTINUATION or number != self._block.stream
        ):
            raise Http2Error(
                f"{frame_name(kind)} of stream {number} is within the header block of stream"
                f" {self._block.stream}"
            )
        if kind < len(_READERS):  # types that are not known are ignored (section 4.1)
            _READERS[kind](self, flags, number, payload, now)

    def _read_data(self, flags: int, number: int, payload: bytes, now: int) -> None:
        stream = self._stream_of(FrameType.DATA, number)
        chunk = _unpadded(flags, payload)
        self._credit -= len(chunk)
        if self._credit < LOW_CREDIT:
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
        stream.bytes_in += len(chunk)
        if chunk and stream.body is not None:
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
                stream.tail = fields
            elif not fields.status:
                raise StreamError("the response has no :status")
            elif fields.is_interim:
                if ends:
                    raise StreamError(f"the response ends with the interim status {fields.status}")
                return
            else:
                stream.fields = fields
                stream.first = now
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
        del now
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
        before, self.most = self.most, min(self._wanted, self._peer_most)
        if is_first and self.greeting is not None:
            self.greeting.set()
        self._send_queue()
        self._send_uploads()
        if self.most > before:
            self.pool.widened(self)

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

    # failures

    def _stream_of(self, kind: FrameType, number: int) -> Stream | None:
        """The open stream of a frame; None if it was cancelled.

        Raises:
            Http2Error: there is no such stream.
        """
        self._check_stream(kind, number)
        stream = self.streams.get(number)
        if stream is None and number not in self._cancelled:
            raise Http2Error(
                f"{kind.name} is in stream {number}, which is closed", ErrorCode.STREAM_CLOSED
            )
        return stream

    def _check_stream(self, kind: int, number: int) -> None:
        if not number:
            raise Http2Error(f"{frame_name(kind)} is in no stream")
        idle = self._queue[0][0].id if self._queue else self._next_id  # and all above it
        if kind != FrameType.PRIORITY and (not number % 2 or number >= idle):
            raise Http2Error(f"{frame_name(kind)} is in stream {number}, which was never opened")

    def _fail(self, stream: Stream, problem: StreamError, now: int) -> None:
        """End a stream in which the service violated the protocol."""
        del self.streams[stream.id]
        self._reset(stream.id, problem.code)
        stream.failed(ErrorKind.PROTOCOL, str(problem), now)
        self._freed(now)


_READERS: Final[tuple[Callable[[Reader, int, int, bytes, int], None], ...]] = (
    Reader._read_data,
    Reader._read_headers,
    Reader._read_priority,
    Reader._read_reset,
    Reader._read_settings,
    Reader._read_push,
    Reader._read_ping,
    Reader._read_goaway,
    Reader._read_window_update,
    Reader._read_continuation,
)
"""What reads a frame in full, by its type."""


def frame_name(kind: int) -> str:
    """The name of a type of frames, or its number if it has none."""
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
