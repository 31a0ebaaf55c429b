"""Map other tools' error messages to error kinds."""

from __future__ import annotations

import re

from benchlab.samples.samples import ErrorKind

__all__ = ["kind_of_failure"]

_BY_MESSAGE = (
    (re.compile(r"time[d ]?-?out|deadline exceeded", re.IGNORECASE), ErrorKind.TIMEOUT),
    (re.compile(r"reset|broken pipe", re.IGNORECASE), ErrorKind.RESET),
    (re.compile(r"\btls\b|x509|certificate|ssl|handshake", re.IGNORECASE), ErrorKind.TLS),
    (
        re.compile(
            r"refused|unreachable|no route|no such host|unknown ?host|lookup|resolve"
            r"|cannot assign|connectexception|hostconnect|\bdial\b|connect error",
            re.IGNORECASE,
        ),
        ErrorKind.CONNECT,
    ),
    (
        re.compile(r"\beof\b|closed|failed to respond|nohttpresponse", re.IGNORECASE),
        ErrorKind.CLOSED,
    ),
    (re.compile(r"malformed|protocol|parse|invalid", re.IGNORECASE), ErrorKind.PROTOCOL),
)


def kind_of_failure(status: int, message: str) -> ErrorKind:
    """The error kind of a request that the tool counts as failed.

    ``status`` is 0 without a response; ``message`` is the tool's error message. A status of 400
    or above is ``status``. Otherwise the message decides; if it matches no kind, a response is
    taken to have failed one of the tool's checks (``check``), no response as ``closed``.
    """
    if status >= 400:
        return ErrorKind.STATUS
    for pattern, kind in _BY_MESSAGE:
        if pattern.search(message):
            return kind
    return ErrorKind.CHECK if status else ErrorKind.CLOSED
