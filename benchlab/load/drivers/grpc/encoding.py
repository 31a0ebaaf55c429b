"""Encode calls, before the run if possible."""

from __future__ import annotations

from benchlab.load.drivers.grpc.deadlines import encode_timeout
from benchlab.load.drivers.grpc.messages import compress, frame
from benchlab.load.drivers.http2.encoding import Encoder, make_encoder
from benchlab.load.drivers.http2.header_blocks import encode_block
from benchlab.load.drivers.rendering import Rendered
from benchlab.plan.grpc.request import GrpcRequest
from benchlab.plan.plan import Plan

__all__ = ["make_call_encoder"]

_BINARY = b"-bin"


def make_call_encoder(plan: Plan, index: int, run_id: str, deadline_ns: int) -> Encoder:
    """Make the fastest encoder for call ``index``, including its trace context."""
    request = plan.requests[index]
    assert isinstance(request, GrpcRequest)
    timeout = encode_timeout(deadline_ns).encode()
    coding = request.compression

    def write(content: Rendered) -> tuple[bytes, bytes]:
        """The header block and the body."""
        message = compress(content.body, coding) if coding else content.body
        fields = call_fields(request, content, timeout)
        return encode_block(fields), frame(message, compressed=bool(coding))

    return make_encoder(plan, index, run_id, write)


def call_fields(
    request: GrpcRequest, content: Rendered, timeout: bytes
) -> list[tuple[bytes, bytes]]:
    """The header fields of a call, in the order that gRPC asks for: its own before metadata."""
    usual = {name.encode() for name, _ in request.usual_headers}
    scheme = b"https" if request.parts.scheme == "grpcs" else b"http"
    fields = [
        (b":method", b"POST"),
        (b":scheme", scheme),
        (b":path", content.path),
        (b":authority", request.authority.encode("latin-1")),
        (b"grpc-timeout", timeout),
    ]
    headers = sorted(content.headers, key=lambda field: field[0] not in usual)
    return fields + [
        (name, value.rstrip(b"=") if name.endswith(_BINARY) else value) for name, value in headers
    ]
