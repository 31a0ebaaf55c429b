"""A capacity as people see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import benchlab as bl
from benchlab.analysis.capacity import Capacity
from benchlab.analysis.probe import Probe
from benchlab.display.results.capacity import probe_text, view
from benchlab.runs.run import Run
from tests.report.test_page import Page

__all__ = ["make_capacity"]


def make_probe(rate_rps: float, decision: Any, **options: Any) -> Probe:
    known = {
        "attained_ratio": 1.0 if decision == "good" else 0.4,
        "verdict": "valid",
        "latency_ns": 20_000_000 if decision == "good" else 480_000_000,
        "run_id": "01a223b1881f21d6",
    }
    return Probe(rate_rps=rate_rps, duration_s=4.0, decision=decision, **{**known, **options})


def make_capacity(**options: Any) -> Capacity:
    """About 100 requests/s, from four probes, one of which the generator spoiled."""
    known: dict[str, Any] = {
        "rate_rps": 99.876,
        "rate_low": 98.4,
        "rate_high": 101.25,
        "limited_by": "service",
        "objective": "p99<50ms",
        "probes": (
            make_probe(110, "bad", culprit="service"),
            make_probe(90, "good"),
            make_probe(95, "undecided", culprit="generator", verdict="invalid"),
            make_probe(20, "undecided", attained_ratio=None, latency_ns=None),
        ),
        "curve": (),
        "arrivals": "constant (equal intervals)",
        "name": "GET /items",
        "limit_ns": 50_000_000,
        "took_s": 119.4,
        "budget_s": 120.0,
        "low_set_by": "p99<50ms",
        "high_set_by": "p99<50ms",
        "experiment_id": "01a223b1881f21d6",
    }
    return Capacity(**{**known, **options})


def test_the_answer_has_its_interval_and_what_limits_it() -> None:
    shown = view(make_capacity())
    assert shown.banner == "99.88 requests/s"
    assert shown.level == "good"
    assert shown.sentence == (
        "meets p99<50ms (95 % interval 98.4 to 101.2 requests/s); above, the service gives way"
    )
    facts = dict(shown.facts)
    assert facts["arrivals"] == "constant (equal intervals)"
    assert facts["search"] == "4 probes in 119 s"
    assert "bounds" not in facts


def test_probes_are_listed_by_rate_with_who_gave_way() -> None:
    (table,) = view(make_capacity()).tables
    assert [row[0] for row in table.rows] == ["20", "90", "95", "110"]
    assert [row[1] for row in table.rows] == ["undecided", "good", "generator", "bad"]
    assert list(table.levels) == ["neutral", "good", "caution", "bad"]
    assert table.rows[0][2:4] == ["–", "–"]


@pytest.mark.parametrize(
    ("options", "banner", "text"),
    [
        (
            {"rate_rps": None, "rate_low": 0.0, "rate_high": 0.9},
            "no good probe",
            "no rate met p99<50ms, down to 20 requests/s",
        ),
        (
            {"rate_rps": None, "rate_low": 0.0, "rate_high": None, "limited_by": "budget"},
            "no good probe",
            "the search ended before more was known",
        ),
        (
            {"rate_high": None, "limited_by": "generator"},
            "99.88 requests/s",
            "98.4 requests/s or more); above, the load generator gives way",
        ),
        ({"rate_high": None, "limited_by": "none"}, "99.88 requests/s", "nothing gave way"),
    ],
)
def test_what_is_not_known_is_said(options: dict[str, Any], banner: str, text: str) -> None:
    shown = view(make_capacity(**options))
    assert shown.banner == banner
    assert text in shown.sentence


def test_objectives_that_set_different_bounds_are_named() -> None:
    shown = view(make_capacity(high_set_by="error_ratio<1%"))
    assert dict(shown.facts)["bounds"] == "low p99<50ms, high error_ratio<1%"


def test_a_probe_in_a_few_words() -> None:
    assert probe_text(make_probe(1234.5, "good")) == "1,234 requests/s: good, 100.00 % within"
    spoiled = make_probe(95, "undecided", culprit="generator")
    assert probe_text(spoiled).endswith("undecided, 40.00 % within, the load generator gave way")


def test_a_notebook_a_terminal_and_a_page_show_it(tmp_path: Path) -> None:
    result = make_capacity(name="<b>", warnings=("a warning",))
    html = str(result._repr_html_())
    for text in ("99.88 requests/s", "a warning", "&lt;b&gt;"):
        assert text in html
    assert "99.88 requests/s: meets p99<50ms" in str(result)
    page = Page(bl.write_report(result, tmp_path).read_text())
    assert [tag for tag, _ in page.tags].count("svg") == 1
    assert "Each mark is a probe" in page.text
    assert (tmp_path / "result.csv").read_text().startswith("rate_rps,")


def test_it_is_no_run() -> None:
    assert not isinstance(make_capacity(), Run)
