"""Calls of the target's gRPC service, as any client makes them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import httpx
import pytest

from benchlab.bundled import TargetProcess
from target.rpc import CALLS
from target.rpc.vectors_pb2 import Pair, PartialSum, Result, Series, Vector
from tests.target.server import spans

__all__ = ["Service", "refusal"]

SERVER = 2  # opentelemetry.proto.trace.v1.Span.SpanKind
_numbers = itertools.count(1)


class Service:
    """The service, and who sets its faults."""

    def __init__(self, target: TargetProcess, channel: grpc.Channel) -> None:
        self.channel = channel
        self._target = target
        result = Result.FromString
        pair = Pair.SerializeToString
        self.add = channel.unary_unary(f"{CALLS}Add", pair, result)
        self.sub = channel.unary_unary(f"{CALLS}Sub", pair, result)
        self.partial_sums = channel.unary_stream(
            f"{CALLS}PartialSums", Series.SerializeToString, PartialSum.FromString
        )
        self.total = channel.stream_unary(f"{CALLS}Total", Vector.SerializeToString, result)
        self.add_each = channel.stream_stream(f"{CALLS}AddEach", pair, result)

    @contextmanager
    def fault(self, kind: str, **settings: Any) -> Iterator[None]:
        """A fault that is on meanwhile."""
        body = {"kind": kind, "lease_s": 3600.0, **settings}
        httpx.put(f"{self._target.url}/faults/it", json=body).raise_for_status()
        try:
            yield
        finally:
            httpx.delete(f"{self._target.url}/faults")

    def shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = httpx.get(f"{self._target.url}/faults").json()
        return shown

    def traced(self, call: Any, request: Any, children: int = 1) -> list[dict[str, Any]]:
        """The spans of a call: SERVER first, and then ``children`` in order of their begin."""
        assert self._target.otlp_dir is not None
        trace_id = f"{next(_numbers):032x}"
        parent = f"00-{trace_id}-00f067aa0ba902b7-01"
        done = call(request, metadata=[("traceparent", parent)], timeout=60, wait_for_ready=True)
        if call is self.partial_sums:
            list(done)
        while True:
            found = [span for span in spans(self._target.otlp_dir) if span["traceId"] == trace_id]
            if len(found) > children:
                break
            time.sleep(0.02)  # the exporter's delay
        assert len(found) == children + 1
        return sorted(found, key=lambda span: (span["kind"] != SERVER, span["startTimeUnixNano"]))


def refusal(call: Any, request: Any) -> tuple[str, str]:
    """The status and the message with which a call ends."""
    with pytest.raises(grpc.RpcError) as error:
        list(call(request, timeout=60))  # a stream ends where it is read
    return error.value.code().name, error.value.details()
