from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from benchlab.errors import InputError, RunNotFoundError
from benchlab.plan.tracing import trace_id
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind
from benchlab.store import Store
from tests.store.spans.test_spans import add_spans

MakeRun = Callable[..., Run]


def test_the_slowest_requests_with_their_spans(store: Store, make_run: MakeRun) -> None:
    run = make_run(200)
    store.save(run)
    measured = run.measured
    order = sorted(
        zip(-measured.latency_ns, measured.column("seq").tolist(), strict=True)
    )  # slowest first, and the earlier of equals
    seqs = [seq for _, seq in order]
    add_spans(store, run, [seqs[0], seqs[2], seqs[5]])
    add_spans(store, run, [seqs[0]], kind="Internal", late_ns=1_000_000)
    add_spans(store, run, [seqs[1]], kind="Internal")

    found = store.slowest(run.id, 4)
    assert [trace.trace_id for trace in found] == [trace_id(run.id, seq) for seq in seqs[:4]]
    assert [list(trace.spans["kind"]) for trace in found] == [
        ["Server", "Internal"],
        ["Internal"],
        ["Server"],
        [],
    ]
    record = run.samples.records[seqs[0]]
    request = found[0].request
    assert request is not None
    assert (request.run_id, request.seq, request.status) == (run.id, seqs[0], record["status"])
    assert (request.intended_ns, request.sent_ns) == (record["intended_ns"], record["sent_ns"])
    assert (request.first_byte_ns, request.done_ns) == (record["first_byte_ns"], record["done_ns"])
    assert request.endpoint == run.samples.endpoints[record["endpoint"]]
    assert request.error == (ErrorKind(record["error"]).label if record["error"] else "")
    assert request.latency_ns == -order[0][0] == request.service_ns + request.lag_ns
    # The span began when the request was sent, and offsets count from when that was due.
    assert list(found[0].spans["offset_ms"]) == pytest.approx(
        [request.lag_ns / 1e6, request.lag_ns / 1e6 + 1]
    )
    traced = store.slowest(run.id, 10, traced=True)
    assert [trace.request.seq for trace in traced if trace.request] == [seqs[0], seqs[2], seqs[5]]
    assert len(store.slowest(run.id)) == 10
    assert store.slowest(run.id, 0) == []
    with pytest.raises(RunNotFoundError):
        store.slowest("nope")


def test_slowest_without_samples(store: Store, make_run: MakeRun) -> None:
    run = make_run(0)
    store.save(run)
    assert store.slowest(run.id) == []


def test_a_trace_is_sorted_by_start(store: Store, make_run: MakeRun) -> None:
    run = make_run(10)
    store.save(run)
    wanted = trace_id(run.id, 3)
    empty = store.trace(wanted)
    assert empty.spans.empty
    add_spans(store, run, [3], kind="Internal", late_ns=1_000_000)
    add_spans(store, run, [2, 3])
    found = store.trace(wanted.upper())
    assert found.trace_id == wanted
    assert found.request is not None
    assert found.request == empty.request
    assert found.request.seq == 3
    spans = found.spans
    assert list(spans["kind"]) == ["Server", "Internal"]
    assert spans["offset_ms"][1] - spans["offset_ms"][0] == pytest.approx(1.0)
    assert isinstance(spans["timestamp"][0], datetime)
    assert str(spans["timestamp"].dt.tz) == "UTC"
    pd.testing.assert_series_equal(empty.spans.dtypes, spans.dtypes)
    assert wanted in str(found._repr_html_())


def test_offsets_of_a_trace_without_a_run_start_at_its_first_span(
    store: Store, make_run: MakeRun
) -> None:
    run = make_run(10)
    add_spans(store, run, [3], kind="Internal", late_ns=1_000_000)
    add_spans(store, run, [3])
    found = store.trace(trace_id(run.id, 3))
    assert found.request is None
    assert list(found.spans["offset_ms"]) == [0.0, 1.0]


@pytest.mark.parametrize("wrong", ["", "abc", "g" * 32, "0" * 33, "' OR 1=1 --"])
def test_invalid_trace_id_is_an_input_error(store: Store, wrong: str) -> None:
    with pytest.raises(InputError, match="32 hex digits"):
        store.trace(wrong)


def test_any_trace_id_is_accepted(store: Store) -> None:
    assert store.trace("f" * 32).request is None


DELTA, CUMULATIVE = 1, 2


def add_points(store: Store, rows: Sequence[dict[str, Any]]) -> None:
    """Points of the service's metric; times in s since 1970."""
    whole = [
        {
            "ServiceName": "shop",
            "MetricName": "http.server.request.duration",
            "Attributes": {"http.route": "/"},
            "Scale": 0,
            "ZeroCount": 0,
            "PositiveOffset": -10,
            "AggregationTemporality": DELTA,
            **row,
        }
        for row in rows
    ]
    with store.connect() as client:
        client.insert(
            "otel_metrics_exponential_histogram",
            [list(row.values()) for row in whole],
            column_names=list(whole[0]),
        )


def point(start: int, end: int, counts: Sequence[int], **fields: Any) -> dict[str, Any]:
    count = sum(counts) + fields.get("ZeroCount", 0)
    return {
        "StartTimeUnix": start,
        "TimeUnix": end,
        "Count": count,
        "PositiveBucketCounts": list(counts),
        **fields,
    }


def test_deltas_that_overlap_the_run_are_added(store: Store, make_run: MakeRun) -> None:
    run = make_run(100)
    store.save(run)
    start, end = run.started_at_ns // 10**9, -(-(run.started_at_ns + 10**9) // 10**9)
    add_points(
        store,
        [
            point(start - 20, start - 10, [1000]),
            point(start - 5, start + 1, [1, 2]),
            point(start + 1, end + 3, [0, 4, 8, 1], Scale=1, PositiveOffset=-20),
            point(start, end, [16], MetricName="rpc.server.call.duration"),
            point(start, end, [5], ServiceName="other", MetricName="http.client.request.duration"),
            point(end + 100, end + 110, [2000]),
        ],
    )
    frame = store.server_histogram(run.id)
    assert list(frame["service"]) == ["shop", "shop"]
    assert list(frame["count"]) == [1 + 4 + 16, 2 + 9]
    assert list(frame["lower_ms"]) == [1000 / 1024, 1000 / 512]
    assert list(frame["upper_ms"]) == [1000 / 512, 1000 / 256]


def test_the_server_side_of_a_run_holds_all_that_the_service_recorded(
    store: Store, make_run: MakeRun
) -> None:
    run = make_run(100, trace_ratio=1.0)
    store.save(run)
    add_spans(store, run, run.measured.column("seq").tolist())
    start = run.started_at_ns // 10**9
    add_points(store, [point(start, start + 1, [1, 2], ServiceName="")])
    server = store.server_side(run.id, slowest=3)
    assert server.requests is not None
    assert server.histogram is not None
    pd.testing.assert_frame_equal(server.requests, store.client_server(run.id))
    assert server.coverage == store.trace_coverage(run.id)
    traced = store.slowest(run.id, 3, traced=True)
    assert [trace.trace_id for trace in server.slowest] == [trace.trace_id for trace in traced]
    assert len(server.slowest) == 3
    pd.testing.assert_frame_equal(server.histogram, store.server_histogram(run.id))
    assert server.was_traced
    assert server.parts == store.latency_parts(run.id)
    with pytest.raises(RunNotFoundError):
        store.server_side("nope")


def test_cumulative_points_are_subtracted(store: Store, make_run: MakeRun) -> None:
    run = make_run(100)
    store.save(run)
    start, end = run.started_at_ns // 10**9, run.started_at_ns // 10**9 + 2
    since = {"AggregationTemporality": CUMULATIVE}
    add_points(
        store,
        [
            point(start - 90, start - 50, [1, 1], **since),
            point(start - 90, start - 5, [7, 7], ZeroCount=1, **since),
            point(start - 90, start + 1, [8, 9], ZeroCount=1, **since),
            point(start - 90, end + 5, [10, 10], ZeroCount=3, **since),
            point(start - 90, end + 50, [99, 99], ZeroCount=9, **since),
            # Another that began anew in the middle of the run.
            point(start + 1, end + 5, [5], Attributes={"http.route": "/x"}, **since),
        ],
    )
    frame = store.server_histogram(run.id)
    assert list(frame["count"]) == [2, 3 + 5, 3]
    assert list(frame["lower_ms"][:1]) == list(frame["upper_ms"][:1]) == [0]


def test_services_with_spans_of_the_run_are_used(store: Store, make_run: MakeRun) -> None:
    run = make_run(100)
    store.save(run)
    start = run.started_at_ns // 10**9
    add_points(store, [point(start, start + 1, [3], ServiceName=name) for name in ("b", "", "a")])
    assert list(store.server_histogram(run.id)["service"]) == ["", "a", "b"]
    add_spans(store, run, [7])  # of a service without a name
    assert list(store.server_histogram(run.id)["service"]) == [""]


def test_without_metrics_the_table_is_empty(store: Store, make_run: MakeRun) -> None:
    run = make_run(10)
    store.save(run)
    frame = store.server_histogram(run.id)
    assert frame.empty
    assert list(frame.columns) == ["service", "lower_ms", "upper_ms", "count"]
    with pytest.raises(RunNotFoundError):
        store.server_histogram("nope")
