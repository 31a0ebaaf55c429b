"""The exceptions of httpx for what may happen to a connection.

Their messages are those that httpx has, or httpcore and h11 below it.
"""

from __future__ import annotations

from typing import TypeVar

import httpx

__all__ = ["closed_early", "connect_error", "lost_error", "protocol_error"]

Raised = TypeVar("Raised", bound=httpx.TransportError)


def connect_error(cause: BaseException) -> httpx.ConnectError:
    """A connection could not be opened."""
    return _caused(httpx.ConnectError(str(cause)), cause)


def protocol_error(cause: BaseException) -> httpx.RemoteProtocolError:
    """The service sent something else than a response."""
    return _caused(httpx.RemoteProtocolError(str(cause)), cause)


def lost_error(cause: Exception | None, *, in_body: bool) -> httpx.TransportError:
    """The connection ended before the response did, by an error unless ``cause`` is None."""
    if cause is None:
        return closed_early(in_body=in_body)
    return _caused(httpx.ReadError(str(cause)), cause)


def closed_early(*, in_body: bool) -> httpx.RemoteProtocolError:
    """The service closed the connection before the response was complete."""
    if in_body:
        what = "peer closed connection without sending complete message body"
    else:
        what = "Server disconnected without sending a response."
    return httpx.RemoteProtocolError(what)


def _caused(exc: Raised, cause: BaseException) -> Raised:
    exc.__cause__ = cause
    return exc
