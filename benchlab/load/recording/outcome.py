"""The outcome of a request: the fields of its record, and the explanation of a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from benchlab.samples.samples import ErrorKind

__all__ = ["Excerpt", "Outcome"]


class Excerpt(NamedTuple):
    """The part of a response that an example shows: headers, start of the body, body length."""

    headers: Iterable[tuple[str, str]] = ()
    body: bytes = b""
    body_bytes: int = 0


class Outcome(NamedTuple):
    """A finished request. The first eleven fields are its record (`Recorder.record`).

    ``intended``, ``sent``, ``first_byte`` (0 without a response) and ``done`` are clock times in
    ns. ``message`` explains a failure if its error kind does not. ``excerpt`` is called only if
    the failure becomes an example, so it may be slow.
    """

    seq: int
    intended: int
    sent: int
    first_byte: int
    done: int
    bytes_in: int
    status: int
    endpoint: int
    error: ErrorKind
    flags: int
    connection: int = 0
    message: str = ""
    excerpt: Callable[[], Excerpt] = Excerpt
