"""What tells causes apart: who was held up, what is left of many requests, what a retry hides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import benchlab as bl
from benchlab.analysis.causes.cause import Cause
from benchlab.analysis.causes.find import causes_of, find_causes
from benchlab.analysis.causes.freezes import find_freezes, find_period
from benchlab.analysis.causes.requests import Requests
from benchlab.runs.request_spans import ChildSpans, RequestSpans
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Flag, Samples
from tests.analysis.causes.simulation import simulate
from tests.runs.synthetic import make_run

_S = 1_000_000_000
_MS = 1_000_000


def _with(run: Run, change: Callable[[NDArray[np.void]], None]) -> Run:
    records = run.samples.records.copy()
    change(records)
    return replace(run, samples=Samples(records, run.samples.endpoints))


def _steady(
    change: Callable[[NDArray[np.void]], None], rate: int = 500, service_ns: int = 4 * _MS
) -> Run:
    """A run at a constant rate whose requests all take as long, changed."""
    run = simulate("healthy", 9000).run
    count = rate * 6
    records = np.zeros(count, dtype=run.samples.records.dtype)
    records["seq"] = np.arange(count)
    records["intended_ns"] = records["sent_ns"] = np.arange(count) * (_S // rate)
    wave = np.random.default_rng(3).integers(0, service_ns // 10, count)
    records["done_ns"] = records["sent_ns"] + service_ns + wave
    records["first_byte_ns"] = records["done_ns"]
    records["status"] = 200
    change(records)
    plan = run.plan.replace(load=bl.ConstantRate(rate), duration_s=6.0, warmup_s=0.0)
    return replace(run, plan=plan, samples=Samples(records, run.samples.endpoints))


def _frozen(records: NDArray[np.void], start_ns: int, length_ns: int) -> NDArray[np.bool_]:
    """Nothing is completed from ``start_ns`` on; those who waited are done at the end."""
    end = start_ns + length_ns
    mine = (records["intended_ns"] < end) & (records["done_ns"] > start_ns)
    mine &= records["done_ns"] < end
    records["done_ns"][mine] = end + np.arange(np.count_nonzero(mine)) * 20_000
    records["first_byte_ns"][mine] = records["done_ns"][mine]
    return np.asarray(mine)


def _names(causes: tuple[Cause, ...]) -> list[str]:
    return [item.cause for item in causes]


def test_a_freeze_that_the_generator_felt_as_well_is_the_machines() -> None:
    def service(records: NDArray[np.void]) -> None:
        _frozen(records, 2 * _S, 90 * _MS)

    def both(records: NDArray[np.void]) -> None:
        mine = _frozen(records, 2 * _S, 90 * _MS)
        late = mine & (records["intended_ns"] > 2 * _S + 40 * _MS)
        records["sent_ns"][late] = np.maximum(records["intended_ns"][late], 2 * _S + 80 * _MS)

    assert _names(find_causes(_steady(service)))[0] == "stall"
    found = find_freezes(Requests(_steady(both)))
    assert found.is_shared.any()
    assert not found.is_local.any()
    assert "stall" not in _names(find_causes(_steady(both)))


@pytest.mark.parametrize(("length_ms", "named"), [(40, False), (90, True)])
def test_one_short_freeze_is_the_machines(length_ms: int, named: bool) -> None:
    def change(records: NDArray[np.void]) -> None:
        _frozen(records, 2 * _S, length_ms * _MS)

    found = find_causes(_steady(change))
    assert ("stall" in _names(found)) == named


def test_a_stall_far_longer_than_all_others_is_one_beside_any_noise() -> None:
    def change(records: NDArray[np.void]) -> None:
        rng = np.random.default_rng(5)
        for start in np.cumsum(rng.integers(60, 140, 40)) * _MS:
            _frozen(records, int(start), int(rng.integers(12, 24)) * _MS)
        _frozen(records, 5 * _S, 320 * _MS)

    assert _names(find_causes(_steady(change)))[0] == "stall"


def test_pauses_that_begin_late_or_end_early_have_a_period() -> None:
    window = (0.0, 8.0 * _S)
    starts = 0.3 * _S + 1.0 * _S * np.arange(5, dtype=np.float64)
    found = find_period(starts, window)
    assert found is not None
    assert found[0] == pytest.approx(1.0 * _S)
    assert find_period(starts[:4], window) is None  # may be by chance


def test_irregular_freezes_have_no_period() -> None:
    rng = np.random.default_rng(7)
    starts = [np.cumsum(0.05 + rng.exponential(1.0, 6)) for _ in range(60)]
    found = [find_period(each, (0.0, float(each[-1]) + 0.5)) for each in starts]
    assert sum(each is not None for each in found) <= 4


def test_freezes_only_roughly_at_equal_distances_have_no_period() -> None:
    places = np.arange(8, dtype=np.float64)
    off = np.array([0.05, -0.06, 0.05, -0.04, 0.06, -0.05, 0.04, -0.05])
    assert find_period(places + off, (-0.5, 7.5)) is None
    assert find_period(places + 0.2 * off, (-0.5, 7.5)) is not None


def test_a_service_that_becomes_slower_evenly_is_no_queue() -> None:
    def change(records: NDArray[np.void]) -> None:
        slower = np.linspace(0, 200 * _MS, len(records)).astype(np.int64)
        records["done_ns"] += slower
        records["first_byte_ns"] = records["done_ns"]

    assert _names(find_causes(_steady(change, rate=800))) == ["drift"]


@pytest.mark.parametrize(
    ("by_ms", "spread", "cause"),
    [(40.4, 0.01, "tcp_stall"), (38.0, 0.08, "bimodal"), (43.0, 0.07, "bimodal")],
)
def test_a_timer_has_one_length_and_a_slow_kind_has_not(
    by_ms: float, spread: float, cause: str
) -> None:
    def change(records: NDArray[np.void]) -> None:
        rng = np.random.default_rng(5)
        mine = rng.random(len(records)) < 0.1
        late = by_ms * _MS * rng.lognormal(0, spread, len(records))
        records["done_ns"][mine] += late.astype(np.int64)[mine]
        records["first_byte_ns"] = records["done_ns"]

    assert _names(find_causes(_steady(change))) == [cause]


def test_a_slow_kind_of_ten_requests_is_seen_behind_a_gap() -> None:
    def change(records: NDArray[np.void]) -> None:
        rng = np.random.default_rng(5)
        records["done_ns"] += (rng.lognormal(0, 0.2, len(records)) * 4 * _MS).astype(np.int64)
        late = (rng.lognormal(0, 0.1, 10) * 22 * _MS).astype(np.int64)
        records["done_ns"][30::60][:10] += late
        records["first_byte_ns"] = records["done_ns"]

    assert _names(find_causes(_steady(change, rate=100)))[0] == "bimodal"
    assert find_causes(_steady(lambda records: None, rate=100)) == ()


def test_slow_requests_that_were_frozen_as_well_are_of_the_slow_kind() -> None:
    def change(records: NDArray[np.void]) -> None:
        slow = np.random.default_rng(5).random(len(records)) < 0.3
        records["done_ns"][slow] += 45 * _MS
        _frozen(records, 2 * _S, 40 * _MS)
        here = slow & (np.abs(records["intended_ns"] - 2 * _S) < 60 * _MS)
        records["done_ns"][here] += 15 * _MS
        records["first_byte_ns"] = records["done_ns"]

    found = find_causes(_steady(change, rate=1600))
    assert found[0].cause == "bimodal"
    assert found[0].tail_ratio > 0.5


def test_next_to_no_noise_is_none() -> None:
    def change(records: NDArray[np.void]) -> None:
        records["sent_ns"][::50] += 10_000
        records["done_ns"][::50] += 10_000

    assert find_causes(_steady(change, service_ns=100_000)) == ()


def test_a_generator_that_is_behind_explains_the_waits_for_a_connection() -> None:
    def change(records: NDArray[np.void]) -> None:
        wait = np.linspace(0, 3 * _S, len(records)).astype(np.int64)
        records["sent_ns"] += wait
        records["done_ns"] += wait + 100 * _MS
        records["flags"] |= np.uint8(Flag.CAP_WAIT)

    run = _steady(change)
    worker = replace(run.health.workers[0], cpu_ratio=0.9, stall_total_ns=4 * _S)
    behind = replace(run, health=replace(run.health, workers=(worker,)))
    assert _names(find_causes(behind))[0] == "generator"
    idle = replace(worker, cpu_ratio=0.1, stall_total_ns=0)
    found = find_causes(replace(run, health=replace(run.health, workers=(idle,))))
    assert _names(found)[0] == "connection_cap"


def test_connections_of_a_pool_that_only_grew_were_not_reopened() -> None:
    def change(records: NDArray[np.void]) -> None:
        records["done_ns"][:50] = _S  # all are in use
        records["flags"][:50] |= np.uint8(Flag.NEW_CONNECTION)
        records["flags"][2000:2050] |= np.uint8(Flag.NEW_CONNECTION)

    reopened = Requests(_steady(change)).is_reopened
    assert not reopened[:50].any()
    assert reopened[2000:2050].all()


def test_failed_tries_that_a_retry_made_good_are_errors() -> None:
    def change(records: NDArray[np.void]) -> None:
        again = np.arange(0, len(records), 25)
        for name in ("sent_ns", "first_byte_ns", "done_ns"):
            records[name][again] += 150 * _MS
        records["flags"][again] |= np.uint8(Flag.RETRY)

    run = _steady(change)
    records = run.samples.records
    tries = records[(records["flags"] & Flag.RETRY) != 0].copy()
    tries["seq"] += len(records)
    tries["flags"] = Flag.FAILED_TRY
    tries["error"], tries["status"] = ErrorKind.STATUS, 503
    both = np.concatenate([records, tries])
    found = find_causes(replace(run, samples=Samples(both, run.samples.endpoints)))
    assert _names(found)[0] == "errors"
    assert f"{len(tries)} with status 503" in found[0].evidence[0].text
    assert found[0].evidence[0].numbers["retried_count"] == len(tries)
    assert found[0].requests


def test_a_child_span_that_is_the_wait_is_evidence_of_contention() -> None:
    made = next(
        made
        for seed in range(9000, 9020)
        if (made := simulate("contention", seed)).spans is not None
        and _names(find_causes(made.run, made.spans))[:1] == ["contention"]
    )
    spans = made.spans
    assert spans is not None
    index = np.arange(len(spans.seq), dtype=np.int32)
    wait = np.maximum(spans.server_ns - np.quantile(spans.server_ns, 0.05), 1).astype(np.int64)
    child = ChildSpans("lock", "shop", index, spans.start_ns, wait)
    locked = RequestSpans(
        spans.seq, spans.start_ns, spans.server_ns, spans.instance, spans.instances, (child,)
    )
    found = find_causes(made.run, locked)
    assert found[0].cause == "contention"
    assert "child_span" not in _names(found)
    assert any("the span lock of shop" in item.text for item in found[0].evidence)


@pytest.mark.parametrize("cause", ["bimodal", "queueing"])
def test_a_part_of_the_requests_has_the_causes_of_all(cause: str) -> None:
    made = simulate(cause, 30_001)
    whole = Requests(made.run, made.spans)
    part = Requests(made.run, made.spans, most=len(whole) // 3)
    assert part.total == len(whole)
    assert len(part) == pytest.approx(len(whole) / 3, rel=0.2)
    chosen = np.isin(whole.seq, part.seq)
    assert np.array_equal(part.in_flight, whole.in_flight[chosen])
    assert causes_of(part)[0].cause == causes_of(whole)[0].cause


def test_a_synthetic_run_is_looked_at_whole() -> None:
    run = make_run(count=500)
    assert Requests(run).total == len(Requests(run)) == len(run.measured)
