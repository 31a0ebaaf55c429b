"""Intervals of a run: of its measured window, by duration and by endpoint."""

from __future__ import annotations

import numpy as np
import pytest

from benchlab.errors import InputError
from benchlab.plan.request import Request
from benchlab.samples.samples import ErrorKind
from tests.runs.synthetic import URL, edge_cases, make_run

MIXED = make_run(
    duration_s=40, requests=[Request("GET", URL, name="a"), Request("GET", URL, name="b")]
)


def test_the_interval_is_around_the_percentile_of_the_summary() -> None:
    for key, ratio in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        found = MIXED.percentile_interval(ratio)
        assert MIXED.summary.latency_ns is not None
        assert found.value_ns == getattr(MIXED.summary.latency_ns, key)
        assert found.count == MIXED.summary.count == 4_000
        assert found.low_ns is not None
        assert found.high_ns is not None
        assert found.value_ns is not None
        assert found.low_ns <= found.value_ns <= found.high_ns


def test_warm_up_is_left_out() -> None:
    run = make_run(duration_s=10, warmup_s=5)
    run.samples.records["done_ns"][:500] += 10**10
    assert run.percentile_interval(0.99) == make_run(duration_s=10, warmup_s=5).percentile_interval(
        0.99
    )


def test_of_one_endpoint_and_another_duration() -> None:
    found = MIXED.percentile_interval(0.9, duration="service", endpoint="b")
    services = np.sort(MIXED.measured.endpoint("b").service_ns)
    assert found.count == 2_000
    assert found.value_ns == services[1_800]
    with pytest.raises(InputError, match="'c' is not an endpoint"):
        MIXED.percentile_interval(0.9, endpoint="c")


@pytest.mark.parametrize("name", edge_cases())
def test_runs_with_little_to_show(name: str) -> None:
    run = edge_cases()[name]
    for ratio in (0.001, 0.5, 0.99, 0.999):
        found = run.percentile_interval(ratio)
        assert found.count == len(run.measured)
        assert (found.value_ns is None) == (found.count == 0)
        assert found.low_ns is not None or found.high_ns is None
        if found.count < 320:
            assert found.low_ns is None


def test_failed_requests_are_included() -> None:
    run = make_run(errors=True)
    run.samples.records["done_ns"][run.samples.records["error"] != ErrorKind.OK] += 10**9
    found = run.percentile_interval(0.99)
    assert found.value_ns is not None
    assert found.value_ns > 10**9
