from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchlab.plan.request import Request
from benchlab.plan.shapes import ClosedLoop
from benchlab.runs.run import Run
from benchlab.samples.percentiles import exact_percentile
from benchlab.samples.statistics import PERCENTILES
from benchlab.samples.summary import Distribution
from tests.runs.synthetic import URL, make_run
from tests.samples.long import as_if_long

durations = arrays(np.int64, st.integers(1, 300), elements=st.integers(0, 10**12))


@given(durations, st.floats(0, 1))
def test_a_percentile_is_the_element_at_the_floor_of_ratio_times_count(
    values_ns: np.ndarray, ratio: float
) -> None:
    ordered = sorted(values_ns.tolist())
    expected = ordered[min(int(ratio * len(ordered)), len(ordered) - 1)]
    assert exact_percentile(np.sort(values_ns), ratio) == expected


@given(durations)
def test_a_distribution_is_ordered_and_of_recorded_values(values_ns: np.ndarray) -> None:
    distribution = Distribution.of(values_ns)
    assert distribution is not None
    found = [
        distribution.min,
        *(getattr(distribution, key) for key in PERCENTILES),
        distribution.max,
    ]
    assert found == sorted(found)
    assert set(found) <= set(values_ns.tolist())
    assert distribution.mean == pytest.approx(sum(values_ns.tolist()) / len(values_ns), abs=1)


def test_no_values_have_no_distribution() -> None:
    assert Distribution.of(np.empty(0, dtype=np.int64)) is None


def test_the_summary_counts_the_measured_window_errors_included() -> None:
    stats = make_run(rate_rps=100, duration_s=10, warmup_s=1, errors=True).summary
    assert stats.count == 1000
    assert stats.error_count == 30
    assert stats.error_ratio == 0.03
    assert stats.bytes_in == 24_000
    assert stats.intended_rate_rps == 100
    assert stats.rate_rps == pytest.approx(100, rel=0.01)


def test_responses_after_the_window_do_not_count_in_its_rate() -> None:
    run = make_run(rate_rps=10, duration_s=6, warmup_s=0, stall=True)
    late = int((run.measured.column("done_ns") > run.window_ns[1]).sum())
    assert late > 0
    assert run.summary.duration_s == 6.0
    assert run.summary.count == 60
    assert run.summary.rate_rps == (60 - late) / 6


def test_a_run_without_samples_has_a_summary() -> None:
    run = make_run(count=0)
    assert run.summary.count == 0
    assert run.summary.latency_ns is None
    assert run.summary.rate_rps == 0
    assert run.summary.error_ratio == 0
    assert len(run.to_pandas()) == 1
    assert run.to_dict()["latency_ns"] is None


def test_the_dict_of_a_run_has_exactly_the_public_keys() -> None:
    data = make_run().to_dict()
    assert " ".join(data) == (
        "run_id name url started_at duration_s count error_count error_ratio errors rate_rps"
        " intended_rate_rps latency_ns service_ns lag_ns tries streams verdict"
        " invalid_reason hint warnings floor_ns floor_note stop_reason slo examples faults"
        " hosts endpoints steady_state littles_law modes fidelity"
    )
    for name in ("service_ns", "lag_ns"):
        assert " ".join(data[name]) == "mean min p50 p90 p95 p99 p99_9 max"
    assert " ".join(data["latency_ns"]) == (
        "mean min p50 p50_low p50_high p50_n_eff p90 p90_low p90_high p90_n_eff"
        " p95 p95_low p95_high p95_n_eff p99 p99_low p99_high p99_n_eff"
        " p99_9 p99_9_low p99_9_high p99_9_n_eff max"
    )


def test_the_intervals_of_a_summary_are_those_of_the_run() -> None:
    run = make_run(duration_s=20, requests=[Request("GET", URL, name=name) for name in "ab"])
    for endpoint, data in ((None, run.to_dict()), ("b", run.to_dict()["endpoints"]["b"])):
        for key, ratio in PERCENTILES.items():
            found = run.percentile_interval(ratio, endpoint=endpoint)
            assert data["latency_ns"][key] == found.value_ns
            assert data["latency_ns"][f"{key}_low"] == found.low_ns
            assert data["latency_ns"][f"{key}_high"] == found.high_ns
            assert data["latency_ns"][f"{key}_n_eff"] == found.n_eff
    row = run.to_pandas().iloc[0]
    assert row["latency_p90_low_ms"] == run.to_dict()["latency_ns"]["p90_low"] / 1e6
    assert row["latency_p99_9_high_ms"] is None
    assert row["latency_p50_n_eff"] == run.percentile_interval(0.5).n_eff


def test_a_run_has_numbers_for_each_named_request() -> None:
    requests = [
        Request("GET", URL, name="often", weight=3),
        Request("POST", URL, name="rarely"),
        Request("PUT", URL, name="often"),
    ]
    run = make_run(requests=requests, errors=True)
    parts = run.by_endpoint()
    assert list(parts) == ["often", "rarely"]
    assert sum(part.count for part in parts.values()) == run.summary.count
    assert sum(part.error_count for part in parts.values()) == run.summary.error_count
    assert sum(part.rate_rps for part in parts.values()) == pytest.approx(run.summary.rate_rps)
    data = run.to_dict()["endpoints"]
    assert {name: numbers["count"] for name, numbers in data.items()} == {
        name: part.count for name, part in parts.items()
    }
    assert set(data["often"]) == set(run.summary.to_dict())
    assert "endpoints" not in run.to_pandas().columns


def test_the_endpoint_of_a_single_request_has_the_numbers_of_the_run() -> None:
    run = make_run()
    assert run.by_endpoint() == {run.name: run.summary}


RUNS: dict[str, dict[str, Any]] = {
    "open": {"errors": True},
    "stalled": {"stall": True},
    "late": {"lag_ns": 20_000_000},
    "closed": {"load": ClosedLoop(4)},
    "closed and counted": {"load": ClosedLoop(4), "request_count": 1000},
    "two requests": {"errors": True, "requests": [Request("GET", URL), Request("PUT", URL)]},
    "stopped": {"stopped_ns": 4_000_000_000},
    "nothing": {"count": 0},
}


@pytest.mark.parametrize("kind", RUNS)
def test_the_summary_of_a_long_run_needs_little_memory(kind: str) -> None:
    slo = [
        *("p99<2ms", "lag.mean<1ms", "service.max<9ms", "error_ratio<1%", "rate_rps>90"),
        *("p50<2ms over 1s", "p90<2ms over 100ms", "error_count<1 over 3s", "rate_rps>90 over 1s"),
    ]

    def shuffled() -> Run:
        run = make_run(slo=slo, **RUNS[kind])
        order = np.random.default_rng(1).permutation(len(run.samples))  # the warm-up is not a slice
        return replace(run, samples=run.samples.where(order))

    whole = shuffled()
    expected = (whole.to_dict(), whole.histogram().encode(), whole._repr_html_())
    with as_if_long(100):
        run = shuffled()
        assert (run.to_dict(), run.histogram().encode(), run._repr_html_()) == expected
