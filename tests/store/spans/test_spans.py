from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

import benchlab as bl
from benchlab.errors import RunNotFoundError
from benchlab.plan.tracing import is_traced, trace_id
from benchlab.runs.run import Run
from benchlab.store import Store

MakeRun = Callable[..., Run]


def add_spans(
    store: Store, run: Run, seqs: Sequence[int], kind: str = "Server", late_ns: int = 0
) -> None:
    """One span per request, lasting 1 µs more than half of its service time."""
    records = run.samples.records
    rows = [
        [
            run.started_at_ns + int(records["sent_ns"][seq]) + late_ns,
            trace_id(run.id, seq),
            f"{seq + 1:016x}",
            f"{kind} span",
            kind,
            int(run.samples.service_ns[seq]) // 2 + 1000,
        ]
        for seq in seqs
    ]
    names = ["Timestamp", "TraceId", "SpanId", "SpanName", "SpanKind", "Duration"]
    with store.connect() as client:
        client.insert("otel_traces", rows, column_names=names)


def test_measured_requests_are_joined_with_their_server_spans(
    store: Store, make_run: MakeRun
) -> None:
    run = make_run(100)
    store.save(run)
    add_spans(store, run, range(0, 100, 2))
    add_spans(store, run, range(0, 100, 2), kind="Internal")
    frame = store.client_server(run.id)
    seqs = [seq for seq in range(0, 100, 2) if seq >= 5]  # the first five are warm-up
    assert list(frame["seq"]) == seqs
    service = run.samples.service_ns[seqs]
    server = service // 2 + 1000
    np.testing.assert_array_equal(frame["server_ms"], server / 1e6)
    np.testing.assert_array_equal(frame["network_ms"], (service - server) / 1e6)
    np.testing.assert_array_equal(frame["latency_ms"], run.samples.latency_ns[seqs] / 1e6)
    assert set(frame["span_name"]) == {"Server span"}
    assert list(frame["trace_id"]) == [trace_id(run.id, seq) for seq in seqs]
    codes = run.samples.column("endpoint")[seqs]
    assert list(frame["endpoint"]) == [run.samples.endpoints[code] for code in codes]
    assert len(store.client_server(run.id, limit=3)) == 3


def test_spans_that_end_before_they_begin_are_left_out_and_counted(
    store: Store, make_run: MakeRun
) -> None:
    run = make_run(20)
    store.save(run)
    add_spans(store, run, range(20))
    wrapped = 2**64 - 1  # as the Collector stores -1 ns
    with store.connect() as client:
        client.command(
            "ALTER TABLE otel_traces UPDATE Duration = {wrapped:UInt64}"
            " WHERE TraceId = {trace:String} SETTINGS mutations_sync = 1",
            {"wrapped": wrapped, "trace": trace_id(run.id, 7)},
        )
    assert 7 not in set(store.client_server(run.id)["seq"])
    assert store.client_server(run.id)["server_ms"].max() < 1e6
    coverage = store.trace_coverage(run.id)
    assert (coverage.found, coverage.sampled, coverage.backwards) == (18, 19, 1)
    trace = store.trace(trace_id(run.id, 7))
    assert trace.spans["duration_ms"].isna().all()
    assert bl.plots.waterfall(trace).get_axes()


def test_of_several_server_spans_the_first_counts(store: Store, make_run: MakeRun) -> None:
    run = make_run(10)
    store.save(run)
    add_spans(store, run, [7], late_ns=50)
    with store.connect() as client:
        client.command("ALTER TABLE otel_traces DELETE WHERE 0")
    add_spans(store, run, [7])
    add_spans(store, run, [7], late_ns=100)
    assert len(store.client_server(run.id)) == 1
    coverage = store.trace_coverage(run.id)
    assert (coverage.sampled, coverage.found) == (10, 1)


def test_without_spans_the_table_is_empty_with_the_same_types(
    store: Store, make_run: MakeRun
) -> None:
    run = make_run(10)
    store.save(run)
    empty = store.client_server(run.id)
    assert empty.empty
    assert empty["server_ms"].describe()["count"] == 0
    assert empty.nlargest(5, "latency_ms").empty
    add_spans(store, run, [7])
    pd.testing.assert_series_equal(empty.dtypes, store.client_server(run.id).dtypes)
    with pytest.raises(RunNotFoundError):
        store.client_server("nope")


def test_spans_of_other_runs_are_ignored(store: Store, make_run: MakeRun) -> None:
    run, other = make_run(10), make_run(10)
    store.save(run)
    store.save(other)
    add_spans(store, other, range(10))
    assert store.client_server(run.id).empty
    coverage = store.trace_coverage(run.id)
    assert (coverage.sampled, coverage.found) == (10, 0)


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0])
def test_coverage_counts_requests_marked_for_tracing(
    store: Store, make_run: MakeRun, ratio: float
) -> None:
    run = make_run(400, trace_ratio=ratio)
    store.save(run)
    seqs = run.measured.column("seq")
    asked = seqs[is_traced(seqs, ratio)] if ratio else seqs[:0]
    add_spans(store, run, [int(seq) for seq in asked[: len(asked) // 2]])
    coverage = store.trace_coverage(run.id)
    assert (coverage.sampled, coverage.found) == (len(asked), len(asked) // 2)


def test_saving_again_keeps_the_spans(store: Store, make_run: MakeRun) -> None:
    run = make_run(50)
    store.save(run)
    add_spans(store, run, range(50))
    store.save(run)
    assert store.query_df("SELECT count() AS n FROM otel_traces")["n"][0] == 50
    assert len(store.client_server(run.id)) == len(run.measured)
