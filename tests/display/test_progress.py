"""Text of the progress of a run, and of an A/B."""

from __future__ import annotations

from benchlab.display.progress import ab_text, done_text, numbers_text
from benchlab.experiments.ab_progress import ABProgress
from benchlab.load.supervisor.progress import Progress


def test_progress_is_counted_in_the_unit_that_the_plan_goes_by() -> None:
    assert done_text(Progress("measuring", 3.2, 12.0)) == "3/12 s"
    counted = Progress("measuring", 3.2, 12.0, total_count=1500, done_count=1200)
    assert done_text(counted) == "1,200/1,500 requests"
    steps = Progress("measuring", 1, 2, total_count=10, done_count=4, scheduled_noun="iteration")
    assert done_text(steps) == "4/10 iterations"


def test_numbers_have_their_units_and_a_dash_before_the_first_response() -> None:
    assert numbers_text(Progress("warm-up", 0, 1)) == "0.0 requests/s · p99 – · 0 errors"
    steps = Progress("measuring", 1, 2, sample_noun="step")
    assert numbers_text(steps) == "0.0 steps/s · p99 – · 0 errors"
    later = Progress("measuring", 1, 2, error_count=1, rate_rps=1234.5, p99_ns=1_500_000)
    assert numbers_text(later) == "1,234.5 requests/s · p99 1.50 ms · 1 error"


def test_an_ab_shows_how_its_interval_closes() -> None:
    assert ab_text(ABProgress(0, 20, "p50")) == "block 0 of 20"
    assert ab_text(ABProgress(3, 20, "p50", 0.9)) == "block 3 of 20 · p50 −10.0 %"
    text = ab_text(ABProgress(7, 20, "p99", 1.012, 0.992, 1.031))
    assert text == "block 7 of 20 · p99 +1.2 % (−0.8 to +3.1 %)"
