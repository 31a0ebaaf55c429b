"""The parts of a request's latency, as the store counts them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import pandas as pd
import pytest

from benchlab.analysis.attribution import attribution_of
from benchlab.analysis.client_parts import client_parts
from benchlab.errors import InputError
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ConstantRate
from benchlab.plan.tracing import is_traced, trace_id
from benchlab.runs.latency_parts import LatencyClass, LatencyParts
from benchlab.runs.run import Run
from benchlab.samples.connections import CONNECTION_DTYPE, Connections
from benchlab.samples.samples import ErrorKind, Flag, Samples
from benchlab.store import Store
from benchlab.store.spans.attribution import request_parts
from tests.store.conftest import lasting_store
from tests.store.spans.reference_path import Node, own_times

__all__ = ["lasting_store"]

MakeRun = Callable[..., Run]

embedded = pytest.mark.parametrize("lasting_store", ["embedded"], indirect=True)
"""What is the same SQL as other tests send to a server."""

_COLUMNS = [
    "Timestamp", "TraceId", "SpanId", "ParentSpanId", "ServiceName", "SpanName", "SpanKind",
    "Duration", "SpanAttributes", "ResourceAttributes",
]  # fmt: skip


@pytest.fixture
def store(lasting_store: Store) -> Store:
    """A store that may hold other runs, too."""
    return lasting_store


def hostile(run: Run, seed: int = 4) -> Run:
    """``run`` with all that can happen to a request: retries, waiting, failures, odd times."""
    rng = np.random.default_rng(seed)
    records = run.samples.records.copy()
    count = len(records)
    records["flags"][rng.random(count) < 0.3] |= np.uint8(Flag.NEW_CONNECTION)
    records["flags"][rng.random(count) < 0.1] |= np.uint8(Flag.CAP_WAIT)
    silent = rng.random(count) < 0.05
    records["first_byte_ns"][silent] = 0
    records["error"][silent] = ErrorKind.TIMEOUT
    records["status"][silent] = 0
    unsent = rng.random(count) < 0.02
    records["done_ns"][unsent] = records["sent_ns"][unsent]
    records["first_byte_ns"][unsent] = 0
    records["error"][unsent] = ErrorKind.UNSENT
    opened = np.zeros(count, dtype=CONNECTION_DTYPE)
    opened["seq"] = rng.integers(-1, count, count)  # several for one request, and for another's
    opened["start_ns"] = rng.permutation(count) * 1_000_000
    for name in ("dns_ns", "connect_ns", "tls_ns"):
        opened[name] = rng.integers(0, 1_500_000, count)
    opened["error"][rng.random(count) < 0.3] = ErrorKind.CONNECT
    records["flags"][rng.random(count) < 0.1] |= np.uint8(Flag.RETRY)
    records["flags"][rng.random(count) < 0.05] |= np.uint8(Flag.HEDGE)
    samples = Samples(records, run.samples.endpoints)
    return replace(run, samples=samples, connections=Connections(opened))


def add_traces(
    store: Store,
    run: Run,
    traces: dict[int, list[Node]],
    attributes: dict[int, str] | None = None,
    key: str = "cache",
) -> None:
    """Insert spans by request; their times count from when the request was sent."""
    rows = [
        [
            run.started_at_ns + int(run.samples.records["sent_ns"][seq]) + span.start,
            trace_id(run.id, seq),
            span.id,
            span.parent,
            f"service {span.kind}",
            span.name or f"span {span.id}",
            span.kind,
            (span.end - span.start) % 2**64,  # as the Collector stores what is negative
            {} if attributes is None else {key: attributes.get(seq, "hit")},
            {"service.instance.id": "one"},
        ]
        for seq, spans in traces.items()
        for span in spans
    ]  # fmt: skip
    with store.connect() as client:
        client.insert("otel_traces", rows, column_names=_COLUMNS)


def drawn_trace(rng: np.random.Generator, service_ns: int) -> list[Node]:
    """Spans that hardly know their request: beyond it, backwards, copied, of several services."""
    scale = max(service_ns, 1_000)
    start = int(rng.integers(-scale // 4, scale)) + (5 * scale if rng.random() < 0.1 else 0)
    length = int(rng.integers(0, 2 * scale))
    spans = [Node("00", "client", start, start + length, "Server")]
    for number in range(1, int(rng.integers(1, 7))):
        above = spans[int(rng.integers(0, len(spans)))]
        low, high = sorted(
            rng.integers(above.start - 9, max(above.end, above.start) + 9, 2).tolist()
        )
        if rng.random() < 0.05:
            low, high = high, low
        parent = above.id if rng.random() < 0.9 else "lost"
        kind = str(rng.choice(["Internal", "Client", "Server"]))
        spans.append(Node(f"{number:02}", parent, low, high, kind))
    if rng.random() < 0.1:
        spans += spans[-1:]
    return [spans[at] for at in rng.permutation(len(spans))]


def summed(parts: pd.DataFrame) -> pd.Series:
    columns = [name for name in parts.columns if name.endswith("_part")]
    return parts[columns].sum(axis=1) + parts["path_ns"].map(sum)


def whole(classes: Iterable[LatencyClass]) -> LatencyClass:
    return reduce(add, classes)


@pytest.mark.parametrize("seed", [3])
def test_parts_add_up_to_the_latency_of_every_request(
    store: Store, make_run: MakeRun, seed: int
) -> None:
    run = hostile(make_run(800, seed=seed), seed)
    store.save(run)
    rng = np.random.default_rng(seed)
    services = run.samples.service_ns
    traces = {seq: drawn_trace(rng, int(services[seq])) for seq in range(800) if rng.random() < 0.9}
    add_traces(store, run, traces)
    with store.connect() as client:
        parts, names = request_parts(client, run.id)
    assert list(parts["seq"]) == run.measured.column("seq").tolist()
    assert list(parts["latency_ns"]) == run.measured.latency_ns.tolist()
    assert list(summed(parts)) == list(parts["latency_ns"])
    assert parts.filter(like="_part").to_numpy().min() >= 0
    assert parts["has_span"].any()
    assert parts["is_moved"].any()
    assert parts["is_cut"].any()
    assert set(names.values()) >= {("service Client", "span 01"), ("service Server", "span 02")}
    # What leaves the engine is the sum of these.
    counted = store.latency_parts(run.id)
    total = whole(counted.classes)
    assert total.count == len(parts)
    assert total.span_count == parts["has_span"].sum()
    for key, part in total.sums.items():
        assert part.sum_ns == parts[f"{key}_part"].sum()
        assert part.request_count == (parts[f"{key}_part"] > 0).sum()
    assert sum(part.sum_ns for part in total.spans.values()) == parts["path_ns"].map(sum).sum()
    for band in attribution_of(counted).bands:
        assert sum(each.sum_ns for each in band.parts) == pytest.approx(
            band.split_mean_ns * band.split_count, abs=1
        )


@embedded
def test_a_request_is_divided_as_its_spans_say(store: Store, make_run: MakeRun) -> None:
    run = make_run(100)
    store.save(run)
    services = run.samples.service_ns
    traces = {}
    for seq in range(100):
        took = int(services[seq])
        server = Node("a", "client", took // 4, took // 2, "Server")
        work = Node("b", "a", server.start + 10, server.start + 5_010, name="work")
        traces[seq] = [server, work]
    add_traces(store, run, traces)
    with store.connect() as client:
        parts, names = request_parts(client, run.id)
    whole_ns = services[parts["seq"]]
    np.testing.assert_array_equal(parts["before_server_part"], whole_ns // 4)
    np.testing.assert_array_equal(parts["server_part"], whole_ns // 2 - whole_ns // 4 - 5_000)
    np.testing.assert_array_equal(parts["way_back_part"], whole_ns - whole_ns // 2)
    np.testing.assert_array_equal(parts["lag_part"], run.samples.lag_ns[parts["seq"]])
    assert {names[code] for codes in parts["path_names"] for code in codes} == {
        ("service Internal", "work")
    }
    assert not parts["is_moved"].any()
    clock = store.latency_parts(run.id).clock
    assert clock is not None
    assert not clock.applied


def test_without_spans_sql_counts_what_numpy_counts(store: Store, make_run: MakeRun) -> None:
    run = hostile(make_run(3_000))
    store.save(run)
    for endpoint in (None, run.samples.endpoints[1]):
        in_sql, in_numpy = store.latency_parts(run.id, endpoint), client_parts(run, endpoint)
        assert sorted(in_sql.attributes) == sorted(in_numpy.attributes)
        assert comparable(in_sql) == comparable(in_numpy)
        # Batches of a run are those of its window here, and of its first to last request there.
        assert in_sql.effective_ratio == pytest.approx(in_numpy.effective_ratio, rel=0.3)
    with pytest.raises(InputError, match="unknown"):
        store.latency_parts(run.id, "GET /nothing")


def comparable(parts: LatencyParts) -> LatencyParts:
    return replace(parts, attributes=(), effective_ratio=0.0, cause="")


@embedded
def test_clocks_of_other_hosts_are_corrected_if_they_contradict_each_other(
    store: Store, make_run: MakeRun
) -> None:
    run = make_run(200)
    store.save(run)
    ahead_ns = -40_000_000
    services = run.samples.service_ns
    traces = {}
    for seq in range(200):
        start, end = (int(services[seq] * share) + ahead_ns for share in (0.3, 0.7))
        traces[seq] = [Node("a", "", start, end, "Server")]
    add_traces(store, run, traces)
    counted = store.latency_parts(run.id)
    assert counted.clock is not None
    assert counted.clock.applied
    assert counted.clock.estimate_ns == pytest.approx(ahead_ns, abs=50_000)
    with store.connect() as client:
        parts, _ = request_parts(client, run.id)
    assert list(summed(parts)) == list(parts["latency_ns"])
    measured = services[parts["seq"]]
    np.testing.assert_allclose(parts["server_part"], 0.4 * measured, atol=2)
    np.testing.assert_allclose(parts["before_server_part"], 0.3 * measured, atol=60_000)


@embedded
def test_a_span_that_ends_after_the_response_is_cut(store: Store, make_run: MakeRun) -> None:
    run = make_run(200)
    store.save(run)
    services = run.samples.service_ns.tolist()
    add_traces(
        store,
        run,
        {seq: [Node("a", "", 1_000, services[seq] + 9_000, "Server")] for seq in range(200)},
    )
    with store.connect() as client:
        parts, _ = request_parts(client, run.id)
    assert parts["is_cut"].all()
    assert not parts["is_moved"].any()
    np.testing.assert_array_equal(parts["before_server_part"], 1_000)
    np.testing.assert_array_equal(parts["way_back_part"], 0)


@embedded
def test_of_several_server_spans_the_one_that_the_client_called_counts(
    store: Store, make_run: MakeRun
) -> None:
    run = make_run(20)
    store.save(run)
    add_traces(
        store,
        run,
        {
            10: [
                Node("b", "lost", -500, -400, "Server"),  # another host, its clock is early
                Node("a", f"{11:016x}", 1_000, 9_000, "Server"),
                Node("c", "a", 2_000, 4_000, "Client"),
            ]
        },
    )
    with store.connect() as client:
        parts, _ = request_parts(client, run.id)
    row = parts[parts["seq"] == 10].iloc[0]
    assert (row["before_server_part"], row["server_part"]) == (1_000, 6_000)
    assert sum(row["path_ns"]) == 2_000


@embedded
@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0])
def test_bands_use_all_requests_and_the_parts_those_that_asked_to_be_traced(
    store: Store, make_run: MakeRun, ratio: float
) -> None:
    run = make_run(1_000, trace_ratio=ratio)
    store.save(run)
    seqs = run.measured.column("seq")
    traced = seqs[is_traced(seqs, ratio)] if ratio else seqs[:0]
    with_spans = traced[: len(traced) // 2].tolist()
    if with_spans:
        add_traces(store, run, {seq: [Node("a", "", 0, 1, "Server")] for seq in with_spans})
    found = attribution_of(store.latency_parts(run.id))
    assert found.count == len(seqs)
    assert found.split_count == (len(traced) if with_spans else len(seqs))
    assert found.span_count == len(with_spans)
    assert sum(band.count for band in found.bands) == len(seqs)


@embedded
def test_warm_up_is_left_out_and_a_run_without_requests_has_no_bands(
    store: Store, make_run: MakeRun
) -> None:
    run = make_run(20)
    records = run.samples.records.copy()
    records["flags"] |= np.uint8(Flag.WARMUP)
    run = replace(run, samples=Samples(records, run.samples.endpoints))
    store.save(run)
    found = attribution_of(store.latency_parts(run.id), force=True)
    assert (found.count, found.bands, found.tail) == (0, (), None)
    assert "too few" in str(found)


def test_a_planted_cause_is_found_on_top(store: Store, make_run: MakeRun) -> None:
    """One request in 40 misses the cache, and a span below the server takes 5 ms more."""
    rng = np.random.default_rng(11)
    run = make_run(8_000)
    records = run.samples.records.copy()
    misses = set(np.flatnonzero(rng.random(len(records)) < 0.025).tolist())
    for seq in misses:
        records["done_ns"][seq] += 5_000_000
        records["first_byte_ns"][seq] += 5_000_000
    request = Request("GET", "http://10.0.0.9/")
    plan = Plan([request], ConstantRate(1000), duration_s=8, trace_ratio=1.0, name="planted")
    records["endpoint"] = 0
    run = replace(run, samples=Samples(records, [request.name]), plan=plan)
    store.save(run)
    services = run.samples.service_ns
    traces = {}
    for seq in range(len(records)):
        start, end = int(services[seq] // 10), int(services[seq] * 9 // 10)
        query_ns = (5_000_000 if seq in misses else 0) + 50_000
        traces[seq] = [
            Node("a", "", start, end, "Server"),
            Node("b", "a", start, min(start + query_ns, end), "Client", "SELECT"),
        ]
    add_traces(store, run, traces, dict.fromkeys(misses, "miss"))
    found = attribution_of(store.latency_parts(run.id), force=True)
    assert next(iter(found.effects())).label == "service Client · SELECT"
    # The attribute is on both spans of these requests.
    assert {each.attribute for each in found.attributes[:4]} == {"cache", "SELECT: cache"}
    assert found.attributes[0].value == "miss"
    assert found.attributes[0].tail_ratio > 0.9
    assert found.attributes[0].middle_ratio < 0.03
    assert found.tested_count >= 4
    text = " ".join(str(found).split())
    assert "Requests above p99 spend" in text
    assert "in service Client · SELECT; 93 % of them have SELECT: cache = miss" in text


@embedded
def test_random_traces_of_a_run_are_divided_as_by_the_reference(
    store: Store, make_run: MakeRun
) -> None:
    run = make_run(300, trace_ratio=1.0)
    store.save(run)
    rng = np.random.default_rng(5)
    services = run.samples.service_ns
    traces: dict[int, list[Node]] = {}
    for seq in range(300):
        took = int(services[seq])
        spans = [Node("00", "", took // 10, took * 9 // 10, "Server")]
        for number in range(1, int(rng.integers(2, 6))):
            above = spans[int(rng.integers(0, len(spans)))]
            start, end = sorted(rng.integers(above.start, above.end + 1, 2).tolist())
            spans.append(Node(f"{number:02}", above.id, start, end))
        traces[seq] = spans
    add_traces(store, run, traces)
    with store.connect() as client:
        parts, names = request_parts(client, run.id)
    columns = ("seq", "server_part", "path_names", "path_ns")
    for seq, server_ns, codes, own_ns in zip(*(parts[name] for name in columns), strict=True):
        spans = traces[seq]
        root = spans[0]
        ranks = dict.fromkeys((span.id for span in spans), 0)
        expected = own_times(spans, root, root.end - root.start, ranks)
        found = {
            names[code][1].removeprefix("span "): own
            for code, own in zip(codes, own_ns, strict=True)
            if own
        }
        assert found == {id: own for id, own in expected.items() if own and id != "00"}
        assert server_ns == expected["00"]
