"""Sentences about a run."""

from __future__ import annotations

import io

import numpy as np
from rich.console import Console

from benchlab.display.card import run_card
from benchlab.display.run_view import view
from benchlab.display.terminal import run_summary
from benchlab.display.text import floor_text, steadiness_hints, verdict_meaning
from benchlab.plan.shapes import ClosedLoop
from tests.runs.floors import make_floor
from tests.runs.planted import planted_run
from tests.runs.synthetic import edge_cases, make_run


def test_the_floor_is_shown_beside_the_percentiles() -> None:
    calibrated = {"calibration": {"floor": make_floor().to_dict()}}
    run = make_run(environment=calibrated, equal=True, lag_ns=0)
    expected = "p50 5.00 ms, floor 0.600 ms; p99 5.00 ms, floor 1.09 ms (calibrated 2026-11-01)"
    assert floor_text(run) == expected
    closed = make_run(environment=calibrated, equal=True, lag_ns=0, load=ClosedLoop(2))
    assert "p50 5.00 ms, floor 0.550 ms" in floor_text(closed)
    nothing = make_run(environment=calibrated, count=0)
    assert floor_text(nothing) == "floor 0.600 ms at p50, calibrated 2026-11-01"
    under_interference = {"calibration": {"floor": make_floor(warnings=("busy",)).to_dict()}}
    assert "2026-11-01 under interference" in floor_text(make_run(environment=under_interference))


def test_each_verdict_has_a_meaning() -> None:
    assert "kept its schedule" in verdict_meaning(make_run())
    assert "capacity to spare" in verdict_meaning(make_run(load=ClosedLoop(2)))
    assert "Do not take" in verdict_meaning(make_run(count=0))
    assert "did not reach its end" in verdict_meaning(make_run(stopped_ns=10**9))


def test_hints_say_what_one_number_would_hide() -> None:
    settles = planted_run(lambda t: np.where(t < 6, 2.0, 1.0))
    (hint,) = steadiness_hints(settles)
    assert hint == "latency settles until 6 s, and the warm-up ends at 1 s: use --warmup 6s"
    assert hint in run_card(settles)
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(run_summary(view(settles)))
    assert f"note: {hint}" in console.export_text()
    (hint,) = steadiness_hints(planted_run(lambda t: 1 + t / 50))
    assert hint.startswith("latency rises by ")


def test_ordinary_runs_have_no_hints() -> None:
    for run in (*edge_cases().values(), planted_run(lambda t: 1 + 0 * t)):
        assert steadiness_hints(run) == ()
