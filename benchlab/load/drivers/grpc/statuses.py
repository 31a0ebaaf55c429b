"""How a call ended: its grpc-status, and what stands in for it where there is none.

gRPC's own documents decide: the tables of "gRPC over HTTP/2" for reset streams and of "HTTP to gRPC
Status Code Mapping" for responses without grpc-status. Where they are silent, a call ends as in
grpc-go, on which ghz and k6 are built.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote_to_bytes

from benchlab.samples.records import ErrorKind

__all__ = [
    "NO_MESSAGE",
    "NO_STATUS",
    "NO_TRAILERS",
    "End",
    "content_fault",
    "decode_message",
    "end_of_trailers",
    "of_http_status",
    "of_reset",
    "parse_status",
]

End = tuple[ErrorKind, str]
"""How a call ended, and why."""

NO_TRAILERS: Final = (ErrorKind.GRPC_INTERNAL, "the response ended without trailers")
"""A response whose DATA ends the stream, as in grpc-go."""

NO_STATUS: Final = (ErrorKind.GRPC_UNKNOWN, "the trailers have no grpc-status")
NO_MESSAGE: Final = (ErrorKind.GRPC_INTERNAL, "the status is OK and the response has no message")
"""A response with the wrong number of messages, as in grpc-go and grpc-java."""

_CONTENT_TYPE = re.compile(r"application/grpc([+;].*)?", re.IGNORECASE | re.DOTALL)
_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)

_OF_HTTP: Final = {
    400: ErrorKind.GRPC_INTERNAL,
    401: ErrorKind.GRPC_UNAUTHENTICATED,
    403: ErrorKind.GRPC_PERMISSION_DENIED,
    404: ErrorKind.GRPC_UNIMPLEMENTED,
    429: ErrorKind.GRPC_UNAVAILABLE,
    431: ErrorKind.GRPC_INTERNAL,
    502: ErrorKind.GRPC_UNAVAILABLE,
    503: ErrorKind.GRPC_UNAVAILABLE,
    504: ErrorKind.GRPC_UNAVAILABLE,
}

_OF_RESET: Final = {
    0x7: ErrorKind.GRPC_UNAVAILABLE,  # REFUSED_STREAM
    0x8: ErrorKind.GRPC_CANCELLED,  # CANCEL
    0xB: ErrorKind.GRPC_RESOURCE_EXHAUSTED,  # ENHANCE_YOUR_CALM
    0xC: ErrorKind.GRPC_PERMISSION_DENIED,  # INADEQUATE_SECURITY
}


def of_http_status(status: int) -> ErrorKind:
    """The kind of a response without grpc-status; 200 too is one, since it lacks its trailers."""
    return _OF_HTTP.get(status, ErrorKind.GRPC_UNKNOWN)


def of_reset(code: int) -> ErrorKind:
    """The kind of a call whose stream the service reset with an HTTP/2 error code."""
    return _OF_RESET.get(code, ErrorKind.GRPC_INTERNAL)


def content_fault(content_type: str | None) -> str:
    """Why a response with this Content-Type is not gRPC; empty if it is.

    >>> content_fault("application/grpc+proto")
    ''
    """
    if content_type is None:
        return "the response has no content-type"
    if _CONTENT_TYPE.fullmatch(content_type):
        return ""
    return f"the response's content-type is {content_type[:100]!r}, not application/grpc"


def end_of_trailers(fields: Iterable[tuple[str, str]]) -> End | None:
    """How trailers say that the call ended; None without grpc-status."""
    status: str | None = None
    message = ""
    for name, value in fields:
        if name == "grpc-status":
            status = value
        elif name == "grpc-message":
            message = value
    return None if status is None else parse_status(status, message)


def parse_status(value: str, message: str) -> End:
    """The kind and the message of the trailers' ``grpc-status`` and ``grpc-message``.

    A status that is no number, or that no version of gRPC knows, is UNKNOWN ("Status codes and
    their use in gRPC": error parsing returned status); the message then names it.
    """
    text = decode_message(message)
    if not _DIGITS.fullmatch(value):
        return ErrorKind.GRPC_UNKNOWN, _join(f"grpc-status is {value[:100]!r}, not a number", text)
    kind = ErrorKind.of_grpc(int(value))
    if int(value) > 16:
        return kind, _join(f"grpc-status is {int(value)}, which is none of gRPC's", text)
    return kind, text


def decode_message(value: str) -> str:
    """Decode a percent-encoded ``grpc-message``; what is not valid stays as it is.

    >>> decode_message("caf%C3%A9, 100%")
    'café, 100%'
    """
    if "%" not in value:
        return value
    return unquote_to_bytes(value).decode(errors="replace")


def _join(fault: str, text: str) -> str:
    return f"{fault}: {text}" if text else fault
