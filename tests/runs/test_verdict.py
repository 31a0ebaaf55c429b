from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.decoding import decode
from benchlab.errors import InvalidRunError
from benchlab.plan.scenario import Scenario
from benchlab.plan.shapes import ClosedLoop, ConstantRate
from benchlab.runs.comparable import check_verdicts
from benchlab.runs.health import Health, WorkerHealth
from benchlab.runs.host_record import HostRecord
from benchlab.runs.run import Run
from benchlab.runs.verdict import (
    count_missing,
    decide_verdict,
    held_rate,
    own_lag_p99_by_worker,
    without_cap_wait,
)
from benchlab.samples.percentiles import percentile_of
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Flag, Samples
from tests.runs.synthetic import make_run
from tests.samples.long import as_if_long

MS = 1_000_000


def test_a_run_that_kept_its_schedule_is_valid() -> None:
    run = make_run()
    assert (run.verdict, run.invalid_reason) == ("valid", None)
    run.require_valid()


def test_a_late_open_loop_is_invalid_and_says_how_late() -> None:
    run = make_run(lag_ns=15 * MS)
    assert run.verdict == "invalid"
    assert "fell behind its schedule" in str(run.invalid_reason)
    assert "15.0 ms" in str(run.invalid_reason)
    assert run.hint == "leave a core free for the generator, or use more workers or a lower rate"
    with pytest.raises(InvalidRunError, match=r"fell behind.*leave a core free"):
        run.require_valid()


def test_one_percent_of_late_requests_is_the_limit() -> None:
    assert _late(make_run(), share=0.009).verdict == "valid"
    assert _late(make_run(), share=0.011).verdict == "invalid"


def test_waiting_for_a_connection_is_not_the_generators_fault() -> None:
    run = _late(make_run(), share=0.5, flag=Flag.CAP_WAIT)
    assert run.verdict == "valid"


def test_lag_in_the_warm_up_does_not_count() -> None:
    run = make_run()
    records = run.samples.records.copy()
    records["sent_ns"][:100] += 50 * MS
    records["done_ns"][:100] += 50 * MS
    assert decide_verdict(run.plan, Samples(records), run.health).verdict == "valid"


def test_the_verdict_of_a_closed_loop_follows_its_busiest_core_and_not_lag() -> None:
    idle, busy = WorkerHealth(0, cpu_ratio=0.3), WorkerHealth(1, cpu_ratio=0.97)
    loop = ClosedLoop(8)
    assert make_run(load=loop, workers=[idle], lag_ns=50 * MS).verdict == "valid"
    run = make_run(load=loop, workers=[idle, busy])
    assert run.verdict == "invalid"
    assert "worker 1 used 97%" in str(run.invalid_reason)
    assert run.hint == (
        "use more workers, fewer connections or a constant rate of at most 82 requests/s"
    )
    assert make_run(load=loop, workers=[]).verdict == "valid"


def _scenario_run(worker: WorkerHealth, **plan: Any) -> Run:
    """10 s of a scenario with two steps per iteration: 50 iterations per second."""
    visit = Scenario("http://h/", "visit", steps=("look", "buy"))
    run = make_run(requests=[visit.anchor], scenario=visit, workers=[worker], **plan)
    records = run.samples.records.copy()
    records["endpoint"] = 1 + records["seq"] % 2
    records["flags"][::2] |= np.uint8(Flag.FIRST_STEP)
    return replace(run, samples=Samples(records, run.plan.endpoint_names))


def test_a_scenario_that_fills_its_core_is_told_from_one_that_stalls() -> None:
    stalls: dict[str, Any] = {"stall_max_ns": 30 * MS, "stall_total_ns": 2_000 * MS}
    full = _scenario_run(WorkerHealth(0, cpu_ratio=0.99, **stalls), load=ClosedLoop(64))
    assert full.verdict == "invalid"
    assert "worker 0 used 99% of a core for its users" in str(full.invalid_reason)
    assert "Locust warns of it as high CPU usage" in str(full.invalid_reason)
    # 50 iterations/s at 99 % are 40 at 80 %.
    assert "a constant rate of at most 40 iterations/s" in str(full.hint)
    blocked = _scenario_run(WorkerHealth(0, cpu_ratio=0.2, **stalls), load=ClosedLoop(64))
    assert blocked.verdict == "invalid"
    assert "the generator stalled" in str(blocked.invalid_reason)
    assert "time.sleep" in str(blocked.hint)


def test_a_valid_scenario_whose_worker_is_full_says_what_that_means() -> None:
    full = _scenario_run(WorkerHealth(0, cpu_ratio=0.99), load=ConstantRate(50))
    assert full.verdict == "valid"
    assert "Locust warns of it" in full.warnings[0]
    assert "use more workers, or at most 40 iterations/s" in full.warnings[0]


@pytest.mark.parametrize(
    ("rate_rps", "cpu_ratio", "text"),
    [(1234.0, 1.0, "980 "), (100.0, 0.8, "100 "), (2.0, 1.0, "1.6 ")],
)
def test_the_rate_that_a_worker_can_hold_has_two_digits(
    rate_rps: float, cpu_ratio: float, text: str
) -> None:
    worker = WorkerHealth(0, cpu_ratio=cpu_ratio)
    run = make_run(rate_rps=rate_rps, workers=[worker])
    assert held_rate(run.plan, run.samples.measured, worker) == f"{text}requests/s"


def test_stalls_make_a_closed_loop_invalid() -> None:
    window_ns = 10_000 * MS
    still = WorkerHealth(1, stall_count=3, stall_max_ns=90 * MS, stall_total_ns=window_ns // 99)
    run = make_run(load=ClosedLoop(8), workers=[WorkerHealth(0), still], duration_s=10)
    assert run.verdict == "invalid"
    assert "worker 1 stood still for 101 ms in total, at most 90.0 ms at once" in str(
        run.invalid_reason
    )
    less = WorkerHealth(1, stall_count=3, stall_max_ns=90 * MS, stall_total_ns=window_ns // 101)
    assert make_run(load=ClosedLoop(8), workers=[less], duration_s=10).verdict == "valid"
    assert make_run(workers=[still], duration_s=10).verdict == "valid"  # an open loop has its lag


def test_a_machine_without_ports_or_files_is_not_the_services_fault() -> None:
    run = make_run(workers=[WorkerHealth(0, local_failure_count=7)])
    assert run.verdict == "invalid"
    assert "7 connections could not be opened" in str(run.invalid_reason)


def test_an_open_loop_that_lost_requests_is_invalid() -> None:
    run = make_run()
    short = Samples(run.samples.records[:-1], run.samples.endpoints)
    decided = decide_verdict(run.plan, short, run.health)
    assert decided.verdict == "invalid"
    assert "the schedule has" in str(decided.reason)


def test_nothing_measured_is_invalid() -> None:
    assert make_run(count=0).invalid_reason == "no request was measured"
    assert make_run(count=50).invalid_reason == "no request was measured"  # warm-up alone


def test_a_run_that_was_stopped_is_interrupted_however_well_it_went() -> None:
    run = make_run(stopped_ns=4_000 * MS)
    assert run.verdict == "interrupted"
    assert "stopped before its end" in str(run.invalid_reason)
    assert make_run(stopped_ns=0).verdict == "interrupted"


def test_a_failed_worker_outweighs_everything() -> None:
    failed = WorkerHealth(3, problem="was killed")
    run = make_run(workers=[WorkerHealth(0), failed], stopped_ns=4_000 * MS)
    assert run.verdict == "invalid"
    assert run.invalid_reason == "worker 3 was killed"


_HOSTS = (
    HostRecord("tcp://10.0.0.1:4000", "alpha", (0, 2)),
    HostRecord("tcp://10.0.0.2:4000", "beta", (1, 3), lost="its connection was reset"),
)


def test_a_run_whose_cluster_lost_workers_is_degraded_and_says_which() -> None:
    lost = [WorkerHealth(n, problem="is lost", problem_kind="lost") for n in (1, 3)]
    run = make_run(workers=[WorkerHealth(0), *lost, WorkerHealth(2)])
    run = replace(run, hosts=_HOSTS)
    assert run.verdict == "degraded"
    assert run.invalid_reason == (
        "2 of 4 workers were lost, and with them 50 % of the load, or what remained of it:"
        " workers 1, 3 on beta (its connection was reset)"
    )
    assert "recover --cluster" in str(run.hint)
    with pytest.raises(InvalidRunError, match="degraded"):
        check_verdicts([run], force=False)


def test_a_small_share_that_was_lost_is_not_rounded_away() -> None:
    lost = WorkerHealth(1, problem="is lost", problem_kind="lost")
    others = [WorkerHealth(number) for number in (0, *range(2, 400))]
    run = replace(make_run(workers=[lost, *others]), hosts=_HOSTS)
    assert run.verdict == "degraded"
    assert "1 of 400 workers was lost, and with it 0.2 % of the load" in str(run.invalid_reason)


def test_a_cluster_that_lost_all_workers_is_degraded_if_anything_was_measured() -> None:
    lost = [WorkerHealth(number, problem="is lost", problem_kind="lost") for number in (0, 1)]
    run = replace(make_run(workers=lost), hosts=_HOSTS)
    assert run.verdict == "degraded"
    assert "2 of 2 workers were lost, and with them 100 % of the load" in str(run.invalid_reason)
    assert replace(run, stopped_ns=4_000 * MS).verdict == "interrupted"  # its parent was lost
    assert replace(make_run(workers=lost, count=0), hosts=_HOSTS).verdict == "invalid"


def test_of_very_many_lost_hosts_some_are_named_and_the_others_counted() -> None:
    hosts = [HostRecord(f"tcp://h{n}:1", f"h{n}", (n, n + 100), lost="gone") for n in range(99)]
    lost = [WorkerHealth(n, problem="is lost", problem_kind="lost") for n in range(199) if n != 99]
    run = make_run(workers=[*lost, WorkerHealth(99)])
    reason = str(
        replace(run, hosts=(*hosts, HostRecord("tcp://h99:1", "h99", (99,)))).invalid_reason
    )
    assert reason.startswith("198 of 199 workers were lost, and with them 99 % of the load")
    assert reason.endswith("; workers 4, 104 on h4 (gone) and 94 more")


def test_a_cluster_that_failed_itself_is_invalid() -> None:
    lost = WorkerHealth(0, problem="is lost", problem_kind="lost")
    failed = WorkerHealth(1, problem="failed: KeyError", problem_kind="failed")
    for workers in ([lost, failed], [failed]):
        assert replace(make_run(workers=workers), hosts=_HOSTS).verdict == "invalid"


def test_errors_alone_leave_a_run_valid() -> None:
    assert make_run(all_failed=ErrorKind.TIMEOUT).verdict == "valid"
    assert make_run(all_failed=ErrorKind.RESET).verdict == "valid"


@pytest.mark.parametrize("kind", [ErrorKind.CONNECT, ErrorKind.TLS, ErrorKind.UNSENT])
def test_a_run_that_sent_no_request_is_invalid(kind: ErrorKind) -> None:
    run = make_run(all_failed=kind)
    assert run.verdict == "invalid"
    assert f"no request was sent: all of them failed before ({kind.label})" in str(
        run.invalid_reason
    )
    records = run.samples.records.copy()
    records["error"][-1] = ErrorKind.TIMEOUT
    assert decide_verdict(run.plan, Samples(records), run.health).verdict == "valid"


def test_health_survives_a_dict() -> None:
    health = Health(
        (WorkerHealth(0, 0.5, 1, 2, 3), WorkerHealth(1, problem="x", servers=("a", "b")))
    )
    assert decode(json.dumps(health.to_dict()), Health, where="") == health
    assert decode("{}", Health, where="") == Health()
    assert health.servers == ["a", "b"]


@pytest.mark.parametrize(
    ("worker", "plan", "reason", "hint"),
    [
        (
            {"problem": "lost some: No space left", "problem_kind": "disk_full"},
            {},
            "No space left",
            "make room, or set BENCHLAB_DATA_DIR",
        ),
        (
            {"problem": "lost some: I/O error", "problem_kind": "disk_failed"},
            {},
            "I/O error",
            "on a disk that can be written",
        ),
        (
            {"problem": "has gone", "problem_kind": "killed"},
            {},
            "has gone",
            "out-of-memory",
        ),
        (
            {"problem": "failed: KeyError: 1", "problem_kind": "failed"},
            {},
            "failed: KeyError",
            "please report it",
        ),
        ({"local_failure_count": 2}, {}, "2 connections could not be opened", "ulimit -n"),
        ({"cpu_ratio": 0.99}, {"lag_ns": 20 * MS}, "fell behind", "use more workers or a lower"),
        (
            {"cpu_ratio": 0.99},
            {"load": ClosedLoop(4), "driver": "httpx"},
            "was the bottleneck",
            "the http driver costs a fraction",
        ),
        (
            {"stall_total_ns": 900 * MS, "stall_max_ns": 90 * MS},
            {"load": ClosedLoop(4)},
            "the generator stalled",
            "leave a core free for each worker",
        ),
        ({}, {"count": 0}, "no request was measured", "measure for longer"),
        ({}, {"count": 1099}, "1,000 requests and 999 were recorded", "please report it"),
    ],
)
def test_every_reason_has_its_hint(
    worker: dict[str, Any], plan: dict[str, Any], reason: str, hint: str
) -> None:
    run = make_run(workers=[WorkerHealth(0, **worker)], **plan)
    assert run.verdict == "invalid"
    assert reason in str(run.invalid_reason)
    assert hint in str(run.hint)
    assert hint not in str(run.invalid_reason)
    assert run.to_dict()["hint"] == run.hint


def test_a_busy_generator_may_be_why_requests_waited_for_connections() -> None:
    busy = _late(make_run(workers=[WorkerHealth(0, 0.97)]), share=0.02, flag=Flag.CAP_WAIT)
    assert busy.verdict == "invalid"
    assert "while 2% of requests waited for a connection" in str(busy.invalid_reason)
    assert "closed loop" in str(busy.hint)
    few = _late(make_run(workers=[WorkerHealth(0, 0.97)]), share=0.005, flag=Flag.CAP_WAIT)
    assert few.verdict == "valid"
    idle = _late(make_run(workers=[WorkerHealth(0, 0.5)]), share=0.02, flag=Flag.CAP_WAIT)
    assert idle.verdict == "valid"


def test_nothing_is_missing_when_every_number_has_one_record() -> None:
    run = make_run()
    assert count_missing(run.samples, 1) == 0
    assert count_missing(run.samples, 3) == 0
    assert count_missing(Samples(run.samples.records[:0]), 1) == 0
    backwards = Samples(run.samples.records[::-1])
    assert count_missing(backwards, 2) == 0


@given(
    counts=st.lists(st.integers(0, 40), min_size=1, max_size=4),
    dropped=st.sets(st.integers(0, 159)),
    repeated=st.sets(st.integers(0, 159)),
)
def test_gaps_and_repeated_numbers_are_counted_as_missing(
    counts: list[int], dropped: set[int], repeated: set[int]
) -> None:
    workers = len(counts)
    every = [
        worker + workers * step for worker, count in enumerate(counts) for step in range(count)
    ]
    last = {worker + workers * (count - 1) for worker, count in enumerate(counts)}
    gone = dropped & set(every) - last  # what comes after the last record cannot be missed
    kept = [seq for seq in every if seq not in gone]
    twice = [seq for seq in kept if seq in repeated]
    records = np.zeros(len(kept) + len(twice), dtype=SAMPLE_DTYPE)
    records["seq"] = kept + twice
    assert count_missing(Samples(records), workers) == len(gone) + len(twice)


def test_a_run_with_a_gap_is_invalid() -> None:
    run = make_run(load=ClosedLoop(4))
    records = np.delete(run.samples.records, 700)
    decided = decide_verdict(run.plan, Samples(records, run.samples.endpoints), run.health)
    assert decided.reason == "1 request without exactly one record"


def _late(run: Run, share: float, flag: int = 0) -> Run:
    """``run`` with ``share`` of its measured requests sent and done 20 ms later."""
    records = run.samples.records.copy()
    measured = np.flatnonzero(records["intended_ns"] >= run.plan.warmup_ns)
    chosen = measured[: round(share * len(measured))]
    records["sent_ns"][chosen] += 20 * MS
    records["done_ns"][chosen] += 20 * MS
    records["flags"][chosen] |= np.uint8(flag)
    samples = Samples(records, run.samples.endpoints)
    return replace(run, samples=samples)


@pytest.mark.parametrize("flags", [0, Flag.CAP_WAIT, Flag.RETRY, Flag.FIRST_STEP, 127])
def test_the_lag_of_each_worker_is_that_of_its_own_requests(flags: int) -> None:
    rng = np.random.default_rng(1)
    records = make_run().samples.records.copy()
    records["sent_ns"] += rng.integers(0, 10**9, len(records))
    records["flags"] = rng.integers(0, 128, len(records)) & flags
    records["flags"][1::5] &= np.uint8(127 - Flag.FIRST_STEP)  # worker 1 has no first steps
    samples = Samples(records[records["seq"] % 5 != 3])
    expected: dict[int, int] = {}
    for worker in range(5):
        own = samples.choose(lambda found, worker=worker: found["seq"] % 5 == worker)  # type: ignore[misc]
        p99 = percentile_of(without_cap_wait(own).in_blocks("lag_ns"), 0.99)
        expected |= {} if p99 is None else {worker: p99}
    with as_if_long(64):
        assert own_lag_p99_by_worker(samples, 5) == expected
