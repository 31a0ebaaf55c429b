"""Spans that a service lost are noticed, with the reason."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from benchlab import ClosedLoop, ConstantRate, Plan, Request, run
from benchlab.store import Store
from benchlab.telemetry import ingest
from tests.stores import closed_store, empty_store
from tests.target.server import ADD, attributes, metrics, serving, spans

__all__ = ["closed_store", "empty_store"]


def counted(directory: Path, name: str) -> Counter[str]:
    """What a counter of the SDK comes to, by error type."""
    counts: Counter[str] = Counter()
    for metric in metrics(directory):
        for point in metric["sum"]["dataPoints"] if metric["name"] == name else ():
            counts[attributes(point["attributes"]).get("error.type", "")] += int(point["asInt"])
    return counts


def test_a_queue_that_is_too_short_is_reported_with_its_drops(
    closed_store: Store, tmp_path: Path
) -> None:
    directory = tmp_path / "otlp"
    with serving(
        tmp_path, BENCHLAB_TARGET_OTLP_DIR=str(directory), OTEL_BSP_MAX_QUEUE_SIZE="16"
    ) as server:
        request = Request("POST", server.url + ADD, json={"a": [1], "b": [2]})
        done = run(Plan([request], ClosedLoop(16), duration_s=1, trace_ratio=1.0))
        log = server.stop()
    assert "Queue full, dropping" in log
    closed_store.save(done)
    with closed_store.connect() as client:
        ingest(client, [directory])
    coverage = closed_store.trace_coverage(done.id)
    kept = [span for span in spans(directory) if span["traceId"].startswith(done.id)]
    assert coverage.sampled == len(done.measured)
    assert coverage.found == len([span for span in kept if span["kind"] == 2])
    assert not coverage.enough
    counts = counted(directory, "otel.sdk.processor.span.processed")
    assert coverage.dropped == counts["queue_full"]
    # Two spans are made of each request. The SDK looks at its queue a moment before it adds to it,
    # and counts one that then found room all the same.
    lost = 2 * len(done.samples) - len(kept)
    assert coverage.dropped == pytest.approx(lost, rel=0.1)
    assert coverage.cause() == (
        f"The service's exporter dropped {coverage.dropped:,} spans, those of servers and others,"
        " since its queue was full: make it longer (OTEL_BSP_MAX_QUEUE_SIZE) or lower the trace"
        " ratio."
    )


def test_a_collector_that_refuses_spans_is_reported_by_the_service(
    closed_store: Store, tmp_path: Path
) -> None:
    """Metrics go to a file; traces, which does as well, are taken from there by nobody."""
    directory = tmp_path / "otlp"
    refusing = grpc.server(ThreadPoolExecutor(1))
    port = refusing.add_insecure_port("127.0.0.1:0")
    refusing.start()
    with serving(
        tmp_path,
        BENCHLAB_TARGET_OTLP_DIR=str(directory),
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"http://127.0.0.1:{port}",
    ) as server:
        request = Request("POST", server.url + ADD, json={"a": [1], "b": [2]})
        done = run(Plan([request], ConstantRate(100), duration_s=1, trace_ratio=1.0))
        server.stop()
    refusing.stop(None)
    closed_store.save(done)
    with closed_store.connect() as client:
        ingest(client, directory.glob("metrics-*.jsonl"))
    coverage = closed_store.trace_coverage(done.id)
    assert (coverage.found, coverage.dropped) == (0, 0)
    counts = counted(directory, "otel.sdk.exporter.span.exported")
    assert coverage.unexported == sum(counts.values()) - counts[""] > len(done.samples)
    assert coverage.cause() == (
        f"The service's exporter failed to export {coverage.unexported:,} spans: the collector"
        " refused them or could not be reached."
    )
