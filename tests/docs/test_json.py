"""The keys that docs/json.md explains are the keys that there are."""

from __future__ import annotations

import re
from dataclasses import fields

from benchlab import Objective
from benchlab.analysis.causes.cause import CAUSES
from benchlab.analysis.fault_effects import resilience_of
from benchlab.analysis.resilience import OUTCOMES
from benchlab.runs.objective_results import ObjectiveResult
from benchlab.samples.examples import Example
from tests.analysis.faulty import faulty_run
from tests.analysis.test_explanation import make_explanation
from tests.docs.pages import DOCS, marked
from tests.runs.replayed import poisson_s, replayed_run
from tests.runs.synthetic import make_run

PAGE = (DOCS / "json.md").read_text()


def test_every_key_of_a_result_is_explained() -> None:
    assert _keys(marked(PAGE, "json")) == list(make_run().to_dict())


def test_every_key_of_an_objectives_result_is_explained() -> None:
    result = ObjectiveResult(Objective.parse("p99<50ms"), None, met=False)
    assert _keys(_table("Each item of `slo`")) == list(result.to_dict())


def test_every_key_of_a_steady_state_is_explained() -> None:
    assert _keys(_table("\n`steady_state`:")) == list(make_run().steady_state().to_dict())


def test_every_key_of_littles_law_is_explained() -> None:
    law = make_run().littles_law
    assert law is not None
    assert _keys(_table("\n`littles_law`:")) == list(law.to_dict())


def test_every_key_of_a_fidelity_is_explained() -> None:
    found = replayed_run(poisson_s(10)).fidelity
    assert found is not None
    assert _keys(_table("\n`fidelity`:")) == list(found.to_dict())


def test_every_key_of_an_example_is_explained() -> None:
    assert _keys(_table("Each item of `examples`")) == [item.name for item in fields(Example)]


def test_every_key_of_a_fault_of_a_run_is_explained() -> None:
    (record,) = faulty_run(1).faults
    assert _keys(_table("\nEach item of `faults`:")) == list(record.to_dict())


def test_every_key_of_a_resilience_result_is_explained() -> None:
    result = resilience_of(faulty_run(1), "p99<50ms")
    assert _keys(marked(PAGE, "resilience")) == list(result.to_dict())
    assert set(_keys(_table("\nEach item of `faults`; "))) == set(result.faults[0].to_dict())
    for name in OUTCOMES:
        assert f"| `{name}` |" in (DOCS / "resilience.md").read_text()


def test_every_key_of_an_explanation_is_explained() -> None:
    page = (DOCS / "explain.md").read_text()
    found = make_explanation().to_dict()
    assert _keys(marked(page, "explanation-json")) == list(found)
    assert _keys(marked(page, "cause-json")) == list(found["causes"][0])
    assert set(_keys(marked(page, "explanation-json"))) >= {"causes", "nothing_found"}


def test_every_cause_is_described() -> None:
    page = (DOCS / "explain.md").read_text()
    assert re.findall(r"^\| `(\w+)` \| [^|]*\|[^|]*\|[^|]*\|$", page, re.MULTILINE) == list(CAUSES)


def _table(title: str) -> str:
    return PAGE.split(title)[1].split("\n\n")[1]


def _keys(table: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
