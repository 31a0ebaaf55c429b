"""How long calls take, as a metric: OpenTelemetry's instrumentation of gRPC has spans only.

Source: https://opentelemetry.io/docs/specs/semconv/rpc/rpc-metrics/
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from opentelemetry.metrics import Meter

from .interceptor import AroundInterceptor


def durations_interceptor(meter: Meter, name: str) -> AroundInterceptor:
    """Build what records the duration of each call in the histogram `name`, in seconds."""
    histogram = meter.create_histogram(name, unit="s", description="Duration of calls.")

    @asynccontextmanager
    async def timed(path: str, context: Any) -> AsyncIterator[None]:
        start_s, status = time.perf_counter(), grpc.StatusCode.OK
        try:
            yield
        except BaseException as exc:
            # Of one that was aborted, the context has the status.
            given_up = isinstance(exc, asyncio.CancelledError)
            status = grpc.StatusCode.CANCELLED if given_up else grpc.StatusCode.UNKNOWN
            raise
        finally:
            attributes = {
                "rpc.system.name": "grpc",
                "rpc.method": path.removeprefix("/"),
                "rpc.response.status_code": (context.code() or status).name,
            }
            histogram.record(time.perf_counter() - start_s, attributes)

    return AroundInterceptor(timed)
