"""What a failure means, in words, and whether this machine is to blame for it."""

from __future__ import annotations

import asyncio
import errno
import ssl

import httpx

from benchlab.samples.samples import ErrorKind

__all__ = [
    "causes_of",
    "error_kind",
    "exception_words",
    "is_local_failure",
    "opening_error",
    "unfinished_words",
]

_UNFINISHED = {
    ErrorKind.TIMEOUT: "the time was up",
    ErrorKind.RESET: "the service reset the connection",
    ErrorKind.CLOSED: "the service closed the connection",
    ErrorKind.ABANDONED: "the generator stopped waiting",
}

_LOCAL = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}


def is_local_failure(exc: BaseException) -> bool:
    """Whether connecting failed for lack of ports, files or buffers here."""
    return isinstance(exc, OSError) and exc.errno in _LOCAL


def unfinished_words(error: ErrorKind, status: int, bytes_in: int) -> str:
    """What ended a request before its answer was complete, and how far that had come.

    Empty for errors of another kind, which have words of their own.
    """
    if error not in _UNFINISHED:
        return ""
    if not status:
        return f"{_UNFINISHED[error]} before an answer came"
    return f"{_UNFINISHED[error]} after status {status} and {bytes_in:,} bytes of the body"


def exception_words(exc: BaseException) -> str:
    """What ``exc`` says, and its first cause if that says something else."""
    said = dict.fromkeys(str(item) for item in causes_of(exc) if str(item))
    first, *others = said or [type(exc).__name__]
    return f"{first} ({others[-1]})" if others else first


def error_kind(exc: BaseException) -> ErrorKind:
    """What a failure inside httpx means in benchlab's terms."""
    causes = causes_of(exc)
    if isinstance(exc, httpx.TimeoutException | TimeoutError):
        return ErrorKind.TIMEOUT
    if any(isinstance(item, ssl.SSLError) for item in causes):
        return ErrorKind.TLS
    if isinstance(exc, httpx.ConnectError | AttributeError):
        # AttributeError: anyio asks a connection that was reset at once for its address
        return ErrorKind.CONNECT
    if any(isinstance(item, ConnectionResetError | BrokenPipeError) for item in causes):
        return ErrorKind.RESET
    if isinstance(exc, httpx.RemoteProtocolError):
        early = "disconnected" in str(exc) or "closed connection" in str(exc)
        return ErrorKind.CLOSED if early else ErrorKind.PROTOCOL
    if isinstance(exc, httpx.NetworkError):
        return ErrorKind.RESET
    return ErrorKind.PROTOCOL


def opening_error(exc: BaseException, *, in_tls: bool) -> ErrorKind:
    """What a failure to open a connection means, in its handshake or before."""
    late = (TimeoutError, asyncio.CancelledError)  # what the request's own time limit comes to
    if any(isinstance(item, late) for item in causes_of(exc)):
        return ErrorKind.TIMEOUT
    return ErrorKind.TLS if in_tls else ErrorKind.CONNECT


def causes_of(exc: BaseException) -> list[BaseException]:
    """``exc`` and what it came from, outermost first."""
    causes: list[BaseException] = []
    cause: BaseException | None = exc
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    return causes
