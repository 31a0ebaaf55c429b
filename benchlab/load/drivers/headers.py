"""Headers of requests and responses that all drivers treat alike."""

from __future__ import annotations

import re

from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.tracing import is_traced_one, trace_id

__all__ = ["ServerNames", "asks_for_trace", "asks_to_close", "request_headers", "traceparent"]

_MOST_NAMES = 8
_LONGEST_NAME = 100
_HEADS = 256
_SERVER = re.compile(rb"\r\nserver:[ \t]*([^\r\n]*)", re.IGNORECASE)


def request_headers(request: Request) -> list[tuple[str, str]]:
    """The request's own headers, then missing defaults; without Host, lengths and encodings."""
    given = {key.lower() for key, _ in request.headers}
    missing = [(key, value) for key, value in request.usual_headers if key.lower() not in given]
    return [*request.headers, *missing]


def asks_for_trace(request: Request, plan: Plan) -> bool:
    """True if a trace context is to be sent with ``request``: not if it has its own header."""
    given = {key.lower() for key, _ in request.headers}
    return plan.trace_ratio > 0 and "traceparent" not in given


def asks_to_close(request: Request) -> bool:
    """True if ``request`` announces that it is the last on its connection (RFC 9112, 9.6)."""
    values = [value for key, value in request.headers if key.lower() == "connection"]
    options = ",".join(values).lower().split(",")
    return "close" in {option.strip() for option in options}


def traceparent(run_id: str, seq: int, ratio: float) -> str:
    """The W3C trace context of request ``seq``; ``ratio`` of them have the sampled flag."""
    return f"00-{trace_id(run_id, seq)}-{seq + 1:016x}-{int(is_traced_one(seq, ratio)):02x}"


class ServerNames:
    """Distinct ``Server`` headers of responses, in order of appearance.

    They are untrusted input, so their number and length are limited.
    """

    __slots__ = ("_heads_left", "names")

    def __init__(self) -> None:
        self.names: list[str] = []
        self._heads_left = _HEADS

    def note(self, name: str | None) -> None:
        """Add the value of a header, unless it is None or empty."""
        if name and len(self.names) < _MOST_NAMES:
            short = name.strip()[:_LONGEST_NAME]
            if short and short not in self.names:
                self.names.append(short)

    def note_head(self, head: bytes) -> None:
        """Add the name in a response's head, if it is one of the first heads."""
        if self._heads_left == 0:
            return  # if every head is different, each request would cost a search
        self._heads_left -= 1
        if found := _SERVER.search(head):
            self.note(found[1].decode("latin-1"))
