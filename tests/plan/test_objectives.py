from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.plan.objectives import Objective, parse_objectives
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.runs.objective_results import ObjectiveResult, evaluate
from benchlab.samples.percentiles import exact_percentile
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Samples
from benchlab.units import NS_PER_MS, NS_PER_S
from tests.runs.synthetic import URL, make_run


@pytest.mark.parametrize(
    ("text", "of", "statistic", "endpoint", "operator", "limit", "window_s"),
    [
        ("p99<50ms", "latency", "p99", "", "<", 50e6, None),
        (" p99.9  <= 1.5 s over 5s ", "latency", "p99.9", "", "<=", 1.5e9, 5),
        ("p99_9<5ms", "latency", "p99.9", "", "<", 5e6, None),
        ("latency.mean<2ms", "latency", "mean", "", "<", 2e6, None),
        ("service.p95[GET /x]<50us", "service", "p95", "GET /x", "<", 50e3, None),
        ("lag.max<1µs", "lag", "max", "", "<", 1e3, None),
        ("lag.max<1μs", "lag", "max", "", "<", 1e3, None),  # the other letter of the two
        ("p50[a[1]<b]>=10ns", "latency", "p50", "a[1]<b", ">=", 10, None),
        ("p99<1e3ns", "latency", "p99", "", "<", 1e3, None),
        ("error_ratio<0.01 over 500ms", "", "error_ratio", "", "<", 0.01, 0.5),
        ("error_ratio<1%", "", "error_ratio", "", "<", 0.01, None),
        ("error_count<=0", "", "error_count", "", "<=", 0, None),
        ("rate_rps>900 over 1m30s", "", "rate_rps", "", ">", 900, 90),
    ],
)
def test_objectives_are_read(
    text: str,
    of: str,
    statistic: str,
    endpoint: str,
    operator: str,
    limit: float,
    window_s: float | None,
) -> None:
    found = Objective.parse(text)
    assert (found.of, found.statistic, found.endpoint) == (of, statistic, endpoint)
    assert (found.operator, found.limit, found.window_s) == (operator, limit, window_s)
    assert Objective.parse(str(found)) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p99<50", "no unit: write 50ms"),
        ("p99<50kg", "unknown unit 'kg'"),
        ("p99<50%", "unknown unit '%'"),
        ("p99=50ms", "cannot be read: write it like p99<50ms"),
        ("", "cannot be read"),
        ("p99<", "cannot be read"),
        ("p99<5ms over", "cannot be read"),
        ("p99<5ms over 5 parsecs", "cannot be read"),
        ("p99<5ms over 5parsecs", "unknown unit 'parsecs'"),
        ("p99<5ms over 1ms", "windows below 0.1 s"),
        ("p99<nanms", "cannot be read"),
        ("p99<.ms", "which is not a number"),
        ("p99<1e999ms", "too large"),
        ("p99<-5ms", "below 0"),
        ("p100<5ms", "unknown metric 'p100': use mean, min, p50"),
        ("p0<5ms", "unknown metric 'p0'"),
        ("median<5ms", "error_ratio, error_count, rate_rps"),
        ("network.p99<5ms", "unknown metric 'network.p99'"),
        ("error_ratio<5", "above 1"),
        ("error_ratio<200%", "above 1"),
        ("error_count<5%", "bare number"),
        ("rate_rps>5ms", "bare number"),
    ],
)
def test_invalid_objective_error_names_the_reason(text: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        Objective.parse(text)
    assert message in str(refused.value)
    assert repr(text) in str(refused.value) or "parsecs" in text


durations = st.builds(
    lambda of, statistic, where, sign, number, unit, over: (
        f"{of}{statistic}{where}{sign}{number}{unit}{over}"
    ),
    st.sampled_from(["", "latency.", "service.", "lag."]),
    st.one_of(
        st.sampled_from(["mean", "min", "max"]),
        st.integers(1, 99).map("p{}".format),
        st.integers(1, 999).map("p99.{:03d}".format),
    ),
    st.sampled_from(["", "[GET /]", "[a b]", "[[x]]", "[p99<5ms]", "[größe]"]),
    st.sampled_from(["<", "<=", ">", ">="]),
    st.decimals(0, 10**6, allow_nan=False, places=3).map(str),
    st.sampled_from(["ns", "us", "µs", "ms", "s"]),
    st.sampled_from(["", " over 5s", " over 500ms", " over 2"]),
)


@given(durations)
def test_objective_text_round_trips(text: str) -> None:
    first = Objective.parse(text)
    assert Objective.parse(str(first)) == first


@given(st.text(max_size=30))
def test_any_text_is_an_objective_or_an_input_error(text: str) -> None:
    try:
        Objective.parse(text)
    except InputError:
        return
    assert any(mark in text for mark in "<>")


@given(
    st.integers(0, 10**12),
    st.integers(0, 10**6),
    st.sampled_from(["ns", "us", "ms", "s"]),
    st.sampled_from(["<", "<=", ">", ">="]),
)
def test_a_shown_value_lies_on_its_own_side_of_the_limit(
    value_ns: int, limit: int, unit: str, operator: str
) -> None:
    objective = Objective.parse(f"p99{operator}{limit}{unit}")
    number, shown_unit = objective.show(value_ns).split(" ")
    again = Objective.parse(f"p99{operator}{number.replace(',', '')}{shown_unit}")
    assert objective.holds(again.limit) == objective.holds(value_ns)


def test_values_are_shown_in_the_unit_of_their_limit() -> None:
    assert Objective.parse("p99<50ms").show(73_234_567) == "73.2 ms"
    assert Objective.parse("p99<=50ms").show(50_000_100) == "50.0001 ms"
    assert Objective.parse("p99<50ms").show(1_234_567_890) == "1,235 ms"
    assert Objective.parse("error_ratio<1%").show(0.731) == "73.1 %"
    assert Objective.parse("error_ratio<0.01").show(0.731) == "0.731"
    assert Objective.parse("rate_rps>900").show(812.34) == "812 requests/s"


columns = st.lists(
    st.tuples(
        st.integers(0, 4_999),  # intended, ms
        st.integers(0, 50),  # lag, ms
        st.integers(0, 3_000),  # service, ms
        st.booleans(),
    ),
    max_size=60,
)


def samples_of(rows: list[tuple[int, int, int, bool]]) -> Samples:
    records = np.zeros(len(rows), dtype=SAMPLE_DTYPE)
    for record, (intended, lag, service, failed) in zip(records, rows, strict=True):
        record["intended_ns"] = intended * NS_PER_MS
        record["sent_ns"] = (intended + lag) * NS_PER_MS
        record["done_ns"] = (intended + lag + service) * NS_PER_MS
        record["error"] = ErrorKind.STATUS if failed else ErrorKind.OK
    return Samples(records)


def by_hand(
    statistic: str, rows: list[tuple[int, int, int, bool]], length_s: float
) -> float | None:
    """The same number from plain lists; a rate is left to a test of its own."""
    if statistic == "error_count":
        return sum(row[3] for row in rows)
    if not rows:
        return None
    if statistic == "error_ratio":
        return sum(row[3] for row in rows) / len(rows)
    latencies = sorted((row[1] + row[2]) * NS_PER_MS for row in rows)
    if statistic == "max":
        return latencies[-1]
    ratio = float(statistic[1:]) / 100
    return exact_percentile(np.array(latencies), ratio)


@given(
    columns,
    st.sampled_from(["p50<1s", "p99>1s", "max<=2s", "error_ratio<0.3", "error_count>=1"]),
    st.sampled_from([0.7, 1.0, 2.5, 5.0]),
)
def test_windows_agree_with_brute_force(
    rows: list[tuple[int, int, int, bool]], text: str, window_s: float
) -> None:
    objective = Objective.parse(f"{text} over {window_s}s")
    result = evaluate(objective, samples_of(rows), 0, 5 * NS_PER_S)
    seen = []
    start_ms, length_ms = 0, round(window_s * 1000)
    while start_ms + length_ms <= 5_000:
        part = [row for row in rows if start_ms <= row[0] < start_ms + length_ms]
        value = by_hand(objective.statistic, part, window_s)
        if value is not None:
            seen.append((value, start_ms * NS_PER_MS))
        start_ms += length_ms
    assert result.window_count == len(seen)
    if not seen:
        assert result.observed is None
        assert not result.met
        return
    worst = (max if "<" in text else min)(value for value, _ in seen)
    assert result.observed == worst
    assert result.worst_start_ns == next(start for value, start in seen if value == worst)
    broken = [start for value, start in seen if not objective.holds(value)]
    assert result.met == (not broken)
    assert result.broken_count == len(broken)
    assert result.first_broken_ns == (broken[0] if broken else None)


@given(columns, st.sampled_from(["p50<1s", "p99.9<1s", "max<1s", "error_ratio<1%"]))
def test_the_whole_run_agrees_with_brute_force(
    rows: list[tuple[int, int, int, bool]], text: str
) -> None:
    objective = Objective.parse(text)
    result = evaluate(objective, samples_of(rows), 0, 5 * NS_PER_S)
    assert result.observed == by_hand(objective.statistic, rows, 5)
    assert result.met == (result.observed is not None and objective.holds(result.observed))
    assert result.window_count == 0


def test_every_statistic_is_the_one_of_the_summary() -> None:
    run = make_run(
        errors=True,
        slo=[
            *(f"{of}.{key}<1s" for of in ("latency", "service", "lag")
              for key in ("mean", "min", "p50", "p90", "p95", "p99", "p99.9", "max")),
            "error_ratio<1", "error_count<1000", "rate_rps>1",
        ],
    )  # fmt: skip
    for result in run.objectives:
        of, statistic = result.objective.of, result.objective.statistic
        part: Any = getattr(run.summary, f"{of}_ns") if of else run.summary
        assert result.observed == getattr(part, statistic.replace(".", "_"))
        assert result.met


def test_rate_of_a_window_counts_the_responses_in_it() -> None:
    run = make_run(stall=True, warmup_s=0, slo=["rate_rps>50 over 1s", "rate_rps<=150 over 1s"])
    low, high = run.objectives
    assert (low.met, low.worst_start_ns, low.observed) == (False, 5 * NS_PER_S, 0)
    assert (high.met, high.worst_start_ns) == (False, 6 * NS_PER_S)
    assert high.observed == pytest.approx(200, abs=2)


def test_a_stall_breaks_the_windows_that_it_touches() -> None:
    run = make_run(stall=True, warmup_s=1, slo=["p99<50ms over 2s", "p99<2s over 2s"])
    broken, met = run.objectives
    assert (broken.outcome, met.outcome) == ("broken", "met")
    assert broken.worst_start_ns == broken.first_broken_ns == 5 * NS_PER_S
    assert (broken.broken_count, broken.window_count) == (1, 5)
    assert broken.window_text == "worst from 5 s to 7 s; broken in 1 of 5 windows"
    assert met.window_text == "worst from 5 s to 7 s, of 5 windows"
    assert run.verdict == "valid"  # an objective does not affect the verdict


def test_an_incomplete_last_window_is_left_out() -> None:
    run = make_run(stall=True, duration_s=6.5, warmup_s=0, slo=["max<50ms over 5s"])
    (result,) = run.objectives
    assert (result.met, result.window_count) == (True, 1)


def test_objective_without_observations_is_not_met() -> None:
    run = make_run(count=0, slo=["p99<50ms", "error_ratio<1%", "error_count<=0", "p99<1s over 1s"])
    assert [result.met for result in run.objectives] == [False, False, True, False]
    assert "nothing to observe" in run.objectives[0].describe()
    stopped = make_run(stopped_ns=3 * NS_PER_S, slo=["p99<1s over 5s"])
    assert stopped.objectives[0].window_text == "no window of 5 s was complete"


def test_an_objective_may_be_about_one_endpoint() -> None:
    requests = [Request("GET", URL, name="a"), Request("GET", URL, name="b")]
    run = make_run(requests=requests, errors=True, slo=["error_count[a]<=0", "error_count[b]<=0"])
    a, b = run.objectives
    assert a.observed == run.by_endpoint()["a"].error_count
    assert b.observed == run.by_endpoint()["b"].error_count
    assert a.observed != b.observed
    unknown = evaluate(Objective.parse("error_count[c]<=0"), run.measured, *run.window_ns)
    assert (unknown.observed, unknown.met) == (None, False)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("slo", ["p99[GET /no]<5ms"], "the plan has 'POST /api/vector/add'"),
        ("slo", "p99<5ms over 1m", "none would be complete"),
        ("abort_on", ["p99<50"], "no unit"),
        ("abort_on", [5], "abort_on: 5 is among them"),
    ],
)
def test_plan_refuses_impossible_objectives(field: str, value: Any, message: str) -> None:
    with pytest.raises(InputError) as refused:
        Plan([Request("POST", URL)], **{field: value})
    assert message in str(refused.value)


def test_objectives_are_strings_in_a_plan_as_json() -> None:
    plan = Plan([Request("GET", URL)], slo="p99 < 50ms", abort_on=["error_ratio>50%"])
    assert json.loads(plan.to_json())["slo"] == ["p99<50ms"]
    assert Plan.from_json(plan.to_json()) == plan
    assert plan.slo == parse_objectives("p99<50ms", "slo")


def test_results_as_dict() -> None:
    run = make_run(stall=True, slo=["p99<50ms over 2s"])
    (result,) = run.to_dict()["slo"]
    assert result == {
        "objective": "p99<50ms over 2s",
        "met": False,
        "observed": run.objectives[0].observed,
        "limit": 50e6,
        "unit": "ns",
        "worst_window_start_ns": 5 * NS_PER_S,
        "window_count": 5,
        "broken_window_count": 1,
        "first_broken_window_start_ns": 5 * NS_PER_S,
    }
    row = run.to_pandas().iloc[0]
    assert not row["slo_met"]
    assert "p99<50ms over 2s: broken" in row["slo"]
    assert isinstance(run.objectives[0], ObjectiveResult)
