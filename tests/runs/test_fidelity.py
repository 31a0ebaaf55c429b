"""Fidelity of a replay: known answers, and what each figure sees and does not see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from benchlab.plan.request import Request
from benchlab.plan.shapes import ClosedLoop
from benchlab.runs.fidelity import KS_LIMIT, TOLERANCE_NS, Fidelity
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Flag, Samples
from benchlab.units import NS_PER_MS, NS_PER_S
from tests.runs.replayed import ENDPOINTS, poisson_s, replayed_run
from tests.runs.synthetic import URL, make_run

COUNT = 2_000
EVEN_S = np.arange(COUNT) / 100


def fidelity(run: Run) -> Fidelity:
    assert run.fidelity is not None
    return run.fidelity


def changed(run: Run, records: NDArray[np.void]) -> Run:
    return replace(run, samples=Samples(records, run.samples.endpoints))


def test_only_a_replay_has_a_fidelity() -> None:
    assert make_run().fidelity is None
    assert make_run().to_dict()["fidelity"] is None
    assert make_run(load=ClosedLoop(4)).fidelity is None


def test_sent_exactly_as_recorded() -> None:
    found = fidelity(replayed_run(poisson_s(COUNT)))
    assert found.faithful
    assert (found.ks_distance, found.ks_distance_tolerant) == (0, 0)
    assert (found.recorded_count, found.sent_count, found.dropped_count) == (COUNT, COUNT, 0)
    assert (found.lag_p50_ns, found.lag_p99_ns, found.mix_error_ratio) == (0, 0, 0)
    assert found.recorded_span_ns == found.sent_span_ns
    assert found.gaps.recorded_ns == found.gaps.sent_ns
    assert len(found.gaps.sent_ns) == 1_000


def test_a_small_example_by_hand() -> None:
    """Recorded 0, 10, 30, 60 ms: gaps 10, 20, 30. The third was sent 25 ms late: 10, 45, 5."""
    late_ns = np.array([0, 0, 25, 0]) * NS_PER_MS
    found = fidelity(replayed_run([0, 0.010, 0.030, 0.060], late_ns, ENDPOINTS[:1]))
    assert found.ks_distance == pytest.approx(1 / 3)
    assert found.gaps.recorded_ns == (10 * NS_PER_MS, 20 * NS_PER_MS, 30 * NS_PER_MS)
    assert found.gaps.sent_ns == (5 * NS_PER_MS, 10 * NS_PER_MS, 45 * NS_PER_MS)
    assert (found.lag_p50_ns, found.lag_p99_ns) == (0, 25 * NS_PER_MS)
    assert found.recorded_span_ns == found.sent_span_ns == 60 * NS_PER_MS


@pytest.mark.parametrize("mean_ns", [50_000, 5 * NS_PER_MS])
def test_the_distance_is_that_of_scipy(mean_ns: int) -> None:
    drawn = np.random.default_rng(2)
    run = replayed_run(poisson_s(COUNT), drawn.exponential(mean_ns, COUNT).astype(np.int64))
    sent = np.sort(run.samples.column("sent_ns"))
    due = np.sort(run.samples.column("intended_ns"))
    expected = ks_2samp(np.diff(due), np.diff(sent)).statistic
    assert fidelity(run).ks_distance == pytest.approx(expected, abs=1e-12)


def test_even_arrivals_need_the_tolerance() -> None:
    """No clock repeats 10 ms to the nanosecond: half of the gaps are longer, half are shorter."""
    late_ns = np.random.default_rng(3).integers(0, TOLERANCE_NS // 2, COUNT)
    found = fidelity(replayed_run(EVEN_S, late_ns))
    assert found.ks_distance is not None
    assert found.ks_distance > 0.4
    assert found.ks_distance_tolerant == 0
    assert found.faithful


def test_bursts_instead_of_random_arrivals_are_seen() -> None:
    """A timer that fires every 20 ms sends what is due in bursts."""
    due_s = poisson_s(COUNT)
    due_ns = np.rint(due_s * NS_PER_S).astype(np.int64)
    tick_ns = 20 * NS_PER_MS
    found = fidelity(replayed_run(due_s, -due_ns % tick_ns))
    assert found.ks_distance_tolerant is not None
    assert found.ks_distance_tolerant > 2 * KS_LIMIT
    assert not found.faithful
    assert any("times between arrivals" in problem for problem in found.problems)


def test_a_pause_shows_in_the_lag_and_not_in_the_distance() -> None:
    """What was due in the pause is sent right after it."""
    due_ns = np.rint(poisson_s(COUNT) * NS_PER_S).astype(np.int64)
    held = (due_ns > 5 * NS_PER_S) & (due_ns < 6 * NS_PER_S)
    found = fidelity(replayed_run(due_ns / NS_PER_S, np.where(held, 6 * NS_PER_S - due_ns, 0)))
    assert found.ks_distance is not None
    assert found.ks_distance < KS_LIMIT
    assert found.lag_p99_ns is not None
    assert found.lag_p99_ns > 500 * NS_PER_MS
    assert [problem for problem in found.problems if "late" in problem]


def test_what_was_never_sent_is_dropped() -> None:
    run = replayed_run(EVEN_S)
    records = run.samples.records.copy()
    records["error"][10:13] = ErrorKind.ABANDONED
    records["done_ns"][10:13] = records["sent_ns"][10:13] = 30 * NS_PER_S  # it still waited
    records["error"][20] = ErrorKind.ABANDONED  # was sent, and had no response in time
    records["error"][30] = ErrorKind.CONNECT
    records["error"][40] = ErrorKind.CIRCUIT_OPEN
    found = fidelity(changed(run, records))
    assert (found.sent_count, found.dropped_count) == (COUNT - 4, 4)
    assert found.problems == ("4 requests never sent",)
    assert found.sent_span_ns == found.recorded_span_ns


def test_a_request_that_was_tried_again_counts_when_it_was_sent_first() -> None:
    run = replayed_run(EVEN_S)
    again = run.samples.records[:5].copy()
    again["sent_ns"] += 100 * NS_PER_MS
    again["done_ns"] += 100 * NS_PER_MS
    again["flags"] |= np.uint8(Flag.RETRY)
    first = run.samples.records.copy()
    first["flags"][:5] |= np.uint8(Flag.FAILED_TRY)
    found = fidelity(changed(run, np.concatenate([again, first])))
    assert (found.sent_count, found.lag_p99_ns, found.ks_distance) == (COUNT, 0, 0)


def test_the_mix_error_is_the_largest_difference_of_shares() -> None:
    run = replayed_run(EVEN_S)
    assert fidelity(run).mix_error_ratio == 0
    assert fidelity(run).mix_error_endpoint == ""
    records = run.samples.records.copy()
    of_b = np.flatnonzero(records["endpoint"] == 1)
    records["endpoint"][of_b[:50]] = 0
    records["endpoint"][of_b[50:100]] = 2
    found = fidelity(changed(run, records))
    assert found.mix_error_ratio == pytest.approx(100 / COUNT)
    assert found.mix_error_endpoint == "GET /b"
    assert "the share of GET /b is off by 5.00 %" in found.problems


def test_endpoints_of_one_name_are_one() -> None:
    requests = [Request("GET", URL, name="GET /a"), Request("GET", URL + "?x=1", name="GET /a")]
    run = replayed_run(EVEN_S, requests=requests)
    records = run.samples.records.copy()
    records["endpoint"] = 0
    assert fidelity(changed(run, records)).mix_error_ratio == 0


def test_the_warm_up_is_no_part_of_it() -> None:
    run = replayed_run(EVEN_S)
    plan = run.plan.replace(warmup_s=1)
    records = run.samples.records.copy()
    for name in ("intended_ns", "sent_ns", "first_byte_ns", "done_ns"):
        records[name] += NS_PER_S
    warmup = records[:100].copy()
    for name in ("intended_ns", "sent_ns", "first_byte_ns", "done_ns"):
        warmup[name] -= NS_PER_S
    warmup["sent_ns"] += 50 * NS_PER_MS
    warmup["flags"] = Flag.WARMUP
    records["seq"] += 100
    records["endpoint"] = [plan.request_of(seq) for seq in records["seq"].tolist()]
    whole = replace(changed(run, np.concatenate([warmup, records])), plan=plan)
    found = fidelity(whole)
    assert (found.recorded_count, found.sent_count, found.lag_p99_ns) == (COUNT, COUNT, 0)
    assert found.ks_distance == 0
    assert found.mix_error_ratio == 0


def test_a_run_that_was_stopped_is_compared_as_far_as_it_went() -> None:
    run = replayed_run(EVEN_S, stopped_ns=5 * NS_PER_S)
    found = fidelity(run)
    assert found.recorded_count == 500
    assert found.dropped_count == 0


@pytest.mark.parametrize("due_s", [[0.0], [0.0, 0.5]])
def test_few_arrivals(due_s: list[float]) -> None:
    found = fidelity(replayed_run(due_s, requests=ENDPOINTS[:1]))
    assert found.ks_distance == (None if len(due_s) == 1 else 0)
    assert found.faithful
    assert found.dropped_count == 0
    assert found.describe().startswith("faithful: ")
    assert len(found.to_pandas()) == 1


def test_nothing_was_sent() -> None:
    run = replayed_run(EVEN_S)
    found = fidelity(changed(run, run.samples.records[:0]))
    assert (found.sent_count, found.dropped_count) == (0, COUNT)
    assert (found.ks_distance, found.lag_p99_ns) == (None, None)
    assert not found.faithful
    assert str(found)


def test_as_json_and_as_a_frame() -> None:
    run = replayed_run(EVEN_S, 250_000)
    found = fidelity(run)
    assert run.to_dict()["fidelity"] == found.to_dict()
    assert found.to_dict()["lag_p99_ns"] == 250_000
    assert found.to_dict()["mix_error_endpoint"] is None
    (row,) = found.to_pandas().to_dict("records")
    assert row["lag_p99_ms"] == 0.25
    assert row["recorded_span_s"] == pytest.approx(19.99)
    assert row["ks_tolerance_ms"] == 0.1


def test_the_line_has_the_verdict_and_every_figure() -> None:
    text = fidelity(replayed_run(EVEN_S, 250_000)).describe()
    assert text == (
        "faithful: 2,000 of 2,000 recorded requests sent, 0 dropped · inter-arrivals KS 0.000,"
        " 0.000 beyond 0.1 ms · lag p50 0.250 ms, p99 0.250 ms · mix error 0.00 %"
    )
