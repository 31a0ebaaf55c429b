"""The gRPC driver: each call is a stream of an HTTP/2 connection."""

from __future__ import annotations

from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.checking import BODY_CAP_BYTES, make_checker
from benchlab.load.drivers.grpc.call import Call, Method, ReadCall
from benchlab.load.drivers.grpc.encoding import make_call_encoder
from benchlab.load.drivers.http2.connection import Http2Connection
from benchlab.load.drivers.http2.pool import StreamPool
from benchlab.load.drivers.streams.event_checks import EventChecks
from benchlab.load.recording.recording import Recording
from benchlab.plan.checks import EVENT_CHECKS
from benchlab.plan.grpc.request import GrpcRequest
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.stream import Stream as StreamOptions
from benchlab.samples.examples import BODY_BYTES
from benchlab.units import seconds_to_ns

__all__ = ["GrpcDriver"]


class GrpcDriver(StreamPool):
    """The `Driver` for gRPC."""

    def __init__(
        self, plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
    ) -> None:
        super().__init__(plan, worker, source, recording)
        self.head_only = [False] * len(plan.requests)
        self.checkers = [make_checker(request) for request in plan.requests]
        self.methods = [
            _method(request, plan, is_checked=checker is not None)
            for request, checker in zip(plan.requests, self.checkers, strict=True)
        ]
        self.body_limits = [
            BODY_CAP_BYTES
            if method.event_checks is not None or (checker is not None and checker.needs_body)
            else BODY_BYTES
            for method, checker in zip(self.methods, self.checkers, strict=True)
        ]
        self.stream_type = ReadCall if any(each.is_read for each in self.methods) else Call
        self.encoders = [
            make_call_encoder(plan, index, run_id, method.deadline_ns)
            for index, method in enumerate(self.methods)
        ]

    def _is_dead(self, connection: Http2Connection, sent: int) -> bool:
        """False for an open one: gRPC's clients keep theirs when a deadline has passed."""
        return not connection.is_open


def _method(request: Request, plan: Plan, *, is_checked: bool) -> Method:
    assert isinstance(request, GrpcRequest)
    deadline_s = min(filter(None, (request.deadline_s, plan.timeout_s)))
    stream = (request.stream or StreamOptions()) if request.is_stream else None
    event_checks = any(isinstance(check, EVENT_CHECKS) for check in request.checks)
    return Method(
        seconds_to_ns(deadline_s),
        request.response_decoder(),
        stream,
        EventChecks(request) if event_checks else None,
        is_read=is_checked or stream is not None,
    )
