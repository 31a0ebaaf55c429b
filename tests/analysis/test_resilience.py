"""What faults of known time, length and depth did to a run, and what is attributed to them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from benchlab.analysis.fault_effects import resilience_of
from benchlab.analysis.resilience import OUTCOMES, FaultEffect, FaultOutcome, Resilience
from benchlab.errors import InputError
from benchlab.plan.shapes import ClosedLoop
from benchlab.plan.tracing import is_traced, trace_id
from benchlab.runs.run import Run
from benchlab.samples.records import join_records
from benchlab.samples.samples import ErrorKind, Samples
from benchlab.units import NS_PER_S
from tests.analysis.faulty import Queue, faulty_run, record, with_latencies
from tests.runs.synthetic import make_run

LIMIT = "p99<50ms"


def effect_of(run: Run, objective: str | Sequence[str] | None = LIMIT) -> FaultEffect:
    (effect,) = resilience_of(run, objective, force=True).faults
    return effect


def seconds(time_ns: int | None) -> float:
    assert time_ns is not None
    return time_ns / NS_PER_S


@pytest.mark.parametrize(
    ("rate_rps", "length_s", "depth", "errors"),
    [(500, 0.5, 1.0, False), (500, 5.0, 0.3, True), (2_000, 2.0, 0.5, False), (500, 5, 0.1, False)],
)
def test_onset_and_recovery_are_within_50_ms_or_5_percent(
    rate_rps: float, length_s: float, depth: float, errors: bool
) -> None:
    """In 95 of 100 runs; seeds it was not developed on."""
    tolerance_s = max(0.05, 0.05 * length_s)
    wrong_s = []
    for seed in range(91_000, 91_000 + round(10_000 / rate_rps)):
        run = faulty_run(
            seed, rate_rps=rate_rps, duration_s=20, faults=[(8.0, length_s)], depth=depth,
            errors=errors,
        )  # fmt: skip
        effect = effect_of(run)
        assert effect.outcome == "recovered"
        wrong_s.append(seconds(effect.onset_ns) - 8.0)
        wrong_s.append(seconds(effect.recovery_ns) - 8.0 - length_s)
        if errors:
            assert effect.error_ratio == pytest.approx(depth, abs=0.05)
        assert effect.affected_count == pytest.approx(rate_rps * length_s * depth, rel=0.25)
    assert np.mean(np.abs(wrong_s) <= tolerance_s) >= 0.95


def test_depth_requests_and_budget_are_those_of_the_fault() -> None:
    effect = effect_of(faulty_run(4, usual=0.0))
    assert (effect.outcome, effect.objectives) == ("recovered", (LIMIT,))
    assert effect.error_ratio == 0
    assert effect.affected_count is not None
    # Of 15,000 requests 150 may be slow.
    assert effect.budget_burned_ratio == pytest.approx(effect.affected_count / 150)
    assert effect.latency_p50_factor == pytest.approx(0.204 / 0.004, rel=0.1)
    assert effect.latency_p99_factor == pytest.approx(0.21 / 0.0101, rel=0.15)
    assert effect.goodput_before_rps == pytest.approx(500, rel=0.1)
    assert effect.goodput_during_rps == pytest.approx(0, abs=1)
    assert effect.note == ""


def test_the_queue_that_a_stall_left_counts_until_it_is_gone() -> None:
    """2 s at 700 of 1,000 requests/s leave 1,400, and 300 more are done per second than come."""
    effect = effect_of(Queue(7, timeout_s=60).run(5.0, 2.0, 20.0))
    assert effect.outcome == "recovered"
    assert seconds(effect.time_to_recovery_ns) == pytest.approx(1_400 / 300, rel=0.15)
    assert effect.time_to_broken_ns == pytest.approx(0, abs=0.05 * NS_PER_S)


def test_a_retry_storm_is_metastable_and_a_long_queue_is_not() -> None:
    """Seeds it was not developed on; the queues are not empty when the runs end."""
    storms: Counter[FaultOutcome] = Counter()
    queues: Counter[FaultOutcome] = Counter()
    for seed in range(70_001, 70_011):
        storm = Queue(seed, rate_rps=600, retries=2, timeout_s=0.3).run(4.0, 2.0, 14.0)
        storms[effect_of(storm).outcome] += 1
        rate_rps = 700 + 20 * (seed % 10)
        queue = Queue(seed, rate_rps=rate_rps, timeout_s=60).run(4.0, 4.0, 15.0)
        effect = effect_of(queue)
        queues[effect.outcome] += 1
        assert effect.not_recovered_within_ns == 7 * NS_PER_S
        assert "at this pace" in effect.note
    assert storms == {"metastable": 10}
    assert queues == {"not_recovered": 10}
    assert effect.goodput_after_rps == 0


def test_it_is_not_metastable_if_the_load_is_not_as_before() -> None:
    storm = Queue(5, rate_rps=600, retries=2, timeout_s=0.3).run(4.0, 2.0, 14.0)
    kept = storm.samples.records[storm.samples.records["intended_ns"] < 4 * NS_PER_S][::2]
    later = storm.samples.records[storm.samples.records["intended_ns"] >= 4 * NS_PER_S]
    samples = Samples(join_records([kept, later]), storm.samples.endpoints)
    effect = effect_of(replace(storm, samples=samples))
    assert effect.outcome == "not_recovered"
    assert "load" in effect.note


def test_soon_after_a_fault_nothing_is_called_metastable() -> None:
    storm = Queue(5, rate_rps=600, retries=2, timeout_s=0.3).run(4.0, 2.0, 9.0)
    effect = effect_of(storm)
    assert (effect.outcome, effect.not_recovered_within_ns) == ("not_recovered", 3 * NS_PER_S)


def test_a_fault_that_breaks_nothing_was_withstood() -> None:
    effect = effect_of(faulty_run(3, depth=0.004))
    assert effect.outcome == "withstood"
    assert effect.onset_ns is effect.time_to_broken_ns is effect.recovery_ns is None
    assert effect.affected_count == pytest.approx(15, abs=12)
    assert effect.error_ratio == 0


def test_a_fault_that_lasts_to_the_end_has_no_recovery() -> None:
    run = faulty_run(3, faults=[(22.0, 8.0)])
    for faults in (run.faults, (record(22.0, None),)):
        effect = effect_of(replace(run, faults=faults))
        assert (effect.outcome, effect.ended_ns) == ("lasted", None)
        assert seconds(effect.onset_ns) == pytest.approx(22.0, abs=0.05)
        assert effect.recovery_ns is effect.not_recovered_within_ns is None


def test_what_was_broken_before_is_attributed_to_nothing() -> None:
    result = resilience_of(faulty_run(3, usual=0.05), LIMIT)
    (effect,) = result.faults
    assert effect.outcome == "already_broken"
    assert effect.onset_ns is effect.affected_count is effect.budget_burned_ratio is None
    assert "without a fault" in effect.note
    assert result.other_periods
    # A queue that grew until then is no work of the fault either.
    overload = Queue(3, rate_rps=1_300, timeout_s=60).run(6.0, 2.0, 12.0)
    assert effect_of(overload).outcome == "already_broken"


def test_faults_that_follow_each_other_have_their_own_effects() -> None:
    result = resilience_of(faulty_run(9, faults=[(5, 2), (12, 3), (20, 1)]), LIMIT)
    assert [each.outcome for each in result.faults] == ["recovered"] * 3
    onsets_s = [seconds(each.onset_ns) for each in result.faults]
    assert onsets_s == pytest.approx([5, 12, 20], abs=0.05)
    assert result.other_periods == ()


def test_the_next_fault_ends_what_can_be_observed() -> None:
    run = Queue(2, rate_rps=800, timeout_s=60).run(4.0, 3.0, 20.0)
    result = resilience_of(replace(run, faults=(*run.faults, record(10.0, 1.0, number=1))), LIMIT)
    first, second = result.faults
    assert first.outcome == "not_recovered"
    assert first.not_recovered_within_ns == 3 * NS_PER_S
    assert second.outcome == "already_broken"
    assert "fault 0" in second.note


def test_overlapping_faults_are_cleared_together() -> None:
    result = resilience_of(faulty_run(2, faults=[(8.0, 3.0), (10.0, 5.0)]), LIMIT)
    first, second = result.faults
    assert (first.outcome, first.overlaps) == ("recovered", (1,))
    assert first.cleared_ns == 15 * NS_PER_S
    assert seconds(first.time_to_recovery_ns) == pytest.approx(0, abs=0.05)
    assert "overlaps" in first.note
    assert (second.outcome, second.overlaps) == ("already_broken", (0,))


def test_a_fault_of_the_whole_run_is_how_the_service_is_for_the_others() -> None:
    storm = Queue(7, rate_rps=600, retries=2, timeout_s=0.3).run(4.0, 2.0, 14.0)
    (trigger,) = storm.faults
    slot = record(0.01, None, number=1)
    result = resilience_of(replace(storm, faults=(slot, trigger)), LIMIT)
    always, first = result.faults
    assert (always.number, always.outcome, always.overlaps) == (1, "withstood", ())
    assert "all the time" in always.note
    assert always.request_count == pytest.approx(4 * 600, rel=0.1)
    assert (first.outcome, first.overlaps) == ("metastable", ())
    assert result.before_s == 4.0
    assert first.goodput_before_rps == pytest.approx(600, rel=0.1)
    alone = resilience_of(storm, LIMIT).faults[0]
    assert first == alone
    # If it breaks the objectives itself, the others break nothing.
    result = resilience_of(replace(storm, faults=(slot, trigger)), "p99<1ms")
    assert [each.outcome for each in result.faults] == ["lasted", "already_broken"]
    assert "fault 1" in result.faults[1].note


@pytest.mark.parametrize("begin_s", [0.0, 0.02])
def test_a_fault_that_is_on_when_the_window_begins_breaks_it_from_then_on(begin_s: float) -> None:
    times_s = np.arange(10_000) / 500
    run = with_latencies(
        times_s, np.where(times_s < 4, 0.2, 0.004), faults=[record(begin_s, 4 - begin_s)],
        duration_s=20.0,
    )  # fmt: skip
    effect = effect_of(run)
    assert effect.outcome == "recovered"
    assert effect.onset_ns == effect.began_ns
    assert seconds(effect.recovery_ns) == pytest.approx(4, abs=0.05)


def test_what_chance_did_shortly_before_a_fault_does_not_move_its_onset() -> None:
    """6 slow requests 1.2 s before it: no more than chance explains, and within a window."""
    times_s = np.arange(15_000) / 500
    latency_s = np.where(
        (times_s >= 10) & (times_s < 12) & (np.arange(15_000) % 20 == 0), 0.2, 0.004
    )
    latency_s[(times_s >= 8.8) & (times_s < 8.812)] = 0.2
    run = with_latencies(times_s, latency_s, faults=[record(10.0, 2.0)], duration_s=30.0)
    effect = effect_of(run)
    assert effect.outcome == "recovered"
    assert seconds(effect.onset_ns) == pytest.approx(10, abs=0.3)
    assert effect.time_to_broken_ns == pytest.approx(0, abs=NS_PER_S // 10)


def test_a_hiccup_that_happens_without_a_fault_too_is_no_effect_of_one() -> None:
    times_s = np.arange(15_000) / 500
    latency_s = np.full(15_000, 0.004)
    for start_s in (3.0, 12.0):
        latency_s[(times_s >= start_s) & (times_s < start_s + 0.1)] = 0.2
    run = with_latencies(times_s, latency_s, faults=[record(11.0, 4.0)], duration_s=30.0)
    result = resilience_of(run, LIMIT)
    assert result.outcome == "withstood"
    assert "no more than without" in result.faults[0].note
    assert len(result.other_periods) == 2


def test_a_closed_loop_shows_the_requests_that_it_did_not_send() -> None:
    """8 users wait for 3 s: 8 slow requests of 8,000, and yet the p99 was broken for 3 s."""
    step_s = 0.02
    per_user: list[float] = []
    latency: list[float] = []
    for user in range(8):
        at_s = user * step_s / 8
        while at_s < 20:
            stalled = at_s <= 10 < at_s + step_s
            per_user.append(at_s)
            latency.append(3.0 if stalled else 0.019)
            at_s += 3.0 if stalled else step_s
    order = np.argsort(per_user)
    run = with_latencies(
        np.array(per_user)[order], np.array(latency)[order], faults=[record(10.0, 3.0)],
        duration_s=20.0, load=ClosedLoop(8),
    )  # fmt: skip
    effect = effect_of(run)
    assert effect.outcome == "recovered"
    assert effect.affected_count == 8
    assert seconds(effect.onset_ns) == pytest.approx(10, abs=0.1)
    assert seconds(effect.recovery_ns) == pytest.approx(13, abs=0.1)
    # The same as errors: what was not sent would have failed too.
    records = run.samples.records.copy()
    slow = records["done_ns"] - records["intended_ns"] > NS_PER_S
    records["error"][slow] = ErrorKind.TIMEOUT
    failing = replace(run, samples=Samples(records, run.samples.endpoints))
    assert effect_of(failing, "error_ratio<1%").outcome == "recovered"


def test_the_warm_up_is_not_looked_at() -> None:
    run = faulty_run(6, duration_s=25.0, warmup_s=5.0, faults=[(1.0, 3.0), (12.0, 2.0)])
    result = resilience_of(run, LIMIT, force=True)
    assert result.timeline.edges_s[0] == 5.0
    assert seconds(result.faults[1].onset_ns) == pytest.approx(12, abs=0.05)
    assert result.faults[0].outcome == "withstood"
    assert result.faults[0].error_ratio is None


def test_the_objective_is_that_of_the_plan_or_one_that_held_before() -> None:
    run = faulty_run(8)
    derived = resilience_of(run)
    assert derived.objective_source == "derived"
    assert derived.derivation.startswith("2 × the p99 of the 10 s before the first fault")
    assert derived.outcome == "recovered"
    planned = replace(run, plan=run.plan.replace(slo=["p99<60ms", "mean<9ms", "rate_rps>1"]))
    found = resilience_of(planned)
    assert (found.objective_source, found.left_out) == ("plan", ("mean<9ms", "rate_rps>1"))
    assert [each.objective for each in found.objectives] == ["p99<60ms"]
    assert found.objectives[0].window_s == 2.0
    windowed = resilience_of(run, "p90<60ms over 3s").objectives[0]
    assert (windowed.window_s, windowed.allowed_ratio) == (3.0, 0.1)


def test_of_several_objectives_each_one_counts() -> None:
    run = faulty_run(8, errors=True, depth=0.5)
    effect = effect_of(run, ["p50<50ms", "error_ratio<5%"])
    assert effect.objectives == ("error_ratio<5%",)
    both = effect_of(run, ["p90<50ms", "error_ratio<5%"])
    assert set(both.objectives) == {"p90<50ms", "error_ratio<5%"}


def test_an_objective_of_an_endpoint_is_about_its_requests() -> None:
    from benchlab.plan.request import Request

    requests = [Request("GET", "http://127.0.0.1:1/", name=name) for name in ("a", "b")]
    run = make_run(rate_rps=500, duration_s=20, warmup_s=0, requests=requests)
    records = run.samples.records.copy()
    slow = (records["endpoint"] == 1) & (records["intended_ns"] // (2 * NS_PER_S) == 5)
    records["done_ns"][slow] += NS_PER_S
    faults = (record(10.0, 2.0),)
    run = replace(run, samples=Samples(records, run.samples.endpoints), faults=faults)
    assert effect_of(run, "p99[a]<50ms").outcome == "withstood"
    assert effect_of(run, "p99[b]<50ms").affected_count == 500
    with pytest.raises(InputError, match="endpoint"):
        resilience_of(run, "p99[c]<50ms")


def test_the_slowest_are_traced_requests_if_there_are_any() -> None:
    run = faulty_run(5)
    effect = effect_of(run)
    assert [each.traced for each in effect.slowest] == [False] * 5
    latencies = [each.latency_ns for each in effect.slowest]
    assert latencies == sorted(latencies, reverse=True)
    assert effect.slowest[0].trace_id == trace_id(run.id, effect.slowest[0].seq)
    traced = effect_of(replace(run, plan=run.plan.replace(trace_ratio=0.1)))
    seqs = np.array([each.seq for each in traced.slowest])
    assert is_traced(seqs, 0.1).all()


def test_a_fault_that_could_not_be_set_did_nothing() -> None:
    run = faulty_run(5)
    failed = replace(run.faults[0], ended_ns=None, error="connection refused")
    effect = effect_of(replace(run, faults=(failed,)))
    assert (effect.outcome, effect.note) == ("failed", "connection refused")


def test_what_cannot_be_said_is_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match="had no faults"):
        resilience_of(make_run())
    with pytest.raises(InputError, match="limit of single requests"):
        resilience_of(faulty_run(1), "mean<5ms")
    with pytest.raises(InputError, match="too few"):
        resilience_of(faulty_run(1, faults=[(0.1, 5.0)]))
    everything = faulty_run(1, usual=1.0, errors=True)
    with pytest.raises(InputError, match="failed"):
        resilience_of(everything)


def test_runs_with_little_to_show_have_a_result() -> None:
    faults = (record(2.0, 1.0),)
    for run in (
        make_run(count=0),
        make_run(count=50),
        make_run(count=1, warmup_s=0),
        make_run(stopped_ns=NS_PER_S // 2),
        make_run(all_failed=ErrorKind.TIMEOUT),
    ):
        result = resilience_of(replace(run, faults=faults), LIMIT, force=True)
        assert result.outcome in OUTCOMES
        json.dumps(result.to_dict())
        assert len(result.to_pandas()) == 1


def test_json_has_the_times_that_follow() -> None:
    result: Resilience = resilience_of(faulty_run(5), LIMIT)
    data = json.loads(json.dumps(result.to_dict()))
    (fault,) = data["faults"]
    assert data["outcome"] == fault["outcome"] == "recovered"
    assert fault["time_to_recovery_ns"] == result.faults[0].time_to_recovery_ns
    assert len(fault["slowest"]) == 5
    row = result.to_pandas().iloc[0]
    assert row["onset_s"] == pytest.approx(10, abs=0.05)
    assert row["outcome"] == "recovered"
