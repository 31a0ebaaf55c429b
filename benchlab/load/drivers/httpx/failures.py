"""Map exceptions of httpx to error kinds."""

from __future__ import annotations

import asyncio
import ssl

import httpx

from benchlab.errors import causes_of
from benchlab.load.drivers.failures import exception_message
from benchlab.samples.samples import ErrorKind

__all__ = ["CircuitOpenError", "describe_exception", "opening_error"]

_UNSENDABLE = (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL)
_UNFINISHED = {ErrorKind.TIMEOUT, ErrorKind.RESET, ErrorKind.CLOSED}


class CircuitOpenError(httpx.TransportError):
    """The circuit breaker of the plan is open: the request was not sent."""


def describe_exception(exc: BaseException) -> tuple[ErrorKind, str]:
    """The error kind and the message of ``exc``.

    The message is empty for kinds that examples explain better, by how far the request had come.
    """
    kind = _error_kind(exc)
    return kind, "" if kind in _UNFINISHED else exception_message(exc)


def opening_error(exc: BaseException, *, in_tls: bool) -> ErrorKind:
    """The error kind of a failure to open a connection; ``in_tls``: during the TLS handshake."""
    late = (TimeoutError, asyncio.CancelledError)  # the request's timeout cancels the connect
    if any(isinstance(item, late) for item in causes_of(exc)):
        return ErrorKind.TIMEOUT
    return ErrorKind.TLS if in_tls else ErrorKind.CONNECT


def _error_kind(exc: BaseException) -> ErrorKind:
    causes = causes_of(exc)
    if isinstance(exc, CircuitOpenError):
        return ErrorKind.CIRCUIT_OPEN
    if isinstance(exc, httpx.TimeoutException | TimeoutError):
        return ErrorKind.TIMEOUT
    if any(isinstance(item, ssl.SSLError) for item in causes):
        return ErrorKind.TLS
    if isinstance(exc, httpx.ConnectError | AttributeError):
        # AttributeError: anyio reads the address of a connection that was reset at once
        return ErrorKind.CONNECT
    if any(isinstance(item, ConnectionResetError | BrokenPipeError) for item in causes):
        return ErrorKind.RESET
    if isinstance(exc, httpx.RemoteProtocolError):
        early = "disconnected" in str(exc) or "closed connection" in str(exc)
        return ErrorKind.CLOSED if early else ErrorKind.PROTOCOL
    if isinstance(exc, httpx.NetworkError):
        return ErrorKind.RESET
    return ErrorKind.UNSENT if isinstance(exc, _UNSENDABLE) else ErrorKind.PROTOCOL
