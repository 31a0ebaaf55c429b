"""Building applications, and sending to a real OTLP receiver instead of files."""

from __future__ import annotations

import queue
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc

from tests.target.server import ADD, ROOT, environment, serving, spans

SERVERS_IN_ONE_PROCESS = """
import asyncio, httpx
from target.app import create_app

async def serve_one_request():
    app = create_app()
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            response = await client.post("/api/vector/add", json={"a": [1], "b": [2]})
            assert response.json() == {"result": [3.0]}, response.text

for _ in range(3):
    asyncio.run(serve_one_request())
"""


def python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_several_applications_in_one_process_do_not_disturb_each_other(tmp_path: Path) -> None:
    done = python(SERVERS_IN_ONE_PROCESS, BENCHLAB_TARGET_OTLP_DIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(spans(tmp_path)) == 6


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            },
            "OTEL_EXPORTER_OTLP_PROTOCOL is 'http/protobuf', but this service supports 'grpc' only",
        ),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317",
                "OTEL_BSP_SCHEDULE_DELAY": "0",
            },
            "OTEL_BSP_SCHEDULE_DELAY must be a positive whole number, not '0'",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_EXPORTER_OTLP_TIMEOUT": "soon"},
            "could not convert string to float: 'soon'",
        ),
        (
            {"BENCHLAB_TARGET_OTLP_DIR": "/dev/null/otlp"},
            "BENCHLAB_TARGET_OTLP_DIR is '/dev/null/otlp', which cannot be created (Not a",
        ),
    ],
)
def test_settings_that_cannot_work_stop_it_with_one_line(
    variables: dict[str, str], message: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uvicorn", "target.app:app", "--port", "0"],
        env=environment(**variables),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"the target cannot start: {message}")


@dataclass
class Receiver(trace_grpc.TraceServiceServicer, metrics_grpc.MetricsServiceServicer):
    """A collector as a sender sees it: accepts OTLP."""

    endpoint: str = ""
    requests: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue)

    def Export(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.requests.put(request)
        if isinstance(request, trace_pb2.ExportTraceServiceRequest):
            return trace_pb2.ExportTraceServiceResponse()
        return metrics_pb2.ExportMetricsServiceResponse()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    server = grpc.server(ThreadPoolExecutor(2))
    trace_grpc.add_TraceServiceServicer_to_server(receiver, server)
    metrics_grpc.add_MetricsServiceServicer_to_server(receiver, server)
    receiver.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield receiver
    server.stop(grace=None).wait()


def test_telemetry_goes_to_a_collector_over_grpc(tmp_path: Path, receiver: Receiver) -> None:
    with (
        serving(
            tmp_path,
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
            # As compose.yaml has it; cumulative points, the default, could not be added up.
            OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="delta",
        ) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        for _ in range(100):
            client.post(ADD, json={"a": [1], "b": [2]})
        log = server.stop()
    assert "Traceback" not in log

    received: list[str] = []
    counted = 0
    while not receiver.requests.empty():
        request = receiver.requests.get()
        if isinstance(request, trace_pb2.ExportTraceServiceRequest):
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    received += [span.name for span in scope.spans]
        else:
            for resource in request.resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        if metric.name == "http.server.request.duration":
                            points = metric.exponential_histogram.data_points
                            counted += sum(point.count for point in points)
    assert sorted(received) == [f"POST {ADD}"] * 100 + ["vector.add"] * 100
    assert counted == 100
    assert list(tmp_path.iterdir()) == []
