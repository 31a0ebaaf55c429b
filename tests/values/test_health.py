from __future__ import annotations

import numpy as np
import pytest

from benchlab.errors import InvalidRunError
from benchlab.values.health import Health, WorkerHealth, judge
from benchlab.values.load import ClosedLoop
from benchlab.values.run import Run
from benchlab.values.samples import Flag, Samples
from tests.values.synthetic import make_run

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
    with pytest.raises(InvalidRunError, match="fell behind"):
        run.require_valid()


def test_a_hundredth_of_late_requests_is_the_limit() -> None:
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
    assert judge(run.plan, Samples(records), run.health).verdict == "valid"


def test_a_closed_loop_is_judged_by_its_busiest_core_and_not_by_lag() -> None:
    idle, busy = WorkerHealth(0, cpu_ratio=0.3), WorkerHealth(1, cpu_ratio=0.97)
    loop = ClosedLoop(8)
    assert make_run(load=loop, workers=[idle], lag_ns=50 * MS).verdict == "valid"
    run = make_run(load=loop, workers=[idle, busy])
    assert run.verdict == "invalid"
    assert "worker 1 used 97%" in str(run.invalid_reason)
    assert make_run(load=loop, workers=[]).verdict == "valid"


def test_a_closed_loop_that_stood_still_is_invalid() -> None:
    window_ns = 10_000 * MS
    still = WorkerHealth(1, stall_count=3, stall_max_ns=90 * MS, stall_total_ns=window_ns // 99)
    run = make_run(load=ClosedLoop(8), workers=[WorkerHealth(0), still], duration_s=10)
    assert run.verdict == "invalid"
    assert "worker 1 stood still for 101 ms in all, 90.0 ms at the longest" in str(
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
    judgement = judge(run.plan, short, run.health)
    assert judgement.verdict == "invalid"
    assert "the schedule has" in str(judgement.reason)


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


def test_errors_alone_leave_a_run_valid() -> None:
    assert make_run(all_failed=True).verdict == "valid"


def test_health_survives_a_dict() -> None:
    health = Health((WorkerHealth(0, 0.5, 1, 2, 3), WorkerHealth(1, problem="x")))
    assert Health.from_dict(health.to_dict()) == health
    assert Health.from_dict({}) == Health()


def _late(run: Run, share: float, flag: int = 0) -> Run:
    """``run`` with ``share`` of its measured requests sent and done 20 ms later."""
    records = run.samples.records.copy()
    measured = np.flatnonzero(records["intended_ns"] >= run.plan.warmup_ns)
    chosen = measured[: round(share * len(measured))]
    records["sent_ns"][chosen] += 20 * MS
    records["done_ns"][chosen] += 20 * MS
    records["flags"][chosen] |= np.uint8(flag)
    samples = Samples(records, run.samples.endpoints)
    return Run(run.id, run.plan, run.started_at, run.started_at_ns, samples, run.health)
