"""How a request ended: what its record holds, and what explains a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from benchlab.samples.samples import ErrorKind

__all__ = ["Excerpt", "Outcome"]


class Excerpt(NamedTuple):
    """What an example shows of a response: headers, the start of its body, the body's length."""

    headers: Iterable[tuple[str, str]] = ()
    body: bytes = b""
    body_bytes: int = 0


class Outcome(NamedTuple):
    """A finished request. The first ten fields are its record (`Recorder.record`).

    ``intended``, ``sent``, ``first_byte`` (0 when none came) and ``done`` are clock times in ns.
    ``message`` says why the request failed, where the kind of error does not. ``excerpt`` is
    called only when the failure becomes an example, so it may be costly.
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
    message: str = ""
    excerpt: Callable[[], Excerpt] = Excerpt
