"""Encode requests, before the run if possible."""

from __future__ import annotations

from collections.abc import Callable

from benchlab.load.drivers.headers import asks_for_trace, traceparent
from benchlab.load.drivers.rendering import Rendered, Renderer
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request

__all__ = ["Encoder", "TryEncoder", "encode", "make_encoder", "make_try_encoder"]

Encoder = Callable[[int], bytes]
"""Returns the bytes of the request with the given sequence number."""

TryEncoder = Callable[[int, int], bytes]
"""Returns the bytes of a try: of the request with this number, as the sample with this one."""

_BODYLESS = ("GET", "HEAD", "DELETE", "OPTIONS", "TRACE")


def make_encoder(plan: Plan, index: int, run_id: str) -> Encoder:
    """Make the fastest encoder for request ``index``, including its trace context."""
    request = plan.requests[index]
    renderer = Renderer(plan, index, run_id)
    closing = not plan.transport.keep_alive
    traced = asks_for_trace(request, plan)
    if renderer.is_dynamic:

        def whole_of(seq: int) -> bytes:
            line = _trace_line(traceparent(run_id, seq, plan.trace_ratio)) if traced else b""
            return encode(request, renderer.render(seq), line, closing=closing)

        if plan.recorded is None or renderer.has_fields:
            return whole_of
        return _recorded_encoder(plan, request, renderer.variants[0], run_id, whole_of)
    variants = renderer.variants
    if not traced:
        whole = [encode(request, variant, closing=closing) for variant in variants]
        if len(whole) == 1:
            only = whole[0]
            return lambda _seq: only
        return lambda seq: whole[renderer.choose(seq)]
    always = plan.trace_ratio >= 1
    mark = f"00-{run_id}%016x-%016x-01" if always else "%b"
    formats = [_format(request, variant, _trace_line(mark), closing) for variant in variants]
    first = formats[0]
    if always and len(formats) == 1:
        return lambda seq: first % (seq, seq + 1)
    if always:
        return lambda seq: formats[renderer.choose(seq)] % (seq, seq + 1)
    return lambda seq: (
        formats[renderer.choose(seq)] % traceparent(run_id, seq, plan.trace_ratio).encode()
    )


def _recorded_encoder(
    plan: Plan, request: Request, plain: Rendered, run_id: str, whole_of: Encoder
) -> Encoder:
    """An encoder of recorded requests, of which most differ in their target alone."""
    content_of, ratio = plan.content_of, plan.trace_ratio
    traced = asks_for_trace(request, plan)
    mark = plain._replace(path=b"\0")  # which is nowhere else
    form = _format(
        request, mark, _trace_line("%b") if traced else b"", not plan.transport.keep_alive
    )
    form = form.replace(b"\0", b"%b", 1)

    def encode_recorded(seq: int) -> bytes:
        target, body, _ = content_of(seq)
        if body is not None:
            return whole_of(seq)
        if not traced:
            return form % target
        return form % (target, traceparent(run_id, seq, ratio).encode())

    return encode_recorded


def make_try_encoder(plan: Plan, index: int, run_id: str) -> TryEncoder:
    """Make an encoder of tries of request ``index``: only their trace context is their own."""
    request = plan.requests[index]
    if not asks_for_trace(request, plan):
        encoder = make_encoder(plan, index, run_id)
        return lambda number, _seq: encoder(number)
    renderer = Renderer(plan, index, run_id)
    closing = not plan.transport.keep_alive
    return lambda number, seq: encode(
        request,
        renderer.render(number),
        _trace_line(traceparent(run_id, seq, plan.trace_ratio)),
        closing=closing,
    )


def encode(
    request: Request, content: Rendered, extra: bytes = b"", *, closing: bool = False
) -> bytes:
    """Encode a request as HTTP/1.1 (RFC 9112); ``extra`` are complete header lines."""
    return b"".join((_start(request, content, closing), extra, b"\r\n", content.body))


def _format(request: Request, content: Rendered, line: bytes, closing: bool) -> bytes:
    """The result of `encode` as a format string; its only fields are those in ``line``."""
    start, body = _literal(_start(request, content, closing)), _literal(content.body)
    return b"".join((start, line, b"\r\n", body))


def _trace_line(value: str) -> bytes:
    return f"traceparent: {value}\r\n".encode()


def _start(request: Request, content: Rendered, closing: bool) -> bytes:
    given = {name.lower() for name, _ in content.headers}
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), content.path)]
    if b"host" not in given:
        lines.append(b"Host: " + request.authority.encode("latin-1"))
    lines += [b"%b: %b" % pair for pair in content.headers]
    if closing and b"connection" not in given:
        lines.append(b"Connection: close")
    if b"content-length" not in given and (content.body or request.method not in _BODYLESS):
        lines.append(b"Content-Length: %d" % len(content.body))
    return b"".join(line + b"\r\n" for line in lines)


def _literal(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")
