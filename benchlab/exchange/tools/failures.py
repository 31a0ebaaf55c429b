"""What other tools say of a failed request, as one of our error kinds."""

from __future__ import annotations

import re

from benchlab.samples.samples import ErrorKind

__all__ = ["kind_of_failure"]

_BY_WORDS = (
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


def kind_of_failure(status: int, words: str) -> ErrorKind:
    """The kind of a request that the tool counts as failed.

    ``status`` is 0 without an answer; ``words`` is what the tool says of it. An answer of 400 and
    above failed by its status; without telling words, an answer failed a check of the tool's, and
    what has no answer was not completed (``closed``).
    """
    if status >= 400:
        return ErrorKind.STATUS
    for pattern, kind in _BY_WORDS:
        if pattern.search(words):
            return kind
    return ErrorKind.CHECK if status else ErrorKind.CLOSED
