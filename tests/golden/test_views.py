"""Every view of a run, byte for byte. ``BENCHLAB_UPDATE_GOLDEN=1`` writes the files anew."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.golden.files import assert_golden
from tests.golden.runs import CASES, Case
from tests.golden.views import VIEWS, drawn_by

DATA = Path(__file__).parent / "data"


@cache
def case_of(name: str) -> Case:
    return CASES[name]()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", CASES)
def test_a_view_is_the_golden_file(name: str, view: str) -> None:
    path = DATA / name / view
    if view == "drawings.txt" and path.exists():
        by = path.read_text().partition("\n")[0]
        if by != drawn_by():
            pytest.skip(f"drawn by {by}, and this is {drawn_by()}")
    assert_golden(path, VIEWS[view](case_of(name)))


def test_there_is_no_other_file() -> None:
    found = {str(path.relative_to(DATA)) for path in DATA.rglob("*") if path.is_file()}
    assert found == {f"{name}/{view}" for name in CASES for view in VIEWS}


def test_the_runs_are_of_every_verdict() -> None:
    verdicts = {name: case_of(name).run.verdict for name in CASES}
    assert verdicts == {
        "valid": "valid",
        "invalid": "invalid",
        "counted": "valid",
        "imported": "imported",
        "scenario": "interrupted",
        "scenario_complete": "valid",
        "scenario_counted": "valid",
        "empty": "invalid",
    }


def test_secrets_are_in_no_file() -> None:
    for path in DATA.rglob("*"):
        if path.is_file():
            assert "hunter2" not in path.read_text(), path
