"""A service that drops spans is found out, and the reason said."""

from __future__ import annotations

from pathlib import Path

from benchlab import ClosedLoop, Plan, Request, run
from benchlab.store import Store
from benchlab.telemetry import ingest
from tests.stores import closed_store, empty_store
from tests.target.server import ADD, serving, spans

__all__ = ["closed_store", "empty_store"]


def test_a_queue_that_is_too_short_is_told_by_what_is_missing(
    closed_store: Store, tmp_path: Path
) -> None:
    directory = tmp_path / "otlp"
    with serving(
        tmp_path, BENCHLAB_TARGET_OTLP_DIR=str(directory), OTEL_BSP_MAX_QUEUE_SIZE="16"
    ) as server:
        request = Request("POST", server.url + ADD, json={"a": [1], "b": [2]})
        done = run(Plan([request], ClosedLoop(16), duration_s=2, trace_ratio=1.0))
        log = server.stop()
    assert "Queue full, dropping" in log
    closed_store.save(done)
    with closed_store.connect() as client:
        ingest(client, [directory])
    coverage = closed_store.trace_coverage(done.id)
    written = {span["traceId"] for span in spans(directory) if span["kind"] == 2}
    assert coverage.sampled == len(done.measured)
    assert coverage.found == len([id_ for id_ in written if id_.startswith(done.id)])
    assert not coverage.enough
    assert "OTEL_BSP_MAX_QUEUE_SIZE" in coverage.cause()
