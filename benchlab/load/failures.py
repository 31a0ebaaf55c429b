"""Failures in words, and which of them are this machine's, not the service's."""

from __future__ import annotations

import errno

from benchlab.values.samples import ErrorKind

__all__ = ["causes_of", "exception_words", "is_local_failure", "unfinished_words"]

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


def causes_of(exc: BaseException) -> list[BaseException]:
    """``exc`` and what it came from, outermost first."""
    causes: list[BaseException] = []
    cause: BaseException | None = exc
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    return causes
