"""The durations of calls, as a metric."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import grpc
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.trace import NoOpTracer

from target.rpc import CALLS, SERVICE
from target.rpc.durations import durations_interceptor
from target.rpc.interceptor import AroundInterceptor
from target.rpc.server import GrpcServer
from target.rpc.vectors_pb2 import Pair, PartialSum, Result, Series


async def call_all(provider: MeterProvider) -> None:
    """A good call, two that fail and a stream that the client gives up."""
    interceptor: AroundInterceptor = durations_interceptor(provider.get_meter("test"), "calls")
    server = GrpcServer("127.0.0.1:0", NoOpTracer(), [interceptor])
    await server.start()
    pair, result = Pair.SerializeToString, Result.FromString
    channel: Any
    async with grpc.aio.insecure_channel(
        server.address, [("grpc.enable_http_proxy", 0)]
    ) as channel:
        add = channel.unary_unary(f"{CALLS}Add", pair, result)
        assert (await add(Pair(a=[1], b=[2]))).result == [3]
        with suppress(grpc.aio.AioRpcError):
            await add(Pair(a=[1]))
        sums = channel.unary_stream(
            f"{CALLS}PartialSums", Series.SerializeToString, PartialSum.FromString
        )
        given_up = sums(Series(values=[1, 2], gap_ms=10_000))
        await given_up.read()
        given_up.cancel()
    await server.stop()


def test_each_call_counts_once_by_method_and_status() -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    asyncio.run(call_all(provider))
    data = reader.get_metrics_data()
    assert data is not None
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    assert (metric.name, metric.unit) == ("calls", "s")
    counts = {}
    for point in metric.data.data_points:
        assert isinstance(point, HistogramDataPoint)
        assert point.attributes is not None
        labels = dict(point.attributes)
        assert labels.pop("rpc.system.name") == "grpc"
        counts[labels["rpc.method"], labels["rpc.response.status_code"]] = point.count
    assert counts == {
        (f"{SERVICE}/Add", "OK"): 1,
        (f"{SERVICE}/Add", "INVALID_ARGUMENT"): 1,
        (f"{SERVICE}/PartialSums", "CANCELLED"): 1,
    }
    provider.shutdown()
