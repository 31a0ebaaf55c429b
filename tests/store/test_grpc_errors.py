"""Errors of HTTP/2 and gRPC, as the store, tables and reports show them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchlab.analysis.errors import errors_table
from benchlab.display.run_view import view
from benchlab.report.sections.errors import errors
from benchlab.report.sections.slowest import slowest
from benchlab.runs.run import Run
from benchlab.runs.server_side import ServerSide
from benchlab.samples.samples import ErrorKind, Samples
from benchlab.store import Store
from tests.store.stored_runs import make_run

COUNTS = {
    ErrorKind.STREAM_RESET: 3,
    ErrorKind.GRPC_DEADLINE_EXCEEDED: 1,
    ErrorKind.GRPC_RESOURCE_EXHAUSTED: 10,
    ErrorKind.GRPC_UNAVAILABLE: 40,
}


@pytest.fixture
def run() -> Run:
    drawn = make_run(1000)
    records = drawn.samples.records.copy()
    records["error"], records["status"] = 0, 200
    kinds = np.repeat(list(COUNTS), list(COUNTS.values()))
    records["error"][-len(kinds) :] = kinds
    records["done_ns"][-len(kinds) :] += 1_000_000_000  # they are the slowest
    return replace(drawn, samples=Samples(records, drawn.samples.endpoints))


def test_a_store_counts_them_by_their_labels(run: Run, store: Store) -> None:
    expected = {kind.label: count for kind, count in COUNTS.items()}
    store.save(run)
    loaded = store.load(run.id)
    assert loaded.summary.errors == expected
    assert store.runs()["error_count"].tolist() == [sum(COUNTS.values())]
    with store.connect() as client:
        sql = "SELECT errors, errors['grpc:UNAVAILABLE'] FROM runs"
        assert client.query(sql).result_rows == [(expected, 40)]


def test_a_table_and_a_report_name_them(run: Run) -> None:
    table = errors_table(run.samples)
    assert table["kind"].tolist() == [
        "grpc:UNAVAILABLE", "grpc:RESOURCE_EXHAUSTED", "stream_reset", "grpc:DEADLINE_EXCEEDED",
    ]  # fmt: skip
    by_kind = errors(run, view(run)).render()
    assert "the gRPC call ended with this status" in by_kind
    assert "grpc:UNAVAILABLE</th>" in by_kind
    # The HTTP status of a call is 200 however it ended.
    slow = slowest(run, ServerSide())
    assert slow is not None
    assert "200, stream_reset" in slow.render()
    assert "200, grpc:" not in slow.render()
