"""The service's telemetry, read from the files that it writes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.target.server import ADD, SUB, environment, metrics, serving, spans

INTERNAL, SERVER = 1, 2  # opentelemetry.proto.trace.v1.Span.SpanKind
DELTA = 1  # opentelemetry.proto.metrics.v1.AggregationTemporality
PAIR = {"a": [1, 2, 3], "b": [4, 5, 6]}

SAMPLED = "4bf92f3577b34da6a3ce929d0e0e4701"
UNSAMPLED = "4bf92f3577b34da6a3ce929d0e0e4702"
REFUSED = "4bf92f3577b34da6a3ce929d0e0e4703"
UNKNOWN = "4bf92f3577b34da6a3ce929d0e0e4704"
HEALTH = "4bf92f3577b34da6a3ce929d0e0e4705"
PARENT = "00f067aa0ba902b7"
MANY = 400


def traceparent(trace_id: str, sampled: bool = True) -> dict[str, str]:
    return {"traceparent": f"00-{trace_id}-{PARENT}-{'01' if sampled else '00'}"}


@dataclass(frozen=True)
class Recording:
    files: list[str]
    spans: list[dict[str, Any]]
    metrics: list[dict[str, Any]]
    log: str
    pid: int

    def trace(self, trace_id: str) -> list[dict[str, Any]]:
        return [span for span in self.spans if span["traceId"] == trace_id]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """One of each kind of request, then many, then SIGTERM right after the last responses."""
    work = tmp_path_factory.mktemp("target")
    directory = work / "not" / "there" / "yet"
    with (
        serving(work, BENCHLAB_TARGET_OTLP_DIR=str(directory)) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        assert client.post(ADD, json=PAIR, headers=traceparent(SAMPLED)).is_success
        assert client.post(SUB, json=PAIR, headers=traceparent(UNSAMPLED, False)).is_success
        assert client.post(ADD, json={}, headers=traceparent(REFUSED)).status_code == 422
        assert client.get("/nowhere", headers=traceparent(UNKNOWN)).status_code == 404
        assert client.get("/health?x=1", headers=traceparent(HEALTH)).is_success
        for _ in range(MANY):
            client.post(ADD, json=PAIR)
        log = server.stop()
    files = sorted(path.name for path in directory.iterdir())
    return Recording(files, spans(directory), metrics(directory), log, server.process.pid)


def test_one_file_per_process_and_signal(recording: Recording) -> None:
    assert recording.files == [f"metrics-{recording.pid}.jsonl", f"traces-{recording.pid}.jsonl"]


def test_a_request_is_a_server_span_with_the_computation_below_it(recording: Recording) -> None:
    child, server = sorted(recording.trace(SAMPLED), key=lambda span: span["kind"])

    assert (server["kind"], server["name"]) == (SERVER, f"POST {ADD}")
    assert server["parentSpanId"] == PARENT

    assert (child["kind"], child["name"]) == (INTERNAL, "vector.add")
    assert child["parentSpanId"] == server["spanId"]
    assert child["attributes"] == {"vector.operation": "add", "vector.length": 3}


def test_server_spans_use_the_stable_conventions(recording: Recording) -> None:
    (server,) = [span for span in recording.trace(SAMPLED) if span["kind"] == SERVER]
    stable = {
        "http.request.method": "POST",
        "http.route": ADD,
        "http.response.status_code": 200,
        "url.path": ADD,
        "url.scheme": "http",
        "network.protocol.version": "1.1",
    }
    assert stable.items() <= server["attributes"].items()
    old = {"http.method", "http.status_code", "http.target", "http.url", "http.scheme"}
    assert not old & server["attributes"].keys()


def test_spans_name_the_service(recording: Recording) -> None:
    (resource, *others) = [span["resource"] for span in recording.spans]
    assert resource["service.name"] == "benchlab-target"
    assert resource["service.version"] == "0.1.0"
    assert resource["service.instance.id"]
    assert all(other == resource for other in others)


def test_an_unsampled_request_leaves_no_span(recording: Recording) -> None:
    assert recording.trace(UNSAMPLED) == []


def test_a_refused_request_is_not_a_failure_of_the_service(recording: Recording) -> None:
    (server,) = recording.trace(REFUSED)
    assert server["attributes"]["http.response.status_code"] == 422
    assert server["status"].get("code", 0) == 0


def test_an_unknown_route_has_no_route(recording: Recording) -> None:
    (server,) = recording.trace(UNKNOWN)
    assert server["name"] == "GET"
    assert "http.route" not in server["attributes"]


def test_health_is_neither_traced_nor_counted(recording: Recording) -> None:
    assert recording.trace(HEALTH) == []
    assert not any(span["attributes"].get("url.path") == "/health" for span in recording.spans)


def test_without_a_traceparent_every_request_starts_a_trace(recording: Recording) -> None:
    roots = [span for span in recording.spans if not span.get("parentSpanId")]
    assert len(roots) == MANY
    assert len({root["traceId"] for root in roots}) == MANY


def test_the_last_requests_are_recorded_exactly_once(recording: Recording) -> None:
    kinds = Counter(span["kind"] for span in recording.spans)
    assert kinds == {SERVER: MANY + 3, INTERNAL: MANY + 1}
    assert len({span["spanId"] for span in recording.spans}) == kinds.total()


def test_durations_are_an_exponential_histogram_that_counts_each_request_once(
    recording: Recording,
) -> None:
    exports = [m for m in recording.metrics if m["name"] == "http.server.request.duration"]
    assert exports
    counts: Counter[tuple[Any, ...]] = Counter()
    for metric in exports:
        assert metric["unit"] == "s"
        histogram = metric["exponentialHistogram"]
        assert histogram["aggregationTemporality"] == DELTA
        for point in histogram["dataPoints"]:
            labels = {a["key"]: next(iter(a["value"].values())) for a in point["attributes"]}
            key = (labels.get("http.route"), int(labels["http.response.status_code"]))
            counts[key] += int(point["count"])
            buckets = [
                int(n) for side in ("positive", "negative") for n in point[side]["bucketCounts"]
            ]
            assert sum(buckets) + int(point.get("zeroCount", 0)) == int(point["count"])
            # Scaled down: whole milliseconds, or seconds taken for milliseconds, would show.
            assert 0 < point["min"] <= point["max"] < 30
    # Requests whose trace is not sampled count as well: a metric is not a sample.
    assert counts == {(ADD, 200): MANY + 1, (SUB, 200): 1, (ADD, 422): 1, (None, 404): 1}


def test_durations_carry_examples_of_requests_by_their_trace(recording: Recording) -> None:
    traced = {span["traceId"] for span in recording.spans if span["kind"] == SERVER}
    exemplars = [
        exemplar
        for metric in recording.metrics
        if metric["name"] == "http.server.request.duration"
        for point in metric["exponentialHistogram"]["dataPoints"]
        for exemplar in point.get("exemplars", [])
    ]
    assert exemplars
    assert {exemplar["traceId"] for exemplar in exemplars} <= traced
    assert all(exemplar["asDouble"] > 0 for exemplar in exemplars)


def test_no_metric_of_the_old_conventions_and_none_that_is_wrong_under_load(
    recording: Recording,
) -> None:
    # The second export, where the recording took that long, has how long the first took.
    later = {"otel.sdk.metric_reader.collection.duration"}
    assert {metric["name"] for metric in recording.metrics} - later == {
        "http.server.request.duration",
        "http.server.request.body.size",
        "http.server.active_requests",
        "otel.sdk.processor.span.processed",
        "otel.sdk.processor.span.queue.capacity",
        "otel.sdk.processor.span.queue.size",
    }


def test_recording_logs_no_warnings(recording: Recording) -> None:
    assert "WARNING" not in recording.log
    assert "Traceback" not in recording.log


def test_nothing_is_written_by_default(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        response = httpx.post(server.url + ADD, json=PAIR, headers=traceparent(SAMPLED))
        assert response.is_success
        server.stop()
    assert list(tmp_path.iterdir()) == []


def test_standard_variables_choose_sampler_service_and_signals(tmp_path: Path) -> None:
    with serving(
        tmp_path,
        BENCHLAB_TARGET_OTLP_DIR=str(tmp_path),
        OTEL_TRACES_SAMPLER="parentbased_always_off",
        OTEL_METRICS_EXPORTER="none",
        OTEL_SERVICE_NAME="checkout",
        OTEL_RESOURCE_ATTRIBUTES="service.version=9.9,deployment.environment.name=test",
        # Smaller than the default batch, which has to give way.
        OTEL_BSP_MAX_QUEUE_SIZE="16",
    ) as server:
        httpx.post(server.url + ADD, json=PAIR)
        httpx.post(server.url + ADD, json=PAIR, headers=traceparent(SAMPLED))
        server.stop()
    recorded = spans(tmp_path)
    assert [span["traceId"] for span in recorded] == [SAMPLED, SAMPLED]
    assert recorded[0]["resource"]["service.name"] == "checkout"
    assert recorded[0]["resource"]["service.version"] == "9.9"
    assert recorded[0]["resource"]["deployment.environment.name"] == "test"
    assert list(tmp_path.glob("metrics-*")) == []


def test_the_whole_sdk_can_be_switched_off(tmp_path: Path) -> None:
    directory = tmp_path / "otlp"
    with serving(
        tmp_path, BENCHLAB_TARGET_OTLP_DIR=str(directory), OTEL_SDK_DISABLED="true"
    ) as server:
        assert httpx.post(server.url + ADD, json=PAIR).is_success
        server.stop()
    assert not directory.exists()


def test_the_environment_of_the_tests_is_clean() -> None:
    assert not [name for name in environment() if name.startswith(("OTEL_", "BENCHLAB_"))]
