"""The section of a run's report about its faults."""

from __future__ import annotations

from dataclasses import replace

from benchlab.report.sections.resilience import resilience
from tests.analysis.faulty import faulty_run
from tests.runs.synthetic import make_run


def test_a_run_with_faults_says_how_it_came_through_them() -> None:
    section = resilience(faulty_run(1))
    assert section is not None
    html = section.render()
    assert "<h2>Faults and recovery</h2>" in html
    assert "broke p99&lt;" in html
    assert "<svg" in html


def test_without_faults_or_without_an_objective_there_is_no_section() -> None:
    assert resilience(make_run()) is None
    assert resilience(faulty_run(1, faults=[(0.1, 2.0)])) is None
    run = faulty_run(1)
    assert resilience(replace(run, stopped_ns=20 * 10**9)) is None
