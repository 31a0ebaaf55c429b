"""Faults in what is shown of a run and of a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

import benchlab as bl
from benchlab.display.run_view import view
from benchlab.report.run_page import render_run_page
from benchlab.runs.fault_record import FaultRecord
from tests.display.values.test_all import forms
from tests.runs.synthetic import make_run

FAULT = "latency 200ms at 1s for 2s"
RUN = replace(
    make_run(faults=FAULT),
    faults=(FaultRecord(0, FAULT, "latency", 2_001_000_000, 4_002_000_000),),
)


def test_every_form_of_a_run_names_its_faults_and_their_times() -> None:
    page = render_run_page(RUN, files=[])
    for shown in (*forms(RUN).values(), page):
        assert FAULT in shown
        assert "2.001" in shown
        assert "4.002" in shown
    assert f"--fault &#39;{FAULT}&#39;" in page


def test_a_run_without_faults_shows_none() -> None:
    plain = make_run()
    assert view(plain).faults.rows == []
    assert ">Faults<" not in render_run_page(plain, files=[])


@pytest.mark.parametrize("error", ["", "cannot be lifted: no response"])
def test_a_record_says_what_went_wrong(error: str) -> None:
    record = bl.FaultRecord(0, FAULT, "latency", 2_001_000_000, error=error)
    text = forms(record)["text/plain"]
    assert error in text
    assert ("failed" in text) == bool(error)


def test_a_plan_shows_what_its_faults_do() -> None:
    assert "adds to the time of a response" in forms(RUN.plan)["text/plain"]
    assert "no faults" in forms(bl.FaultSchedule())["text/plain"]
