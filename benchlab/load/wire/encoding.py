"""Requests as bytes, made before the run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchlab.values.plan import Plan
from benchlab.values.request import Request
from benchlab.values.samples import is_traced

__all__ = ["Encoder", "encode", "make_encoder"]

Encoder = Callable[[int], bytes]
"""Sequence number to the request's bytes."""

_BODYLESS = ("GET", "HEAD", "DELETE", "OPTIONS", "TRACE")


def encode(request: Request, extra: bytes = b"") -> bytes:
    """The request as it goes over the wire; ``extra`` are whole header lines (RFC 9112)."""
    return b"".join((_start(request), extra, b"\r\n", request.body_bytes))


def make_encoder(request: Request, run_id: str, plan: Plan) -> Encoder:
    """The cheapest function that gives the bytes of each request, trace context included."""
    whole = encode(request)
    if plan.trace_ratio <= 0 or any(k.lower() == "traceparent" for k, _ in request.header_pairs):
        return lambda _seq: whole
    prefix = _start(request) + f"traceparent: 00-{run_id}".encode()
    sampled = b"%b%%016x-%%016x-01\r\n\r\n%b" % (_literal(prefix), _literal(request.body_bytes))
    if plan.trace_ratio >= 1:
        return lambda seq: sampled % (seq, seq + 1)
    unsampled = b"%b%%016x-%%016x-00\r\n\r\n%b" % (_literal(prefix), _literal(request.body_bytes))
    ratio = plan.trace_ratio

    def choose(seq: int) -> bytes:
        traced = bool(is_traced(np.array([seq]), ratio)[0])
        return (sampled if traced else unsampled) % (seq, seq + 1)

    return choose


def _start(request: Request) -> bytes:
    parts = request.parts
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    given = {key.lower() for key, _ in request.header_pairs}
    lines = [f"{request.method} {_ascii(path)} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"Host: {parts.netloc.rpartition('@')[2]}")
    lines += [f"{key}: {value}" for key, value in request.header_pairs]
    if "accept" not in given:
        lines.append("Accept: */*")
    if "user-agent" not in given:
        lines.append("User-Agent: benchlab")
    framed = given & {"content-length", "transfer-encoding"}
    if not framed and (request.body_bytes or request.method not in _BODYLESS):
        lines.append(f"Content-Length: {len(request.body_bytes)}")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


def _ascii(path: str) -> str:
    from urllib.parse import quote

    return quote(path, safe="/?:@!$&'()*+,;=-._~%[]|^`{}\"<>\\")


def _literal(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")
