from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchlab.analysis.histogram import EDGES_NS, histogram_table
from benchlab.errors import InputError
from benchlab.samples.samples import SAMPLE_DTYPE, Samples
from tests.runs.synthetic import make_run


def samples_of(latency_ns: np.ndarray) -> Samples:
    records = np.zeros(len(latency_ns), dtype=SAMPLE_DTYPE)
    records["done_ns"] = latency_ns
    return Samples(records)


@given(arrays(np.int64, st.integers(0, 100), elements=st.integers(0, 10**12)))
def test_every_request_is_counted_once_in_its_bucket(latency_ns: np.ndarray) -> None:
    table = histogram_table(samples_of(latency_ns))
    assert table["latency_count"].sum() == len(latency_ns)
    row: Any
    for row in table.itertuples():
        inside = (latency_ns >= row.lower_ms * 1e6) & (latency_ns < row.upper_ms * 1e6)
        assert row.latency_count == np.count_nonzero(inside)
    if len(latency_ns):
        assert table["latency_ratio"].sum() == pytest.approx(1)
        assert table["latency_cumulative_ratio"].iloc[-1] == pytest.approx(1)
        assert table["latency_cumulative_ratio"].is_monotonic_increasing


def test_the_edges_do_not_depend_on_the_data() -> None:
    fast, slow = (histogram_table(make_run(stall=stall).measured) for stall in (False, True))
    edges = {round(edge / 1e6, 9) for edge in EDGES_NS.tolist()}
    for table in (fast, slow):
        assert set(table["lower_ms"].round(9)) <= edges
        assert list(table["lower_ms"][1:]) == list(table["upper_ms"][:-1])
    assert len(slow) > len(fast)


def test_there_are_twenty_buckets_in_every_decade() -> None:
    assert np.all(np.diff(EDGES_NS) > 0)
    ratios = EDGES_NS[2:] / EDGES_NS[1:-1]
    assert ratios.min() > 1.09
    assert ratios.max() < 1.15
    for power in range(3, 15):
        decade = np.searchsorted(EDGES_NS, [10**power, 10 ** (power + 1)])
        assert decade[1] - decade[0] == 20


def test_service_time_and_lag_are_counted_too() -> None:
    measured = make_run(lag_ns=40_000).measured
    table = histogram_table(measured)
    assert table["service_count"].sum() == table["lag_count"].sum() == len(measured)
    assert table.loc[table["lag_count"] > 0, "upper_ms"].max() <= 0.063


def test_a_value_on_an_edge_belongs_to_the_bucket_above() -> None:
    table = histogram_table(samples_of(np.array([1_000_000])))
    row = table[table["latency_count"] > 0].iloc[0]
    assert (row["lower_ms"], row["upper_ms"]) == (1.0, 1.12)


@pytest.mark.parametrize("wrong", [-1, 10**15])
def test_a_duration_out_of_range_raises(wrong: int) -> None:
    with pytest.raises(InputError, match=f"latency of {wrong} ns"):
        histogram_table(samples_of(np.array([5, wrong])))
