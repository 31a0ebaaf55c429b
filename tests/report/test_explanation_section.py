"""The section of a run's report about what made it slow."""

from __future__ import annotations

import pytest

from benchlab.report.sections.explanation import explanation
from benchlab.runs.run import Run
from benchlab.runs.server_side import ServerSide
from tests.analysis.test_explanation import make_spans
from tests.runs.synthetic import make_run


def test_a_cause_is_shown_with_its_evidence_plot_and_advice() -> None:
    run = make_run(stall=True, trace_ratio=1.0)
    section = explanation(run, ServerSide(spans=make_spans(run)))
    assert section is not None
    html = section.render()
    assert "<h2>What made it slow</h2>" in html
    assert "nothing was completed for" in html
    assert "<svg" in html
    assert "What to try next" in html
    assert "joined with spans" in html
    assert '<th scope="col" class="text">evidence</th>' in html  # aligned to the left, and folded
    assert '<th scope="col">of the tail</th>' in html


def test_of_a_steady_run_one_sentence_is_enough() -> None:
    section = explanation(make_run(equal=True), ServerSide())
    assert section is not None
    html = section.render()
    assert "nothing found" in html
    assert "the latency is the service&#39;s own, unimodal, steady" in html
    assert "<svg" not in html


@pytest.mark.parametrize(
    "run",
    [make_run(count=0), make_run(all_failed=3, count=20, warmup_s=0)],  # type: ignore[arg-type]
    ids=["no requests", "not all were recorded"],
)
def test_what_its_verdict_explains_has_no_section(run: Run) -> None:
    assert explanation(run, ServerSide()) is None


def test_a_late_generator_is_a_cause() -> None:
    section = explanation(make_run(lag_ns=15_000_000), ServerSide())
    assert section is not None
    assert "the load generator" in section.render()
