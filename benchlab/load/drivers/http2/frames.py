"""Frames of HTTP/2 (RFC 9113, sections 4 and 6): their bytes, numbers and names."""

from __future__ import annotations

import struct
from enum import IntEnum

__all__ = [
    "ACK",
    "END_HEADERS",
    "END_STREAM",
    "FRAME_HEADER",
    "MAX_FRAME_BYTES",
    "MAX_WINDOW",
    "PADDED",
    "PREFACE",
    "PRIORITY",
    "ErrorCode",
    "FrameType",
    "Http2Error",
    "Setting",
    "StreamError",
    "encode_frame",
    "encode_headers",
    "encode_settings",
    "error_name",
]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client sends first."""

FRAME_HEADER = struct.Struct(">IBI")
"""The nine bytes before a frame's payload: its length in 24 bits and type in 8, flags, stream."""

MAX_FRAME_BYTES = 16_384
"""Maximum size of a payload, unless a side allows more."""

MAX_WINDOW = 2**31 - 1
"""The largest flow-control window; also the largest number of a stream."""

END_STREAM = 0x1
ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITY = 0x20


class FrameType(IntEnum):
    """The type of a frame."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Setting(IntEnum):
    """A parameter of a SETTINGS frame."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


class ErrorCode(IntEnum):
    """Why a stream or a connection ended (section 7)."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    SETTINGS_TIMEOUT = 4
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    CONNECT_ERROR = 10
    ENHANCE_YOUR_CALM = 11
    INADEQUATE_SECURITY = 12
    HTTP_1_1_REQUIRED = 13


class Http2Error(Exception):
    """The peer violated the protocol, and the connection cannot be used any more."""

    def __init__(self, message: str, code: ErrorCode = ErrorCode.PROTOCOL_ERROR) -> None:
        super().__init__(message)
        self.code = code


class StreamError(Exception):
    """The peer violated the protocol in one stream; the others are not affected."""

    def __init__(self, message: str, code: ErrorCode = ErrorCode.PROTOCOL_ERROR) -> None:
        super().__init__(message)
        self.code = code


def error_name(code: int) -> str:
    """The name of an error code, or its number if it has none.

    >>> error_name(7), error_name(99)
    ('REFUSED_STREAM', 'error 99')
    """
    try:
        return ErrorCode(code).name
    except ValueError:
        return f"error {code}"


def encode_frame(kind: FrameType, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """The bytes of a frame."""
    size = len(payload)
    return FRAME_HEADER.pack(size << 8 | kind, flags, stream) + payload


def encode_settings(values: dict[Setting, int]) -> bytes:
    """A SETTINGS frame."""
    payload = b"".join(struct.pack(">HI", name, value) for name, value in values.items())
    return encode_frame(FrameType.SETTINGS, 0, 0, payload)


def encode_headers(stream: int, block: bytes, *, end_stream: bool, limit: int) -> bytes:
    """A HEADERS frame with ``block``, continued if it is longer than ``limit``."""
    parts = [block[at : at + limit] for at in range(0, len(block), limit)] or [b""]
    frames = []
    for number, part in enumerate(parts):
        flags = END_HEADERS if number == len(parts) - 1 else 0
        if number:
            frames.append(encode_frame(FrameType.CONTINUATION, flags, stream, part))
        else:
            flags |= END_STREAM if end_stream else 0
            frames.append(encode_frame(FrameType.HEADERS, flags, stream, part))
    return b"".join(frames)
