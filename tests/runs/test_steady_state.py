from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from benchlab.errors import InputError
from benchlab.plan.request import Request
from benchlab.plan.shapes import ClosedLoop, Stages, Steps
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Samples
from tests.runs.planted import planted_run
from tests.runs.synthetic import URL, edge_cases, make_run

MS = 1_000_000


@pytest.mark.parametrize("start_s", [0.0, 3.0, 10.0, 20.0])
def test_a_planted_plateau_is_found_with_its_level(start_s: float) -> None:
    run = planted_run(lambda t: np.where(t < start_s, 2.0, 1.0))
    steady = run.steady_state()
    assert steady.verdict == "plateau"
    assert steady.start_s == pytest.approx(start_s, abs=steady.batch_s)
    assert steady.end_s == 50
    assert steady.median_low_ns is not None
    assert steady.median_high_ns is not None
    assert steady.median_low_ns <= 5 * MS <= steady.median_high_ns
    assert steady.warmup_s is not None
    assert steady.start_s is not None
    assert steady.warmup_s >= steady.start_s
    assert steady.level_shifts == ()


@pytest.mark.parametrize(("ratio", "verdict"), [(0.2, "drifting up"), (-0.2, "drifting down")])
def test_a_drift_is_no_plateau(ratio: float, verdict: str) -> None:
    steady = planted_run(lambda t: 1 + ratio * t / 50).steady_state()
    assert steady.verdict == verdict
    assert steady.drift_ratio == pytest.approx(ratio, abs=0.06)
    assert (steady.start_s, steady.median_ns, steady.warmup_s) == (None, None, None)
    assert f"latency {'rises' if ratio > 0 else 'falls'} by" in steady.why


def test_a_level_shift_ends_the_plateau_and_is_flagged() -> None:
    steady = planted_run(lambda t: np.where(t < 30, 1.0, 1.5), count=40_000).steady_state()
    assert (steady.verdict, steady.start_s, steady.end_s) == ("plateau", 0, 30)
    (shift,) = steady.level_shifts
    assert shift.at_s == 30
    assert shift.ratio == pytest.approx(1.5, rel=0.05)
    assert "to 30 s" in steady.why
    assert "level shifts by +" in steady.why


def test_an_overload_drifts_up_however_short_the_run_is() -> None:
    run = planted_run(lambda t: 1 + 100 * t, count=4_000, length_s=2)
    assert run.steady_state().verdict == "drifting up"


def test_a_load_that_changes_as_planned_has_no_steady_state() -> None:
    for load in (Stages([(5, 100), (5, 10)]), Steps([(5, 10), (5, 100)])):
        steady = make_run(load=load).steady_state()
        assert (steady.verdict, "the load itself changes" in steady.why) == ("none", True)
    even = Steps([(5, 100), (5, 100)])
    assert "the load itself" not in make_run(load=even).steady_state().why


def test_few_requests_say_too_little() -> None:
    assert "50 requests say too little" in make_run(count=50).steady_state().why
    for name, run in edge_cases().items():
        steady = run.steady_state()
        json.dumps(steady.to_dict(), allow_nan=False)
        assert steady.why, name


def test_a_short_run_has_no_plateau() -> None:
    steady = planted_run(lambda t: 1 + 0 * t, length_s=1.5).steady_state()
    assert (steady.verdict, "too short" in steady.why) == ("none", True)


def _with(run: Run, **columns: object) -> Run:
    records = run.samples.records.copy()
    for name, values in columns.items():
        records[name] = values
    return replace(run, samples=Samples(records, run.samples.endpoints))


def test_failures_that_begin_end_the_steady_state() -> None:
    run = planted_run(lambda t: 1 + 0 * t)
    late = run.samples.column("seq") > 12_000
    steady = _with(run, error=np.where(late, ErrorKind.STATUS, 0)).steady_state()
    assert steady.verdict == "none"
    assert "failed requests changes from 0 % to 100 % at 30 s" in steady.why
    even = run.samples.column("seq") % 2 == 1
    assert _with(run, error=np.where(even, ErrorKind.STATUS, 0)).steady_state().start_s == 0


def test_a_rate_that_drifts_is_no_steady_state_of_a_closed_loop() -> None:
    run = planted_run(lambda t: 1 + 0 * t, load=ClosedLoop(4))
    assert run.steady_state().verdict == "plateau"
    intended = run.samples.column("intended_ns")
    slower = (50e9 * (intended / 50e9) ** 1.3).astype(np.int64)
    took = run.samples.latency_ns
    steady = _with(run, intended_ns=slower, sent_ns=slower, done_ns=slower + took).steady_state()
    assert steady.verdict == "none"
    assert "the rate falls by" in steady.why


def test_times_without_requests_are_no_steady_state() -> None:
    run = planted_run(lambda t: 1 + 0 * t)
    kept = run.samples.choose(lambda records: np.abs(records["intended_ns"] - 25e9) > 4e9)
    assert "no request was sent in" in replace(run, samples=kept).steady_state().why


def test_one_endpoint_can_be_asked_for() -> None:
    requests = [Request("GET", URL + path, name=path) for path in ("/a", "/b")]
    run = planted_run(lambda t: 1 + 0 * t, requests=requests)
    found = run.samples.records.copy()
    slow = found["endpoint"] == 1
    found["done_ns"][slow] += (found["intended_ns"][slow] // 5_000).astype(np.int64)
    run = replace(run, samples=Samples(found, run.samples.endpoints))
    assert run.steady_state(endpoint="/a").verdict == "plateau"
    assert run.steady_state(endpoint="/b").verdict == "drifting up"
    assert run.steady_state(endpoint="/b").endpoint == "/b"
    with pytest.raises(InputError):
        run.steady_state(endpoint="/c")


def test_a_steady_state_is_a_frame_and_shows_itself() -> None:
    steady = planted_run(lambda t: np.where(t < 5, 2.0, 1.0)).steady_state()
    (row,) = steady.to_pandas().to_dict("records")
    assert (row["verdict"], row["start_s"]) == ("plateau", steady.start_s)
    assert row["median_ms"] == pytest.approx(5, rel=0.05)
    text, html = str(steady), str(steady._repr_html_())
    for part in ("plateau", "median there", "warm-up to use", "100 batches of 0.5 s"):
        assert part in text
        assert part in html
    shifted = planted_run(lambda t: np.where(t < 30, 1.0, 1.5), count=40_000).steady_state()
    assert "Level shifts" in str(shifted)


def test_an_invalid_run_says_that_it_may_be_the_generator() -> None:
    run = replace(planted_run(lambda t: 1 + t / 50), plan=make_run().plan)
    assert run.verdict == "invalid"
    assert run.steady_state().why.endswith("this may be the generator and not the service")


@pytest.mark.parametrize(
    ("deviation", "memory", "remedy"),
    [(0.8, 0.3, "measure for about "), (1.0, 0.9, "find what makes it vary")],
)
def test_only_a_length_that_can_be_waited_for_is_advised(
    deviation: float, memory: float, remedy: str
) -> None:
    level = planted_run(np.ones_like, count=4_000, length_s=500, deviation=deviation, memory=memory)
    found = level.steady_state()
    assert found.verdict == "none"
    assert remedy in found.why
