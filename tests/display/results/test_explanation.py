"""What made a run slow, as people see it."""

from __future__ import annotations

from typing import get_args

import pytest

from benchlab.analysis.causes.cause import CAUSES, CauseId
from benchlab.display.results.explanation import CAUSE_LABELS, NOTHING_FOUND, view
from benchlab.plan.tracing import trace_id
from tests.analysis.test_explanation import make_cause, make_explanation
from tests.runs.synthetic import RUN_ID, make_run

TWO = [make_cause(), make_cause("child_span", 0.3)]


def test_every_cause_has_a_name() -> None:
    assert tuple(CAUSE_LABELS) == CAUSES == get_args(CauseId)


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_is_shown_in_every_form(cause: str) -> None:
    found = make_explanation([make_cause(cause)])
    forms = str(found), found._repr_html_(), found._repr_markdown_()
    for text in forms:
        assert text is not None
        for expected in (CAUSE_LABELS[cause], "60 %", "5 pauses", "garbage collector", "520"):  # type: ignore[index]
            assert expected in text


def test_the_first_cause_is_the_answer_and_examples_have_their_traces() -> None:
    shown = view(make_explanation())
    assert shown.banner == "periodic pauses"
    assert shown.sentence == "60 % of the tail; every 2 s requests wait for 150 ms."
    causes, advice, examples = shown.tables
    assert [row[0] for row in causes.rows] == ["periodic pauses"] * 2 + ["slow child span"] * 2
    assert len(advice.rows) == 2
    assert examples.rows[0][-1] == trace_id(RUN_ID, 520)
    assert examples.rows[1][-1] == "–"
    assert ("joined with spans", "500") in shown.facts
    assert not any("Without spans" in note for note in shown.notes)


def test_what_is_the_same_for_all_examples_is_no_column() -> None:
    two, one = (view(make_explanation(causes)).tables[-1].head for causes in (TWO, TWO[:1]))
    assert two == ["example of", "request", "endpoint", "at, s", "latency, ms", "trace"]
    assert one == two[1:]
    shown = view(make_explanation(TWO, endpoint="slow")).tables[-1]
    assert shown.title == "Example requests of slow"
    assert shown.head == ["example of", "request", "at, s", "latency, ms"]
    assert shown.rows[0][:2] == ["periodic pauses", "521"]


def test_without_spans_that_is_a_note_and_there_are_no_traces() -> None:
    shown = view(make_explanation(traced=False))
    assert any("Without spans" in note for note in shown.notes)
    assert "trace" not in shown.tables[2].head


def test_nothing_found_is_a_sentence() -> None:
    shown = view(make_explanation([]))
    assert f"{shown.banner}: {shown.sentence}" == f"{NOTHING_FOUND}."
    assert shown.tables == ()
    assert not any("the shares" in note for note in shown.notes)
    few = view(make_explanation([], make_run(duration_s=0.5, warmup_s=0), traced=False))
    assert (few.banner, few.sentence) == ("too few requests", "50 requests of at least 100.")
    none = view(make_explanation([], make_run(count=0), force=True, traced=False))
    assert none.banner == "no requests"


def test_a_verdict_is_a_warning() -> None:
    run = make_run(lag_ns=15_000_000)
    (warning,) = view(make_explanation([make_cause("generator")], run)).warnings
    assert warning.startswith("The run is invalid: the generator fell behind")
    assert warning.endswith("are not named")
    (warning,) = view(make_explanation([make_cause("generator")], run, force=True)).warnings
    assert not warning.endswith("are not named")
    shown = view(make_explanation(run=make_run(stopped_ns=6_000_000_000), traced=False))
    assert any(text.startswith("The run is interrupted") for text in shown.warnings)
