"""Requests as bytes, made before the run."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from benchlab.load.headers import asks_for_trace, request_headers, traceparent
from benchlab.values.plan import Plan
from benchlab.values.request import Request

__all__ = ["Encoder", "encode", "make_encoder"]

Encoder = Callable[[int], bytes]
"""Sequence number to the request's bytes."""

_BODYLESS = ("GET", "HEAD", "DELETE", "OPTIONS", "TRACE")


def encode(request: Request, extra: bytes = b"") -> bytes:
    """The request as it goes over the wire; ``extra`` are whole header lines (RFC 9112)."""
    return b"".join((_start(request), extra, b"\r\n", request.body_bytes))


def make_encoder(request: Request, run_id: str, plan: Plan) -> Encoder:
    """The cheapest function that gives the bytes of each request, trace context included."""
    if not asks_for_trace(request, plan):
        whole = encode(request)
        return lambda _seq: whole
    start, body = _literal(_start(request)), _literal(request.body_bytes)
    if plan.trace_ratio >= 1:
        traced = b"%btraceparent: 00-%b%%016x-%%016x-01\r\n\r\n%b" % (start, run_id.encode(), body)
        return lambda seq: traced % (seq, seq + 1)
    template = b"%btraceparent: %%b\r\n\r\n%b" % (start, body)
    return lambda seq: template % traceparent(run_id, seq, plan.trace_ratio).encode()


def _start(request: Request) -> bytes:
    parts = request.parts
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = request_headers(request)
    given = {key.lower() for key, _ in headers}
    lines = [f"{request.method} {_ascii(path)} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"Host: {parts.netloc}")
    lines += [f"{key}: {value}" for key, value in headers]
    framed = given & {"content-length", "transfer-encoding"}
    if not framed and (request.body_bytes or request.method not in _BODYLESS):
        lines.append(f"Content-Length: {len(request.body_bytes)}")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


def _ascii(path: str) -> str:
    return quote(path, safe="/?:@!$&'()*+,;=-._~%[]|^`{}\"<>\\")


def _literal(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")
