"""Streams are stored and exported with their run, exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchlab import ClosedLoop, Plan, Request, Store, run
from benchlab.exchange.own.export import export_run
from benchlab.exchange.own.import_ import read_parquet
from benchlab.plan.stream import Stream
from benchlab.runs.run import Run
from benchlab.store.runs.streams import save_streams
from tests.load.servers import always, chunked, serving

COUNT = 6
PARTS = [b"data: %d\n\n" % number for number in range(5)]
TYPE = b"Content-Type: text/event-stream\r\n"


@pytest.fixture(scope="module")
def measured() -> Run:
    with serving(always(chunked(*PARTS, extra=TYPE))) as url:
        plan = Plan(
            [Request("GET", url, stream=Stream("events", stall_s=0.5, rows=True))],
            ClosedLoop(connections=1),
            request_count=COUNT,
            warmup_s=0,
            timeout_s=60,
        )
        return run(plan)


def test_streams_are_kept(measured: Run, store: Store, tmp_path: Path) -> None:
    assert (len(measured.streams), len(measured.events)) == (COUNT, COUNT * len(PARTS))
    assert measured.stream_summary is not None
    with store.connect() as client:  # as if saving had been interrupted, and more than once
        save_streams(client, measured)
        save_streams(client, measured)
    store.save(measured)
    loaded = store.load(measured.id)
    read = read_parquet(export_run(loaded, tmp_path / "run.parquet"))
    for other in (loaded, read):
        assert other.streams == measured.streams
        assert other.events == measured.events
        assert other.stream_summary == measured.stream_summary
        assert other.plan == measured.plan


def test_sql_gives_the_same_numbers(measured: Run, store: Store) -> None:
    store.save(measured)
    found = store.query_df("SELECT * FROM run_streams").iloc[0]
    summary = measured.stream_summary
    assert summary is not None
    assert summary.first_event_ns is not None
    assert summary.gap_ns is not None
    assert found["run_id"] == measured.id
    assert found["stream_count"] == summary.count == COUNT
    assert found["event_count"] == summary.events
    assert found["event_bytes"] == summary.event_bytes
    assert found["stalls"] == summary.stalls
    assert found["first_event_p50_ns"] == summary.first_event_ns.p50
    assert found["first_event_p99_ns"] == summary.first_event_ns.p99
    assert found["gap_max_ns"] == summary.gap_ns.max
    for key in ("p50", "p90", "p99"):
        assert min(found[f"gap_{key}_ns"], found["gap_max_ns"]) == getattr(summary.gap_ns, key)
    rows = store.query_df(
        "SELECT seq, at_ns, number, bytes FROM stream_events ORDER BY seq, number"
    )
    for name in ("seq", "at_ns", "number", "bytes"):
        assert np.array_equal(rows[name], measured.events.records[name])
