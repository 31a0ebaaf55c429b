"""Which earlier runs say how much runs differ by themselves."""

from __future__ import annotations

from benchlab.experiments.history import changes_of, earlier_runs, stable_runs
from benchlab.plan.shapes import ConstantRate
from benchlab.store import Store
from tests.experiments.histories import ENVIRONMENT, PLAN, drawn_ms, history_of
from tests.runs.floors import make_floor
from tests.store.stored_runs import make_run
from tests.stores import closed_store, empty_store

__all__ = ["closed_store", "empty_store"]  # fixtures


def test_runs_before_the_last_change_are_left_out() -> None:
    runs = history_of(drawn_ms(40, step=1.2, at=25))
    assert stable_runs(runs, runs[-1], "p99") == runs[25:]
    assert stable_runs(runs[:25], runs[-1], "p99") == runs[:25]


def test_runs_of_another_plan_or_host_and_invalid_ones_are_left_out() -> None:
    other_plan = PLAN.replace(load=ConstantRate(200))
    other_host = {**ENVIRONMENT, "cpu_count": 8}
    runs = history_of(
        drawn_ms(12),
        plans={3: other_plan, 5: PLAN},
        environments={8: other_host, 9: {**ENVIRONMENT, "host": "bench-2"}},
        invalid=[1],
    )
    found = [int(run.id, 16) for run in stable_runs(runs, runs[-1])]
    assert found == [0, 2, 5, 6, 7, 9, 10, 11]


def test_changes_below_the_noise_floor_of_the_host_are_not_named() -> None:
    values = drawn_ms(60, step=1.1, at=30)
    calibration = {"floor": make_floor().to_dict()}
    assert len(changes_of(history_of(values), "p99")) == 1
    added_ms = make_floor().under(PLAN.load).p50 / 1e6
    fast = [0.5 * value * added_ms for value in values]  # the step is half as long as the floor
    calibrated = {0: {**ENVIRONMENT, "calibration": calibration}}
    assert changes_of(history_of(fast, environments=calibrated), "p99") == []
    assert len(changes_of(history_of(fast), "p99")) == 1


def test_a_share_of_errors_changes_by_half_a_point_at_least() -> None:
    values = drawn_ms(40)
    few, many = (dict.fromkeys(range(25, 40), errors) for errors in (20, 300))
    assert changes_of(history_of(values, errors=few), "error_ratio") == []
    (change,) = changes_of(history_of(values, errors=many), "error_ratio")
    assert (change.first, change.index, change.last) == (25, 25, 25)


def test_earlier_runs_come_from_the_store_without_their_samples(closed_store: Store) -> None:
    runs = [make_run(300, seed=seed, started_at_ns=seed * 10**12) for seed in range(1, 5)]
    with closed_store.connect():
        for run in runs:
            closed_store.save(run)
        found = earlier_runs(closed_store, runs[2])
        listed = closed_store.history(name="drawn")
    assert [run.id for run in found] == [run.id for run in runs[:2]]
    latency = runs[0].summary.latency_ns
    assert latency is not None
    assert found[0].metrics["p99"] == latency.p99
    assert found[0].metrics["rate_rps"] == runs[0].summary.rate_rps
    assert found[0].error_ratio == runs[0].summary.error_ratio
    assert [run.id for run in listed] == [run.id for run in runs]
    assert listed[0].environment == runs[0].environment
    assert listed[0].started_at == runs[0].started_at
