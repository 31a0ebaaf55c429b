"""A connection: reads and writes frames for several streams at a time (RFC 9113).

Almost every frame of a response is a whole header block that is remembered, or a piece of a body:
these are read on a quick path. Everything else is read in full: padding, priorities, continued
and unknown header blocks, interim responses, frames of the connection. Both do the same, which
tests/load/drivers/http2/test_quick_path.py holds: ``quick = False`` leaves only the second.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
import time
from typing import ClassVar, cast

from benchlab.load.drivers.http2.frames import (
    ACK,
    FRAME_HEADER,
    MAX_FRAME_BYTES,
    MAX_WINDOW,
    PREFACE,
    ErrorCode,
    FrameType,
    Http2Error,
    Setting,
    encode_frame,
    encode_settings,
)
from benchlab.load.drivers.http2.header_blocks import MAX_BLOCK_BYTES
from benchlab.load.drivers.http2.reading import Reader, frame_name
from benchlab.load.drivers.http2.sending import LOW_CREDIT, USUAL_WINDOW, Pool
from benchlab.load.drivers.http2.stream import RECEIVE_WINDOW
from benchlab.load.drivers.wire.connection import PARTING_S
from benchlab.samples.samples import ErrorKind

__all__ = ["Http2Connection"]

_clock = time.monotonic_ns
_unpack = FRAME_HEADER.unpack_from


_PONG = encode_frame(FrameType.PING, ACK, 0, bytes(8))[:9]

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
    + encode_frame(FrameType.WINDOW_UPDATE, 0, 0, struct.pack(">I", RECEIVE_WINDOW - USUAL_WINDOW))
)


class Http2Connection(Reader):
    """A connection, from its opening to its end.

    See `benchlab.load.drivers.http2.sending.Sender` for what its driver calls.
    """

    quick: ClassVar[bool] = True

    __slots__ = ("_known", "_rest")

    def __init__(self, pool: Pool, origin: int, number: int, streams: int) -> None:
        """See `benchlab.load.drivers.http2.sending.Sender`."""
        super().__init__(pool, origin, number, streams)
        self._known = pool.blocks.known
        self._rest = b""

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
            used = self._read(data, now, out)
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

    def _read(self, data: bytes, now: int, out: list[bytes]) -> int:  # noqa: PLR0912, PLR0915
        """Read all frames that are whole; returns how many bytes they have.

        Long, since a call costs as much as what it would do here.
        """
        at, size = 0, len(data)
        last = size - 9
        streams, known, free = self.streams, self._known, self.pool.free
        # Not before the settings came, nor while a request waits: its stream is not open yet.
        is_quick = self._quick_size >= 0 and self._block is None and self.quick
        while at <= last:
            word, flags, number = _unpack(data, at)
            length, kind = word >> 8, word & 0xFF
            start = at + 9
            end = start + length
            if length > MAX_FRAME_BYTES:
                raise self._too_long(data, kind, length)
            if end > size:
                break
            at = end
            if is_quick and number:
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
                                        stream.first = now
                                        if fields.status >= 400 or stream.reads_headers:
                                            stream.headers(block, fields, now)
                                        if flags & 1:
                                            self._end(stream, now)
                                        continue
                                elif not fields.status and flags & 1:
                                    stream.tail = fields
                                    if self._uploads or not self._wanted:
                                        self._end(stream, now)
                                    else:
                                        del streams[number]
                                        stream.ended(now)
                                        free(self, now)
                                    continue
                    elif kind == 0 and not flags & 8 and stream.fields is not None:
                        if length:
                            self._credit -= length
                            if self._credit < LOW_CREDIT:
                                self._allow_more()
                            stream.bytes_in += length
                            if stream.body is not None:
                                stream.data(data[start:end], now)
                        if not flags & 1:
                            continue
                        if self._uploads or not self._wanted:
                            self._end(stream, now)
                        else:  # as in _end, without the calls
                            del streams[number]
                            stream.ended(now)
                            free(self, now)
                        continue
            elif is_quick:  # a server by grpc-go sends both with every message that it gets
                if kind == 8 and length == 4 and not self._uploads:
                    window = self._window + int.from_bytes(data[start:end])
                    if self._window < window <= MAX_WINDOW:
                        self._window = window
                        continue
                elif kind == 6 and length == 8 and not flags:
                    out.append(_PONG + data[start:end])
                    continue
            if self._closing:
                return size
            self._read_frame(kind, flags, number & MAX_WINDOW, data[start:end], now)
            is_quick = self._quick_size >= 0 and self._block is None and self.quick
        return at

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

    def _too_long(self, data: bytes, kind: int, length: int) -> Http2Error:
        if self._peer_most is None and data.startswith(b"HTTP/1."):
            return Http2Error(
                "the service responds with HTTP/1.1: it does not speak HTTP/2, and the driver"
                ' "http" is for it'
            )
        return Http2Error(
            f"{frame_name(kind)} has {length:,} bytes, more than {MAX_FRAME_BYTES:,}",
            ErrorCode.FRAME_SIZE_ERROR,
        )


def _kind_of_loss(exc: Exception | None) -> ErrorKind:
    if isinstance(exc, ConnectionError):
        return ErrorKind.RESET
    return ErrorKind.TLS if isinstance(exc, ssl.SSLError) else ErrorKind.CLOSED
