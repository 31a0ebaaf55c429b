"""Where the measured window ends."""

from __future__ import annotations

import pytest

from benchlab.display.text import window_text
from benchlab.plan.shapes import ClosedLoop
from benchlab.runs.health import WorkerHealth
from benchlab.units import NS_PER_S
from tests.runs.synthetic import make_run


def test_the_window_ends_by_the_plan_or_when_stopped() -> None:
    assert make_run(duration_s=10, warmup_s=1).window_ns == (NS_PER_S, 11 * NS_PER_S)
    assert make_run(stopped_ns=4 * NS_PER_S).window_ns == (NS_PER_S, 4 * NS_PER_S)
    assert make_run(stopped_ns=0).window_ns == (NS_PER_S, NS_PER_S)
    assert make_run(stopped_ns=90 * NS_PER_S).window_ns == (NS_PER_S, 11 * NS_PER_S)


def test_the_window_ends_with_the_last_of_request_count() -> None:
    run = make_run(load=ClosedLoop(8), count=600, request_count=500, duration_s=3600)
    assert run.summary.count == 500
    assert run.window_ns == (NS_PER_S, int(run.measured.column("done_ns").max()))
    assert run.summary.rate_rps == pytest.approx(100, rel=0.01)
    assert run.summary.intended_rate_rps is None
    assert window_text(run) == "500 requests measured in 4.99 s after 1 s of warm-up"


def test_the_window_ends_by_time_if_that_is_up_first() -> None:
    run = make_run(load=ClosedLoop(8), request_count=5_000, duration_s=10, warmup_s=0)
    assert run.window_ns == (0, 10 * NS_PER_S)
    assert run.verdict == "valid"
    assert window_text(run) == (
        "1,000 of 5,000 requests measured without a warm-up: then the time was up"
    )


def test_a_stop_after_the_last_request_is_not_an_interruption() -> None:
    settings = {"load": ClosedLoop(8), "request_count": 100, "duration_s": 10, "warmup_s": 0}
    whole = make_run(stopped_ns=NS_PER_S, **settings)  # type: ignore[arg-type]
    assert whole.verdict == "valid"
    early = make_run(stopped_ns=NS_PER_S // 2, **settings)  # type: ignore[arg-type]
    assert early.verdict == "interrupted"
    assert window_text(early).endswith(
        "50 of 100 requests measured without a warm-up: then the run was stopped"
    )


def test_stall_time_is_a_share_of_the_window_that_was_measured() -> None:
    """Not of the day that a number of requests may take at most."""
    still = [WorkerHealth(0, stall_count=1, stall_max_ns=90_000_000, stall_total_ns=90_000_000)]
    loop = ClosedLoop(8)
    counted = make_run(load=loop, workers=still, count=600, request_count=500, duration_s=3600)
    assert counted.verdict == "invalid"
    assert "stood still" in str(counted.invalid_reason)
    assert make_run(load=loop, workers=still, duration_s=3600, count=600).verdict == "valid"
