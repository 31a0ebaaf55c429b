from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.analysis import timeseries as module
from benchlab.analysis.timeseries import choose_bucket_s, timeseries
from benchlab.errors import InputError
from benchlab.plan.request import Request
from benchlab.samples.percentiles import exact_percentile
from benchlab.samples.samples import Samples
from benchlab.units import NS_PER_S
from tests.runs.synthetic import URL, edge_cases, make_run
from tests.samples.long import as_if_long


def test_every_bucket_agrees_with_its_own_samples() -> None:
    run = make_run(stall=True, errors=True)
    measured = run.measured
    table = timeseries(measured, *run.window_ns, bucket_s=0.7)
    assert len(table) == 15  # 14 whole buckets and one of 0.2 s
    row: Any
    for row in table.itertuples():
        start_ns = round(row.start_s * NS_PER_S)
        end_ns = min(start_ns + 700_000_000, run.window_ns[1])
        intended_ns = measured.column("intended_ns")
        mine = measured.where((intended_ns >= start_ns) & (intended_ns < end_ns))
        ordered = np.sort(mine.latency_ns)
        seconds = (end_ns - start_ns) / NS_PER_S
        done_ns = measured.column("done_ns")
        assert row.count == len(mine)
        assert row.error_count == mine.error_count
        assert row.rate_rps == pytest.approx(len(mine) / seconds)
        done = np.count_nonzero((done_ns >= start_ns) & (done_ns < end_ns))
        assert row.done_rps == pytest.approx(done / seconds)
        assert row.bytes_in == mine.column("bytes_in").sum()
        for name, ratio in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)):
            assert getattr(row, f"latency_{name}_ms") == exact_percentile(ordered, ratio) / 1e6
        assert row.lag_p99_ms == exact_percentile(np.sort(mine.lag_ns), 0.99) / 1e6
    assert table["count"].sum() == len(measured)


def test_requests_of_the_warmup_that_are_still_open_are_in_flight() -> None:
    run = make_run(warmup_s=5.5, stall=True, duration_s=5)  # those of 5.0 to 5.5 s end at 6 s
    alone = timeseries(run.measured, *run.window_ns, bucket_s=0.1)
    table = timeseries(run.measured, *run.window_ns, bucket_s=0.1, whole=run.samples)
    assert alone["in_flight_max"][0] == 10
    assert table["in_flight_max"][0] == 60
    assert table["in_flight"][0] == pytest.approx(55, abs=1)
    pd.testing.assert_frame_equal(table.iloc[:, :-2], alone.iloc[:, :-2])


def test_one_endpoint_has_a_time_series_of_its_own() -> None:
    run = make_run(requests=[Request("GET", URL, name=name) for name in ("even", "odd")])
    window = run.window_ns
    table = timeseries(run.measured, *window, 1, endpoint="odd", whole=run.samples)
    expected = timeseries(
        run.measured.endpoint("odd"), *window, 1, whole=run.samples.endpoint("odd")
    )
    pd.testing.assert_frame_equal(table, expected)
    assert table["count"].sum() == 500


@pytest.mark.parametrize("shuffled", [0, 30, 1000])
def test_a_long_run_in_blocks_has_the_same_rows(
    shuffled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = make_run(stall=True, errors=True).measured
    drawn = np.random.default_rng(1).integers(0, shuffled + 1, len(measured))
    samples = measured.where(np.argsort(np.arange(len(measured)) + drawn))
    expected = timeseries(measured, 0, 10 * NS_PER_S, bucket_s=0.3)
    monkeypatch.setattr(module, "_MOST_HELD", 50)
    with as_if_long(20):
        found = timeseries(samples, 0, 10 * NS_PER_S, bucket_s=0.3)
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize(("shuffled", "most"), [(0, 100), (100, 300)])
def test_few_requests_are_held_at_once(
    shuffled: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = make_run().measured
    drawn = np.random.default_rng(1).integers(0, shuffled + 1, len(samples))
    samples = samples.where(np.argsort(np.arange(len(samples)) + drawn))
    monkeypatch.setattr(module, "_MOST_HELD", 50)
    with as_if_long(20):
        first_ns = [int(times.min()) for times in samples.in_blocks("intended_ns")]
        parts = module._whole_buckets(samples, first_ns, 0, NS_PER_S // 10)
        sizes = [len(buckets) for buckets, _ in parts]
    assert sum(sizes) == len(samples)
    assert max(sizes) <= most


@pytest.mark.parametrize("far_ns", [0, 2**62])
def test_sorting_is_by_bucket_then_value_also_where_one_key_would_overflow(far_ns: int) -> None:
    measured = make_run(stall=True).measured
    bucket = measured.column("intended_ns") // NS_PER_S
    values_ns = measured.latency_ns
    values_ns[500] += far_ns
    expected = sorted(zip(bucket.tolist(), values_ns.tolist(), strict=True))
    found = module._sorted_within(bucket, values_ns)
    assert found.tolist() == [value for _, value in expected]


def test_a_gap_is_a_row_without_percentiles() -> None:
    samples = make_run(warmup_s=0).samples
    intended_ns = samples.column("intended_ns")
    gap = samples.where((intended_ns < 2 * NS_PER_S) | (intended_ns >= 3 * NS_PER_S))
    row = timeseries(gap, 0, 10 * NS_PER_S, bucket_s=1).iloc[2]
    assert row["count"] == 0
    assert row["rate_rps"] == 0
    assert np.isnan(row["latency_p50_ms"])
    assert np.isnan(row["lag_p99_ms"])


def test_requests_outside_the_window_are_left_out() -> None:
    samples = make_run().samples
    assert timeseries(samples, 2 * NS_PER_S, 4 * NS_PER_S, 0.5)["count"].sum() == 200


@pytest.mark.parametrize("name", edge_cases())
def test_it_takes_any_run(name: str) -> None:
    run = edge_cases()[name]
    table = timeseries(run.measured, *run.window_ns)
    assert table["count"].sum() == len(run.measured)


def test_an_empty_window_has_no_rows_but_all_columns() -> None:
    table = timeseries(Samples.empty(), 5, 5)
    assert len(table) == 0
    assert list(table) == list(timeseries(make_run().samples, 0, NS_PER_S))


@given(st.floats(0.001, 500_000), st.integers(0, 10**9))
def test_the_chosen_width_gives_a_readable_number_of_buckets(duration_s: float, count: int) -> None:
    buckets = duration_s / choose_bucket_s(duration_s, count)
    assert buckets <= 150
    if duration_s > 0.1:
        assert buckets >= 3


@pytest.mark.parametrize(
    ("duration_s", "count", "width"),
    [
        (1, 10**6, 0.01),
        (20, 10_000, 0.5),
        (60, 10**6, 0.5),
        (3600, 10**6, 30),
        (10, 1000, 1),
        (20, 40, 2),
    ],
)
def test_the_chosen_width_for_usual_runs(duration_s: float, count: int, width: float) -> None:
    assert choose_bucket_s(duration_s, count) == width


@pytest.mark.parametrize("bucket_s", [0, -1, float("nan")])
def test_a_width_must_be_above_zero(bucket_s: float) -> None:
    with pytest.raises(InputError, match="bucket_s"):
        timeseries(Samples.empty(), 0, NS_PER_S, bucket_s)


def test_a_width_that_makes_too_many_buckets_is_refused() -> None:
    with pytest.raises(InputError, match="buckets"):
        timeseries(Samples.empty(), 0, 100 * NS_PER_S, 1e-6)
