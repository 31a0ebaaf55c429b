"""SQL views of runs agree with what Python computes from their samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benchlab.analysis.histogram import histogram_table
from benchlab.plan.plan import Plan
from benchlab.plan.scenario import Scenario
from benchlab.plan.shapes import ClosedLoop
from benchlab.runs.run import Run
from benchlab.samples.percentiles import exact_percentile
from benchlab.samples.samples import Flag, Samples
from benchlab.samples.statistics import PERCENTILES
from benchlab.store import Store
from benchlab.store.runs import write
from benchlab.units import NS_PER_MS, NS_PER_S

MakeRun = Callable[..., Run]

ERROR = 0.005
"""What the sketches promise: relative, of any percentile."""


def check_percentiles(row: object, samples: Samples) -> None:
    ordered = np.sort(samples.latency_ns)
    for key, ratio in PERCENTILES.items():
        # A sketch may return either neighbour of the rank, each within its error.
        rank = min(int(ratio * len(ordered)), len(ordered) - 1)
        lowest, highest = ordered[max(rank - 1, 0)], exact_percentile(ordered, ratio)
        value = getattr(row, f"latency_{key}_ns")
        assert lowest * (1 - ERROR) - 1 <= value <= highest * (1 + ERROR) + 1


@pytest.mark.parametrize("block", [100, 262_144])
def test_seconds_match_the_samples(
    store: Store, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(write, "BLOCK_SAMPLES", block)
    run = make_run(3500)
    store.save(run)
    store.save(make_run(500, seed=2))
    table = store.query_df(
        "SELECT * FROM per_second WHERE run_id = {run_id:String} ORDER BY second, warmup",
        {"run_id": run.id},
    )
    records = run.samples
    second = records.column("intended_ns") // NS_PER_S
    warmup = (records.column("flags") & 1) == 1
    assert len(table) == len(np.unique(second * 2 + ~warmup))
    for row in table.itertuples():
        part = records.where((second == row.second) & (warmup == row.warmup))
        assert row.request_count == len(part)
        assert row.error_count == part.error_count
        assert row.bytes_in == part.column("bytes_in").sum()
        assert row.latency_max_ns == part.latency_ns.max()
        check_percentiles(row, part)
    start = table["timestamp"].iloc[0].value
    assert start == run.started_at_ns
    assert table["timestamp"].iloc[-1].value == start + int(table["second"].iloc[-1]) * NS_PER_S


def test_endpoints_match_the_measured_window(store: Store, make_run: MakeRun) -> None:
    run = make_run(3500)
    store.save(run)
    table = store.query_df("SELECT * FROM per_endpoint ORDER BY endpoint")
    assert list(table["name"]) == list(run.samples.endpoints)
    for row in table.itertuples():
        part = run.measured.endpoint(str(row.name))
        assert (row.request_count, row.error_count) == (len(part), part.error_count)
        assert row.latency_max_ns == part.latency_ns.max()
        check_percentiles(row, part)


def test_scenario_steps_have_their_names(store: Store, make_run: MakeRun) -> None:
    run = make_run(500)
    plan = Plan(
        scenario=Scenario("http://127.0.0.1:8000", "shop", steps=("cart", "buy")),
        load=ClosedLoop(2),
        duration_s=1.0,
        driver="httpx",
    )
    run.samples.records["endpoint"] += 1
    run.samples.records["flags"] |= np.uint8(Flag.FIRST_STEP)
    run = replace(run, plan=plan, samples=Samples(run.samples.records, plan.endpoint_names))
    store.save(run)
    table = store.query_df("SELECT * FROM per_endpoint ORDER BY endpoint")
    assert list(zip(table["endpoint"], table["name"], strict=True)) == [(1, "cart"), (2, "buy")]
    slowest = store.slowest(run.id, 1)[0].request
    assert slowest is not None
    assert slowest.endpoint == run.samples.endpoints[run.samples.records["endpoint"][slowest.seq]]
    kept = store.load(run.id)
    assert (kept.samples.endpoints, kept.iteration_count) == (("shop", "cart", "buy"), 475)


def test_histograms_have_the_buckets_of_the_reports(store: Store, make_run: MakeRun) -> None:
    run = make_run(3500)
    store.save(run)
    table = store.query_df("SELECT * FROM latency_histogram ORDER BY lower_ns")
    expected = histogram_table(run.measured)
    expected = expected[expected["latency_count"] > 0]
    np.testing.assert_array_equal(table["lower_ns"] / NS_PER_MS, expected["lower_ms"])
    np.testing.assert_array_equal(table["upper_ns"] / NS_PER_MS, expected["upper_ms"])
    np.testing.assert_array_equal(table["request_count"], expected["latency_count"])


def test_the_last_run_of_each_name(store: Store, make_run: MakeRun) -> None:
    runs = [
        make_run(5, name=name, started_at_ns=at * 10**9)
        for name, at in (("a", 3), ("b", 1), ("a", 2))
    ]
    for run in runs:
        store.save(run)
    table = store.query_df("SELECT id, name FROM runs_latest ORDER BY name")
    assert list(table["id"]) == [runs[0].id, runs[1].id]


def test_views_ignore_samples_without_a_run(store: Store, make_run: MakeRun) -> None:
    """Blocks of a run whose saving was cut off."""
    run = make_run(100)
    with store.connect() as client:
        write._insert_block(client, run, run.samples.records, "cut off")
    for view in (
        "per_second",
        "per_endpoint",
        "latency_histogram",
        "run_percentiles",
        "runs_latest",
    ):
        assert store.query_df(f"SELECT * FROM {view}").empty  # noqa: S608  # constants
    store.save(run)
    assert store.query_df("SELECT sum(request_count) AS n FROM per_second")["n"][0] == 100
