"""From a request, through the target, the real Collector and its files, to rows in the store."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchlab import ConstantRate, Plan, Request, Run, run
from benchlab.plan.tracing import is_traced
from benchlab.runs.trace_coverage import TraceCoverage
from benchlab.store import Store
from benchlab.telemetry import ingest
from tests.collector.collector import Collector, collecting
from tests.stores import closed_store, empty_store
from tests.target.server import ADD, serving

__all__ = ["closed_store", "empty_store"]

pytestmark = pytest.mark.timeout(900)  # the first to come may have to build the Collector

RATE_RPS = 200


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    with collecting(tmp_path) as started:
        yield started


def measure(
    collector: Collector,
    store: Store,
    duration_s: float,
    trace_ratio: float = 1.0,
    midway: Callable[[], None] = lambda: None,
) -> Run:
    """A run against the target, all of which is in the store afterwards; ``midway`` after 2 s."""
    with serving(
        collector.directory,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="delta",
    ) as server:
        request = Request("POST", server.url + ADD, json={"a": [1, 2], "b": [3, 4]})
        load = ConstantRate(RATE_RPS)
        timer = threading.Timer(2.0, midway)
        timer.start()
        done = run(Plan([request], load, duration_s=duration_s, trace_ratio=trace_ratio))
        timer.join()
        server.stop()
    collector.stop()
    store.save(done)
    with store.connect() as client:
        assert ingest(client, [collector.otlp_dir]).errors == 0
    return done


def server_spans(directory: Path, run_id: str) -> set[str]:
    """Trace ids of the run's server spans in the Collector's files, read the plain way."""
    return {
        span["traceId"]
        for path in directory.glob("traces*.jsonl")
        for line in path.read_text().splitlines()
        for resource in json.loads(line)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
        if span["kind"] == 2 and span["traceId"].startswith(run_id)
    }


def test_every_sampled_request_has_its_span(collector: Collector, closed_store: Store) -> None:
    done = measure(collector, closed_store, 3, trace_ratio=0.5)
    sampled = int(is_traced(done.samples.column("seq"), 0.5).sum())
    assert 0 < sampled < len(done.samples)
    assert closed_store.trace_coverage(done.id) == TraceCoverage(sampled, sampled)
    # The others left none: two spans are all there is of each.
    kept = closed_store.query_df(
        "SELECT count() AS n FROM otel_traces WHERE startsWith(TraceId, {run_id:String})",
        {"run_id": done.id},
    )
    assert kept["n"][0] == 2 * sampled
    # And what the service did below it, joined by the same trace id.
    joined = closed_store.client_server(done.id)
    assert len(joined) == sampled
    assert list(closed_store.trace(joined["trace_id"][0]).spans["span_name"]) == [
        f"POST {ADD}",
        "vector.add",
    ]
    # Metrics count every request, sampled or not.
    counted = closed_store.query_df(
        "SELECT sum(Count) AS n, uniqExactArray(`Exemplars.TraceId`) AS exemplars"
        " FROM otel_metrics_exponential_histogram"
        " WHERE MetricName = 'http.server.request.duration'"
        " AND Attributes['http.response.status_code'] = '200'"
    )
    assert counted["n"][0] == len(done.samples)
    assert counted["exemplars"][0] > 0


def test_a_graceful_restart_loses_nothing(collector: Collector, closed_store: Store) -> None:
    def restart() -> None:
        collector.stop()
        collector.start()

    done = measure(collector, closed_store, 5, midway=restart)
    count = len(done.samples)
    assert closed_store.trace_coverage(done.id) == TraceCoverage(count, count)


def test_spans_in_a_killed_collectors_memory_count_as_lost(
    collector: Collector, closed_store: Store
) -> None:
    held = 0.0

    def crash() -> None:
        nonlocal held
        for _ in range(100):
            counts = collector.counters()
            # In its memory: acknowledged, and not written yet.
            held = counts["otelcol_receiver_accepted_spans"]
            held -= counts["otelcol_exporter_sent_spans"]
            if held > RATE_RPS / 4:
                break
            time.sleep(0.03)
        collector.kill()
        collector.start()

    done = measure(collector, closed_store, 5, midway=crash)
    coverage = closed_store.trace_coverage(done.id)
    assert coverage.sampled == len(done.samples)
    assert coverage.found == len(server_spans(collector.otlp_dir, done.id))
    # Of each request there are two spans.
    assert coverage.missing >= held / 2 > 0
    assert "the collector was probably restarted" in str(coverage)
