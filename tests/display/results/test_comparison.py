"""What people read of a comparison."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from benchlab.analysis.comparison import Comparison, ErrorComparison, MetricComparison
from benchlab.analysis.independent_runs import compare_runs
from benchlab.display.markdown import result_markdown
from benchlab.display.results.comparison import metric_sentence, view
from benchlab.display.results.comparison_junit import comparison_junit
from benchlab.statistics.change import Change
from tests.analysis.compared import statistics_of
from tests.display.results.example import HOSTILE

SAME = ErrorComparison(
    base=0.0,
    new=0.0,
    difference=0.0,
    difference_low=-0.001,
    difference_high=0.001,
    verdict="same",
)
MORE_ERRORS = ErrorComparison(
    base=0.001,
    new=0.032,
    difference=0.031,
    difference_low=0.029,
    difference_high=0.033,
    verdict="slower",
)


def metric(
    name: str, verdict: Change, ratio: float | None, low: float | None = None,
    high: float | None = None, needed: int | None = 0,
) -> MetricComparison:  # fmt: skip
    return MetricComparison(
        metric=name,
        base=1e7,
        new=None if ratio is None else 1e7 * ratio,
        ratio=ratio,
        ratio_low=low,
        ratio_high=high,
        verdict=verdict,
        detectable_ratio=1.04,
        needed=needed,
        p_value=0.01,
    )


def comparison(
    verdict: Change,
    *ratios: float | None,
    needed: int | None = 0,
    errors: ErrorComparison = SAME,
    name: str = "checkout",
    **changes: object,
) -> Comparison:
    ratio, low, high = (*ratios, None, None)[:3]
    return Comparison(
        base=("0" * 16,),
        new=("1" * 16,),
        base_name=name,
        new_name=name,
        **{  # type: ignore[arg-type]
            "design": "paired_blocks",
            "primary": "p50",
            "verdict": verdict,
            "metrics": {
                "p50": metric("p50", verdict, ratio, low, high, needed),
                "rate_rps": metric("rate_rps", "slower", 0.9, 0.85, 0.95),
            },
            "errors": errors,
            **changes,
        },
    )


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            comparison("slower", 1.123, 1.101, 1.142),
            "p50 is 12.3 % slower (95 % interval 10.1 to 14.2 %)",
        ),
        (
            comparison("faster", 0.877, 0.858, 0.899),
            "p50 is 12.3 % faster (95 % interval 10.1 to 14.2 %)",
        ),
        (
            comparison("same", 1.003, 0.995, 1.011),
            "p50 is the same within 2 %: +0.3 % (95 % interval −0.5 to +1.1 %)",
        ),
        (
            comparison("inconclusive", 1.01, 0.97, 1.05, needed=12),
            "p50 may be anything from 3.0 % faster to 5.0 % slower: about 12 more blocks are likely"
            " to decide it",
        ),
        (
            comparison("inconclusive", 1.02, 0.97, 1.05, needed=None),
            "p50 may be anything from 3.0 % faster to 5.0 % slower: it is so close to the threshold"
            " of 2 % that no reasonable number of blocks would decide",
        ),
        (
            comparison("inconclusive", 1.3, needed=1),
            "p50 was +30.0 %, which may be chance: at least 1 more block is needed for an interval",
        ),
        (
            comparison("inconclusive", None, needed=None),
            "p50 cannot be compared: a ratio of these values is undefined",
        ),
        (
            comparison("slower", 0.5, 0.4, 0.6, errors=MORE_ERRORS, reason="errors"),
            "the new side fails more: 3.20 % of requests instead of 0.10 % (95 % interval of the"
            " difference +2.9 to +3.3 percentage points); latencies do not make up for that",
        ),
    ],
)
def test_the_sentence_on_top_is_the_answer(found: Comparison, sentence: str) -> None:
    assert view(found).sentence == sentence


def test_a_lower_throughput_is_named_as_such() -> None:
    sentence = metric_sentence(comparison("same", 1.0, 0.99, 1.01), "rate_rps")
    assert sentence == "throughput is 10.0 % lower (95 % interval 5.0 to 15.0 %)"


def test_single_runs_say_how_many_more_are_needed() -> None:
    found = compare_runs([statistics_of(1, 1e7)], [statistics_of(2, 1.2e7)])
    assert view(found).sentence == (
        "p50 was +20.0 %, which may be chance: at least 4 more runs of each side are needed for an"
        " interval"
    )


@pytest.mark.parametrize(
    ("verdict", "level"),
    [("slower", "bad"), ("faster", "good"), ("same", "neutral"), ("inconclusive", "caution")],
)
def test_the_banner_is_the_verdict(verdict: Change, level: str) -> None:
    found = view(comparison(verdict, 1.0, 0.9, 1.1))
    assert (found.banner, found.level) == (verdict, level)


def test_the_table_has_a_row_per_metric_and_one_for_errors() -> None:
    (table,) = view(comparison("slower", 1.123, 1.101, 1.142, errors=MORE_ERRORS)).tables
    assert [row[0] for row in table.rows] == ["p50", "errors", "throughput"]
    assert table.rows[0] == [
        "p50", "slower", "10.0 ms", "11.2 ms", "+12.3 %", "+10.1 to +14.2 %", "4.0 %", "0",
    ]  # fmt: skip
    assert table.rows[1][1:6] == ["slower", "0.10 %", "3.20 %", "+3.1 pp", "+2.9 to +3.3 pp"]


def test_foreign_names_stay_text() -> None:
    found = comparison("slower", 1.1, 1.05, 1.2, name=HOSTILE, warnings=(HOSTILE,))
    text = result_markdown(view(found))
    assert "<script" not in text
    assert "@someone" not in text
    assert "<script" not in str(found._repr_html_())


def test_junit_fails_what_decided_if_its_verdict_was_asked_for() -> None:
    found = comparison("slower", 1.123, 1.101, 1.142, name=HOSTILE, warnings=(HOSTILE, "\ufffe"))
    root = ET.fromstring(comparison_junit(found, ["slower"]))
    (suite,) = root
    assert suite.attrib["name"].startswith("<script>")
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("3", "1")
    cases = {case.attrib["name"]: case.find("failure") for case in suite.iter("testcase")}
    assert list(cases) == ["p50 (primary)", "rate_rps", "error_ratio"]
    failure = cases["p50 (primary)"]
    assert failure is not None
    assert failure.attrib == {
        "type": "slower",
        "message": "slower: p50 is 12.3 % slower (95 % interval 10.1 to 14.2 %)",
    }
    assert cases["rate_rps"] is None  # slower too, and not what decides
    assert cases["error_ratio"] is None
    failing = comparison("slower", 0.5, errors=MORE_ERRORS, reason="errors")
    (case,) = ET.fromstring(comparison_junit(failing, ["slower"])).iterfind(".//testcase[failure]")
    assert case.attrib["name"] == "error_ratio"
    assert not list(ET.fromstring(comparison_junit(found, [])).iter("failure"))


def test_values_that_no_float_holds_can_be_shown() -> None:
    found = comparison("inconclusive", 1e300, 1e-300, np.inf, needed=5)
    assert "from 100.0 % faster to over 1,000 % slower" in str(found)
    assert "−100.0 to over +1,000 %" in str(found)
