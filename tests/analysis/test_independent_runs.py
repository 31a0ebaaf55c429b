"""Comparisons of lists of runs, and of two single ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from benchlab.analysis.comparison import Comparison
from benchlab.analysis.independent_runs import compare_runs
from benchlab.analysis.run_statistics import METRICS, RunStatistics
from benchlab.errors import DamagedError, InputError, InvalidRunError
from benchlab.plan.shapes.imported import Imported
from tests.analysis.compared import HOST, PLAN, latencies_ms, statistics_of, timed_run


def runs_at(seed: int, count: int, *, value_ns: float = 1e7, first: int = 1) -> list[RunStatistics]:
    """Runs whose durations differ from run to run by 2 %."""
    rng = np.random.default_rng(seed)
    values = value_ns * np.exp(0.02 * rng.standard_normal(count))
    return [statistics_of(first + index, value) for index, value in enumerate(values)]


def test_the_interval_is_that_of_welch_on_logarithms() -> None:
    base, new = runs_at(1, 5), runs_at(2, 4, value_ns=1.2e7, first=50)
    found = compare_runs(base, new)
    logs = [[math.log(run.metrics["p50"] or 0) for run in side] for side in (new, base)]
    expected = ttest_ind(*logs, equal_var=False).confidence_interval(0.95)
    p50 = found.metrics["p50"]
    assert p50.ratio_low == pytest.approx(math.exp(expected.low))
    assert p50.ratio_high == pytest.approx(math.exp(expected.high))
    assert (found.design, found.verdict) == ("independent_runs", "slower")
    assert p50.base
    assert p50.new
    assert p50.ratio == pytest.approx(p50.new / p50.base)


def test_runs_and_their_statistics_compare_alike() -> None:
    rng = np.random.default_rng(3)
    sides = [
        [timed_run(10 * side + i, latencies_ms(rng, 300)) for i in range(3)] for side in (1, 2)
    ]
    kept = [[RunStatistics.from_dict(RunStatistics.of(run).to_dict()) for run in s] for s in sides]
    assert compare_runs(*sides) == compare_runs(*kept)


def test_two_single_runs_are_inconclusive_and_say_what_is_missing() -> None:
    found = compare_runs([statistics_of(1, 1e7)], [statistics_of(2, 9e7)])
    assert (found.design, found.verdict) == ("single_runs", "inconclusive")
    p50 = found.metrics["p50"]
    assert (p50.ratio, p50.ratio_low, p50.detectable_ratio, p50.needed) == (9.0, None, None, 4)
    assert "at least 5 runs of each side" in found.warnings[0]


def test_a_history_of_ten_runs_says_how_much_runs_differ() -> None:
    base, *history = runs_at(4, 11)
    assert compare_runs([base], [statistics_of(99, 1.3e7)], history=history[:9]).design == (
        "single_runs"
    )
    found = compare_runs([base], [statistics_of(99, 1.3e7)], history=history)
    assert (found.design, found.verdict) == ("single_runs_with_history", "slower")
    assert found.history == tuple(run.id for run in history)
    assert "10 earlier runs" in found.warnings[0]
    same = compare_runs([base], [statistics_of(99, base.metrics["p50"] or 0)], history=history)
    assert same.verdict == "inconclusive"
    low, high = same.metrics["p50"].ratio_low, same.metrics["p50"].ratio_high
    assert low
    assert high
    assert low < 0.96
    assert high > 1.04  # ± 2.2 · √2 · 2 %


def test_the_compared_runs_are_no_part_of_their_history() -> None:
    base, *history = runs_at(5, 10)
    new = statistics_of(99, 1.3e7)
    found = compare_runs([base], [new], history=[base, new, *history])
    assert found.design == "single_runs"


def test_a_single_run_against_several_takes_their_spread() -> None:
    found = compare_runs(runs_at(6, 6), [statistics_of(99, 1.3e7)])
    assert (found.design, found.verdict) == ("independent_runs", "slower")
    assert "one side is a single run" in found.warnings[0]


def test_no_more_runs_are_needed_than_make_the_estimate_detectable() -> None:
    base = [statistics_of(i, 1e7 * factor) for i, factor in enumerate((1.0, 1.05, 0.95))]
    new = [statistics_of(9 + i, 1.07e7 * factor) for i, factor in enumerate((1.0, 1.05, 0.95))]
    found = compare_runs(base, new)
    p50 = found.metrics["p50"]
    assert p50.verdict == "inconclusive"
    assert p50.needed
    assert 1 <= p50.needed < 50


def test_latencies_too_coarse_to_vary_are_named() -> None:
    coarse = [statistics_of(number, 12e6 if number < 2 else 13e6) for number in range(4)]
    found = compare_runs(coarse[:2], coarse[2:])
    assert found.metrics["p50"].ratio_low == found.metrics["p50"].ratio_high
    assert any("the same in all runs of a side" in warning for warning in found.warnings)


def test_throughput_up_is_faster() -> None:
    sides = [
        [statistics_of(i + rate, 1e7, metrics={"rate_rps": rate + i % 3}) for i in range(5)]
        for rate in (1000, 2000)
    ]
    filled = [
        [statistics_of(int(run.id, 16), 1e7, metrics={**dict.fromkeys(METRICS), **run.metrics})
         for run in side]
        for side in sides
    ]  # fmt: skip
    found = compare_runs(*filled, primary="rate_rps")
    assert found.verdict == "faster"
    assert found.metrics["p50"].ratio is None
    assert found.to_dict()["metrics"]["rate_rps"]["base_rps"] == pytest.approx(1001, abs=1)


def test_a_single_run_that_fails_is_slower_by_the_errors_within_it() -> None:
    rng = np.random.default_rng(9)
    base = timed_run(1, latencies_ms(rng, 1000))
    failing = timed_run(2, latencies_ms(rng, 1000, median=1), failed=np.arange(1000) % 4 == 0)
    found = compare_runs([base], [failing])
    assert (found.design, found.verdict, found.reason) == ("single_runs", "slower", "errors")
    burst = timed_run(3, latencies_ms(rng, 1000), failed=np.arange(1000) // 33 == 12)
    assert compare_runs([base], [burst]).errors.verdict == "inconclusive"


def test_a_metric_that_a_run_is_too_short_for_is_undefined() -> None:
    short, long = timed_run(1, [10.0] * 50), timed_run(2, [10.0] * 200)
    p99 = compare_runs([short], [long]).metrics["p99"]
    assert (p99.base, p99.new, p99.ratio, p99.needed) == (None, 10_000_000, None, None)


def test_runs_of_another_plan_or_host_are_refused_with_both_values() -> None:
    base = statistics_of(1, 1e7)
    other_plan = statistics_of(2, 1e7, plan=PLAN.replace(timeout_s=3.0))
    other_host = statistics_of(2, 1e7, environment={**HOST, "cpu_count": 64})
    with pytest.raises(InputError, match=r"timeout_s: 10\.0 and 3\.0.*--force"):
        compare_runs([base], [other_plan])
    with pytest.raises(InputError, match=r"cpu_count: 4 and 64.*benchlab ab"):
        compare_runs([base], [other_host])
    found = compare_runs([base], [other_plan], force=True)
    assert "timeout_s: 10.0 and 3.0" in found.warnings[0]


def test_invalid_runs_are_refused() -> None:
    base = statistics_of(1, 1e7)
    invalid = statistics_of(2, 1e7, verdict="invalid", invalid_reason="the generator stalled")
    with pytest.raises(InvalidRunError, match="0002 is invalid: the generator stalled"):
        compare_runs([base], [invalid])
    assert compare_runs([base], [invalid], force=True).warnings[0].endswith("stalled")


def test_one_run_is_not_evidence_twice() -> None:
    base = statistics_of(1, 1e7)
    with pytest.raises(InputError, match="twice"):
        compare_runs([base, base], [statistics_of(2, 1e7)])
    with pytest.raises(InputError, match="has no runs"):
        compare_runs([], [base])
    assert "on both sides" in compare_runs([base], [base]).warnings[0]


def test_imported_runs_warn_of_other_rates() -> None:
    def imported(number: int, rate_rps: float) -> RunStatistics:
        plan = PLAN.replace(load=Imported(4, source="k6"))
        metrics = {**dict.fromkeys(METRICS, 1e7), "rate_rps": rate_rps}
        return statistics_of(number, 1e7, plan=plan, verdict="imported", metrics=metrics)

    same = compare_runs([imported(1, 100)], [imported(2, 105)])
    other = compare_runs([imported(1, 100)], [imported(2, 200)])
    assert "different rates, 100.0 and 200.0 requests/s" in other.warnings[1]
    assert not any("different rates" in warning for warning in same.warnings)


def test_the_dict_has_exactly_these_keys() -> None:
    found = compare_runs(runs_at(1, 3), runs_at(2, 3, first=50)).to_dict()
    assert list(found) == [
        "base", "new", "design", "primary", "verdict", "metrics", "reason", "warnings",
    ]  # fmt: skip
    assert list(found["metrics"]) == ["p50", "p90", "p99", "mean", "error_ratio", "rate_rps"]
    ratio = ["ratio", "ratio_low", "ratio_high", "verdict", "detectable_ratio", "needed"]
    assert list(found["metrics"]["p50"]) == ["base_ns", "new_ns", *ratio]
    assert list(found["metrics"]["rate_rps"]) == ["base_rps", "new_rps", *ratio]
    assert list(found["metrics"]["error_ratio"]) == [
        "base", "new", "difference", "difference_low", "difference_high", "verdict",
    ]  # fmt: skip


def test_the_frame_has_a_row_per_metric() -> None:
    found: Comparison = compare_runs(runs_at(1, 3), runs_at(2, 3, first=50))
    frame = found.to_pandas().set_index("metric")
    assert list(frame.index) == ["p50", "p90", "p99", "mean", "rate_rps", "error_ratio"]
    p50 = found.metrics["p50"]
    assert frame.loc["p50", "base_ms"] == pytest.approx((p50.base or 0) / 1e6)
    assert frame.loc["error_ratio", "difference"] == 0.0


def test_damaged_statistics_name_the_field() -> None:
    data = statistics_of(1, 1e7).to_dict()
    with pytest.raises(DamagedError):
        RunStatistics.from_dict({**data, "count": -1})
    with pytest.raises(DamagedError, match="plan"):
        RunStatistics.from_dict({**data, "plan": {"load": {}}})
