"""Encode requests, before the run if possible."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchlab.load.drivers.headers import asks_for_trace, traceparent
from benchlab.load.drivers.http2.header_blocks import encode_block
from benchlab.load.drivers.rendering import Rendered, Renderer
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request

__all__ = ["Encoder", "TryEncoder", "Write", "make_encoder", "make_try_encoder", "request_fields"]

Encoder = Callable[[int], tuple[bytes, bytes]]
"""Returns the header block and the body of the request with the given sequence number."""

TryEncoder = Callable[[int, int], tuple[bytes, bytes]]
"""Returns those of a try: of the request with this number, as the sample with this one."""

Write = Callable[[Rendered], tuple[bytes, bytes]]
"""Returns the header block and the body of a rendered request, without its trace context."""

_BODYLESS = ("GET", "HEAD", "DELETE", "OPTIONS", "TRACE")
_NOT_SENT = frozenset(
    (
        b"host",  # is :authority
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"transfer-encoding",
        b"upgrade",
    )
)
"""Fields of HTTP/1.1 that HTTP/2 forbids (RFC 9113, section 8.2.2)."""


def make_encoder(plan: Plan, index: int, run_id: str, write: Write | None = None) -> Encoder:
    """Make the fastest encoder for request ``index``, including its trace context.

    ``write`` is how a request is written, if that is not as HTTP has it.
    """
    request = plan.requests[index]
    write = write or partial(_write, request)
    renderer = Renderer(plan, index, run_id)
    traced = asks_for_trace(request, plan)
    ratio = plan.trace_ratio
    if renderer.is_dynamic:

        def encode(seq: int) -> tuple[bytes, bytes]:
            block, body = write(renderer.render(seq))
            if traced:
                block += _trace_field(traceparent(run_id, seq, ratio))
            return block, body

        return encode
    whole = [write(variant) for variant in renderer.variants]
    first, alone = whole[0], len(whole) == 1
    if not traced:
        return (lambda _seq: first) if alone else (lambda seq: whole[renderer.choose(seq)])
    always = ratio >= 1
    if always and alone:
        block, body = first
        form = block.replace(b"%", b"%%") + _trace_field(f"00-{run_id}%016x-%016x-01", 55)
        return lambda seq: (form % (seq, seq + 1), body)

    def encode_traced(seq: int) -> tuple[bytes, bytes]:
        block, body = first if alone else whole[renderer.choose(seq)]
        return block + _trace_field(traceparent(run_id, seq, ratio)), body

    return encode_traced


def make_try_encoder(plan: Plan, index: int, run_id: str) -> TryEncoder:
    """Make an encoder of tries of request ``index``: only their trace context is their own."""
    request = plan.requests[index]
    if not asks_for_trace(request, plan):
        encoder = make_encoder(plan, index, run_id)
        return lambda number, _seq: encoder(number)
    renderer = Renderer(plan, index, run_id)

    def encode(number: int, seq: int) -> tuple[bytes, bytes]:
        content = renderer.render(number)
        trace = _trace_field(traceparent(run_id, seq, plan.trace_ratio))
        return encode_block(request_fields(request, content)) + trace, content.body

    return encode


def _write(request: Request, content: Rendered) -> tuple[bytes, bytes]:
    return encode_block(request_fields(request, content)), content.body


def request_fields(request: Request, content: Rendered) -> list[tuple[bytes, bytes]]:
    """The header fields of a request, as HTTP/2 has them."""
    given = {name.lower(): value for name, value in content.headers}
    authority = given.get(b"host", request.authority.encode("latin-1"))
    fields = [
        (b":method", request.method.encode()),
        (b":scheme", request.parts.scheme.encode()),
        (b":path", content.path),
        (b":authority", authority),
    ]
    fields += [
        (name.lower(), value.strip(b" \t"))
        for name, value in content.headers
        if name.lower() not in _NOT_SENT and (name.lower() != b"te" or value == b"trailers")
    ]
    if b"content-length" not in given and (content.body or request.method not in _BODYLESS):
        fields.append((b"content-length", b"%d" % len(content.body)))
    return fields


def _trace_field(value: str, size: int = 0) -> bytes:
    """The field ``traceparent``; ``size`` is that of its value, if ``value`` is a format."""
    encoded = value.encode()
    name = b"traceparent"
    return b"\0" + bytes((len(name),)) + name + bytes((size or len(encoded),)) + encoded
