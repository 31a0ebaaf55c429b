from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchlab.errors import InputError
from benchlab.plan.request import Request
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Samples
from tests.runs.synthetic import URL, make_run


def _run(latencies_ms: Sequence[float], failed: tuple[int, ...] = (), **plan: Any) -> Run:
    run = make_run(count=len(latencies_ms), warmup_s=0, **plan)
    records = run.samples.records.copy()
    records["done_ns"] = records["intended_ns"] + (np.array(latencies_ms) * 1e6).astype(int)
    records["error"][list(failed)] = ErrorKind.STATUS
    return replace(run, samples=Samples(records, run.samples.endpoints))


def test_the_score_is_that_of_the_specification() -> None:
    # 60 satisfied, 30 tolerating and 10 frustrated users: its own example, 0.75.
    found = _run([500] * 60 + [4_000] * 30 + [4_001] * 10).apdex(1_000)
    assert found.score == 0.75
    assert (found.satisfied_count, found.tolerating_count, found.frustrated_count) == (60, 30, 10)
    assert (found.rating, found.notation, found.source) == ("fair", "0.75 [1]", "given")
    assert (found.score_low, found.score_high) == (None, None)


def test_limits_belong_to_the_better_class() -> None:
    found = _run([10, 10.000001, 40, 40.000001]).apdex(10)
    assert (found.satisfied_count, found.tolerating_count, found.frustrated_count) == (1, 2, 1)
    assert found.notation == "0.50 [0.01]*"


def test_failed_requests_frustrate_however_fast_they_failed() -> None:
    found = _run([1] * 4, failed=(0, 2)).apdex(10)
    assert (found.score, found.frustrated_count, found.error_count) == (0.5, 2, 2)


@pytest.mark.parametrize(
    ("score", "rating"),
    [(94, "excellent"), (93, "good"), (85, "good"), (84, "fair"), (70, "fair"), (69, "poor"),
     (50, "poor"), (49, "unacceptable")],
)  # fmt: skip
def test_ratings_are_those_of_the_specification(score: int, rating: str) -> None:
    assert _run([1] * score + [100] * (100 - score)).apdex(10).rating == rating


def test_the_target_is_the_plans_objective() -> None:
    slo = ["error_ratio<0.1", "service.p99<1ms", "p90[b]<7ms", "p99<20ms"]
    requests = [Request("GET", URL, name=name) for name in "ab"]
    run = _run([10] * 10, requests=requests, slo=slo)
    assert run.apdex().target_ns == 20_000_000
    assert run.apdex().source == "the objective p99<20ms"
    assert run.apdex(endpoint="b").target_ns == 7_000_000
    with pytest.raises(InputError, match="no objective of the latency"):
        _run([10]).apdex()


@pytest.mark.parametrize("target_ms", [0, -1, float("nan"), float("inf")])
def test_a_target_that_is_no_time_is_refused(target_ms: float) -> None:
    with pytest.raises(InputError, match="target_ms"):
        _run([10]).apdex(target_ms)


def test_without_requests_there_is_no_score() -> None:
    found = make_run(count=0).apdex(10)
    assert (found.score, found.rating, found.notation) == (None, "", "NS [0.01]")
    assert "no request was measured" in str(found)


def test_the_interval_contains_the_score() -> None:
    found = make_run().apdex(2)
    assert found.score is not None
    assert found.score_low is not None
    assert found.score_high is not None
    assert 0 < found.score_low < found.score < found.score_high < 1
    (row,) = found.to_pandas().to_dict("records")
    assert (row["target_ms"], row["rating"]) == (2, found.rating)
    assert found.rating in str(found)
    assert "frustrated" in str(found._repr_html_())
