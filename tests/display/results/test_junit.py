"""Runs and results as JUnit XML, and a run as Markdown."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

import benchlab as bl
from benchlab.analysis.capacity import Capacity
from benchlab.display.results.junit import junit
from benchlab.display.results.markdown import markdown
from benchlab.displayed import Result
from benchlab.experiments.trend import trend_of
from benchlab.runs.fault_record import FaultRecord
from benchlab.runs.run import Run
from tests.display.results.test_capacity import make_capacity
from tests.display.results.test_sweep import make_sweep
from tests.experiments.histories import drawn_ms, history_of
from tests.golden.runs import CASES
from tests.notebook.sweep.made import made_run
from tests.runs.synthetic import make_run

HOSTILE = '<a href="x">&\x00\x1b[31m\ufffe]]>|`*'
# What the schemas of Jenkins and GitLab allow, in this order.
CONTENT = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase", "system-out"],
    "properties": ["property"],
    "property": [],
    "testcase": ["skipped", "error", "failure", "system-out"],
    "skipped": [],
    "error": [],
    "failure": [],
    "system-out": [],
}
REQUIRED = {
    "testsuites": {"name", "tests", "failures", "errors", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"classname", "name", "time"},
    "property": {"name", "value"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
}


def parsed(result: Run | Result) -> ET.Element:
    """The checked XML of ``result``."""
    root = ET.fromstring(junit(result))
    for element in root.iter():
        allowed = CONTENT[element.tag]
        order = [allowed.index(child.tag) for child in element]
        assert order == sorted(order)
        assert REQUIRED.get(element.tag, set()) <= set(element.attrib)
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert root.get(name) == str(len(list(root.iter(tag))))
    assert root.get("tests") == str(len(list(root.iter("testcase"))))
    return root


def outcomes(root: ET.Element) -> dict[str | None, str]:
    return {
        case.get("name"): next((part.tag for part in case if part.tag != "system-out"), "passed")
        for case in root.iter("testcase")
    }


@pytest.mark.parametrize("name", CASES)
def test_any_run_is_well_formed_in_both_forms(name: str) -> None:
    run = CASES[name]().run
    root = parsed(run)
    assert len(list(root.iter("testcase"))) == 1 + len(run.objectives)
    text = markdown(run)
    assert text.startswith("### ")
    assert f"**{run.verdict}" in text
    assert "hunter2" not in text + junit(run)


def test_the_objectives_of_a_run_are_its_cases() -> None:
    run = make_run(slo=["p99<10s", "p50<1us"], name=HOSTILE)
    assert outcomes(parsed(run)) == {
        "measurement": "passed",
        "p99<10s": "passed",
        "p50<1us": "failure",
    }
    properties = {item.get("name"): item.get("value") for item in parsed(run).iter("property")}
    assert properties["run_id"] == run.id
    assert properties["latency_p50_ns"] == str(run.summary.latency_ns.p50)  # type: ignore[union-attr]
    text = markdown(run)
    assert "| p50&lt;1us | broken |" in text
    assert "<a href" not in text


def test_objectives_of_a_run_that_does_not_count_are_skipped() -> None:
    run = make_run(lag_ns=15_000_000, slo=["p99<10s", "p50<1us"])
    assert run.verdict == "invalid"
    assert list(outcomes(parsed(run)).values()) == ["error", "skipped", "skipped"]


def test_a_run_that_its_own_condition_stopped_is_a_failure() -> None:
    run = replace(CASES["scenario"]().run, stop_reason="stopped by error_ratio>0.01")
    assert run.verdict == "interrupted"
    assert outcomes(parsed(run))["measurement"] == "failure"
    failed = FaultRecord(0, "drop", "drop", 10**9, error="cannot be lifted")
    assert outcomes(parsed(replace(run, faults=(failed,))))["measurement"] == "error"


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (make_capacity(name=HOSTILE), "passed"),
        (make_capacity(rate_rps=None, rate_low=0.0), "failure"),
        (make_capacity(rate_rps=None, rate_low=0.0, limited_by="budget"), "error"),
    ],
)
def test_a_capacity_is_a_case(found: Capacity, outcome: str) -> None:
    assert outcomes(parsed(found)) == {"p99<50ms": outcome}


def test_a_regression_is_a_failure_and_any_result_a_case() -> None:
    worse = trend_of(history_of(drawn_ms(16, step=2.0, at=8)), "nightly", "p99")
    assert outcomes(parsed(worse)) == {"p99": "failure"}
    law = bl.scalability([1, 2, 4, 8, 16, 32], [100, 190, 350, 600, 900, 1000])
    assert outcomes(parsed(law)) == {"scalability": "passed"}


def test_the_points_of_a_sweep_are_its_cases() -> None:
    sweep = make_sweep(x=[1, 2, 3, 4, 5])
    run = made_run(5, objective_count=2, broken_objective_count=1)
    points = (*sweep.points[:4], replace(sweep.points[4], runs=(run,)))
    assert outcomes(parsed(replace(sweep, points=points))) == {
        "x=1": "passed",
        "x=2": "error",
        "x=3": "error",
        "x=4": "passed",
        "x=5": "failure",
    }
