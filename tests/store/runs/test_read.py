from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benchlab.errors import RunNotFoundError, StoreError
from benchlab.runs.head import new_run_id
from benchlab.runs.run import Run
from benchlab.samples.examples import make_example
from benchlab.samples.samples import SAMPLE_DTYPE, Samples
from benchlab.store import Store
from tests.runs.floors import make_floor

MakeRun = Callable[..., Run]

EXAMPLES = (
    make_example("connect", "a", 3, 7, 0, "refused"),
    make_example("check", "b'", 4, 10**12, 200, 'no "x"', [("A", "é")], b"<\x00\xff\n'", 5),
)


def test_a_run_is_read_back_exactly(store: Store, make_run: MakeRun) -> None:
    run = replace(make_run(1000, stopped_ns=700_000_000), stop_reason="stopped by abort_on x")
    carried = {**run.environment, "calibration": {"floor": make_floor().to_dict()}}
    run = replace(run, examples=EXAMPLES, environment=carried)
    store.save(run)
    back = store.load(run.id)
    assert back.floor == make_floor()
    assert back.samples.records.tobytes() == run.samples.records.tobytes()
    assert back.samples.endpoints == run.samples.endpoints
    assert (back.plan, back.health, back.environment) == (run.plan, run.health, run.environment)
    assert (back.started_at, back.started_at_ns) == (run.started_at, run.started_at_ns)
    assert back.stopped_ns == 700_000_000
    assert back.examples == EXAMPLES
    assert back.stop_reason == "stopped by abort_on x"
    assert back.spool is None
    assert (back.verdict, back.summary) == (run.verdict, run.summary)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(records=hnp.arrays(SAMPLE_DTYPE, st.integers(0, 30)))
def test_any_records_are_read_back_exactly(
    store: Store, make_run: MakeRun, records: np.ndarray
) -> None:
    """Times are stored as differences: that must hold even for numbers no clock gives."""
    whole = np.zeros(len(records), dtype=SAMPLE_DTYPE)  # padding bytes zero, so bytes compare
    for field in SAMPLE_DTYPE.names or ():
        whole[field] = records[field]
    whole["seq"] = np.arange(len(records))
    run = replace(make_run(10, run_id=new_run_id()), samples=Samples(whole, ("a", "b")))
    with store.connect() as client:
        from benchlab.store.runs import read, write

        if len(whole):
            write._insert_block(client, run, whole, run.id)
        assert read._read_records(client, run.id, len(whole)).tobytes() == whole.tobytes()


def test_a_run_is_found_by_prefix_and_by_latest(store: Store, make_run: MakeRun) -> None:
    with pytest.raises(RunNotFoundError, match="no runs yet"):
        store.load("latest")
    old = make_run(10, run_id="aa11111111111111", started_at_ns=10**9)
    new = make_run(10, run_id="aa22222222222222", started_at_ns=2 * 10**9)
    store.save(new)
    store.save(old)
    assert store.load("latest").id == new.id
    assert store.load("aa1").id == old.id
    for wrong in ("aa", "b", "", "aa1' OR 1=1 --", "%"):
        with pytest.raises(RunNotFoundError, match="benchlab history"):
            store.load(wrong)


def test_missing_samples_are_a_store_error(store: Store, make_run: MakeRun) -> None:
    run = make_run(100)
    store.save(run)
    store.query_df("DELETE FROM samples WHERE seq = 7", write=True)
    with pytest.raises(StoreError, match="holds 99 of its 100 samples"):
        store.load(run.id)


def test_the_summary_row_is_in_seconds(store: Store, make_run: MakeRun) -> None:
    run = make_run(1000)
    store.save(run)
    row = store.query_df("SELECT * FROM benchmark_results ORDER BY timestamp DESC LIMIT 10;").iloc[
        0
    ]
    latency = run.summary.latency_ns
    assert latency is not None
    assert row["avg_latency"] == latency.mean / 1e9
    assert row["p95_latency"] == latency.p95 / 1e9
    assert row["p99_latency"] == latency.p99 / 1e9
    assert (row["min_latency"], row["max_latency"]) == (latency.min / 1e9, latency.max / 1e9)
    assert row["total_requests"] == run.summary.count == 950
    assert row["endpoint"] == "POST /api/add, GET /größe"


def test_a_run_that_measured_nothing_has_no_latency(store: Store, make_run: MakeRun) -> None:
    store.save(make_run(0))
    row = store.query_df("SELECT * FROM benchmark_results").iloc[0]
    assert row["total_requests"] == 0
    assert row["verdict"] == "invalid"
    assert row.isna()["avg_latency"]


def test_sql_and_python_agree_on_percentiles(store: Store, make_run: MakeRun) -> None:
    run = make_run(5000)
    store.save(run)
    row = store.query_df("SELECT * FROM run_percentiles").iloc[0]
    stats = run.summary
    for name, part in (("latency", stats.latency_ns), ("service", stats.service_ns)):
        assert part is not None
        for key in ("p50", "p90", "p95", "p99", "p99_9", "max"):
            assert row[f"{name}_{key}_ns"] == getattr(part, key)
    assert (row["request_count"], row["error_count"]) == (stats.count, stats.error_count)


def test_samples_have_their_times_in_sql(store: Store, make_run: MakeRun) -> None:
    run = make_run(20)
    store.save(run)
    frame = store.query_df(
        "SELECT sent_ns, first_byte_ns, done_ns, warmup, toUnixTimestamp64Nano(timestamp) AS at"
        " FROM samples ORDER BY seq"
    )
    records = run.samples.records
    for name in ("sent_ns", "first_byte_ns", "done_ns"):
        assert list(frame[name]) == list(records[name])
    assert list(frame["at"]) == list(run.started_at_ns + records["intended_ns"])
    assert frame["warmup"].sum() == 1


def test_client_errors_leave_a_connection_as_store_errors(store: Store) -> None:
    with pytest.raises(StoreError, match="failed: ") as caught, store.connect() as client:
        client.query("SELECT throwIf(1)")
    assert "\n" not in str(caught.value)
    assert store.runs().empty
