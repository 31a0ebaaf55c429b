"""How fast telemetry gets into the store, on one core."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path

import psutil
import pytest

from benchlab.store import Store
from benchlab.telemetry import ingest

pytestmark = pytest.mark.benchmark

SPANS = 200_000
ROUNDS = 3
START_NS = 1_795_460_064_981_497_375
SERVER = {
    "url.scheme": {"stringValue": "http"},
    "server.address": {"stringValue": "127.0.0.1:44567"},
    "server.port": {"intValue": "44567"},
    "network.protocol.version": {"stringValue": "1.1"},
    "url.path": {"stringValue": "/api/vector/add"},
    "http.request.method": {"stringValue": "POST"},
    "client.address": {"stringValue": "127.0.0.1"},
    "client.port": {"intValue": "51234"},
    "http.route": {"stringValue": "/api/vector/add"},
    "http.response.status_code": {"intValue": "200"},
}
BELOW = {"vector.operation": {"stringValue": "add"}, "vector.length": {"intValue": "2"}}
RESOURCE = {
    "service.name": {"stringValue": "benchlab-target"},
    "service.version": {"stringValue": "0.1.0"},
    "service.instance.id": {"stringValue": "f9b1a6d4-2222-4444-aaaa-123456789abc"},
    "telemetry.sdk.language": {"stringValue": "python"},
    "telemetry.sdk.name": {"stringValue": "opentelemetry"},
}


def attributes(values: dict[str, dict[str, str]]) -> list[dict[str, object]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def span(number: int) -> dict[str, object]:
    """What the bundled target records of a request: a server span, and one below it."""
    is_server = number % 2 == 0
    start_ns = START_NS + number * 500_000
    return {
        "traceId": f"01a209c5db41b16d{number // 2:016x}",
        "spanId": f"{number + 1:016x}",
        "parentSpanId": "00f067aa0ba902b7" if is_server else f"{number:016x}",
        "flags": 257,
        "name": "POST /api/vector/add" if is_server else "vector.add",
        "kind": 2 if is_server else 1,
        "startTimeUnixNano": str(start_ns),
        "endTimeUnixNano": str(start_ns + 400_000),
        "attributes": attributes(SERVER if is_server else BELOW),
        "status": {},
    }


def write(path: Path, spans_per_line: int) -> None:
    with path.open("w") as file:
        for first in range(0, SPANS, spans_per_line):
            spans = [span(number) for number in range(first, min(SPANS, first + spans_per_line))]
            scope = {"name": "opentelemetry.instrumentation.fastapi", "version": "0.66b2"}
            resource = {
                "resource": {"attributes": attributes(RESOURCE)},
                "scopeSpans": [{"scope": scope, "spans": spans}],
            }
            line = {"resourceSpans": [resource]}
            file.write(json.dumps(line, separators=(",", ":")) + "\n")


@pytest.mark.parametrize(
    ("writer", "spans_per_line"), [("the SDK's files", 64), ("the Collector's files", 8192)]
)
def test_spans_per_second(tmp_path: Path, writer: str, spans_per_line: int) -> None:
    path = tmp_path / "traces.jsonl"
    write(path, spans_per_line)
    process = psutil.Process()
    everywhere = process.cpu_affinity()
    process.cpu_affinity([0])
    wall_rps, cpu_rps = [], []
    try:
        for number in range(ROUNDS):
            with Store(f"chdb://{tmp_path}/store-{number}").connect() as client:
                wall_s, cpu_s = time.perf_counter(), time.process_time()
                assert ingest(client, [path]).spans == SPANS
                wall_rps.append(SPANS / (time.perf_counter() - wall_s))
                cpu_rps.append(SPANS / (time.process_time() - cpu_s))
    finally:
        process.cpu_affinity(everywhere)
    wall, cpu = statistics.median(wall_rps), statistics.median(cpu_rps)
    size = path.stat().st_size / SPANS
    print(f"\n{writer} ({size:.0f} bytes per span), median of {ROUNDS} rounds on one core:")
    print(f"  {wall:,.0f} spans/s; {cpu:,.0f} spans per second of processor time")
    assert cpu >= 50_000
