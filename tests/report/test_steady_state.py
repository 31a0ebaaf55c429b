"""The section on the steady state of a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchlab.plan.shapes import ClosedLoop
from benchlab.report.sections.steady_state import steady_state
from tests.report.test_page import text_of
from tests.runs.planted import planted_run
from tests.runs.synthetic import make_run


def test_a_plateau_is_shown_with_its_figures() -> None:
    text = text_of(steady_state(planted_run(lambda t: np.where(t < 5, 2.0, 1.0))))
    for part in ("Was it steady?", "plateau", "5 s to 50 s", "95 % interval", "warm-up to use"):
        assert part in text
    assert "in flight, and 400.0 requests/s × 5.50 ms mean latency = 2.2" in text
    assert "Kinds of requests" not in text


def test_level_shifts_and_kinds_of_requests_are_shown_if_there_are_any() -> None:
    run = planted_run(
        lambda t: np.where(t < 30, 1.0, 1.5) * np.where(t * 977 % 1 < 0.2, 9, 1), count=100_000
    )
    text = text_of(steady_state(run))
    assert "× 1.5 at 30 s" in text
    assert "Kinds of requests" in text


def test_a_broken_law_is_named() -> None:
    run = make_run(load=ClosedLoop(8), lag_ns=0)
    assert "the law does not hold, see the warning" in text_of(steady_state(run))


def test_without_requests_there_is_no_section() -> None:
    run = make_run(count=0)
    assert steady_state(run) is None
    assert steady_state(replace(run, stopped_ns=0)) is None
