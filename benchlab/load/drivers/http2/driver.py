"""The HTTP/2 driver: each request is a stream of a connection."""

from __future__ import annotations

from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.checking import make_checker
from benchlab.load.drivers.http2.encoding import make_encoder
from benchlab.load.drivers.http2.pool import StreamPool
from benchlab.load.drivers.http2.stream import Stream
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan
from benchlab.samples.examples import BODY_BYTES

__all__ = ["Http2Driver"]


class Http2Driver(StreamPool):
    """The `Driver` for HTTP/2."""

    stream_type = Stream

    def __init__(
        self, plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
    ) -> None:
        super().__init__(plan, worker, source, recording)
        self.encoders = [make_encoder(plan, index, run_id) for index in range(len(plan.requests))]
        self.head_only = [request.method == "HEAD" for request in plan.requests]
        self.checkers = [make_checker(request) for request in plan.requests]
        self.body_limits = [
            0 if checker is None else max(BODY_BYTES, checker.keep_bytes)
            for checker in self.checkers
        ]
