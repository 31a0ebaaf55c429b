"""Calibrating for real: the engine, the server, both processes."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import psutil
import pytest

from benchlab import ClosedLoop, Plan, PoissonRate, Request, calibrate, run, spool
from benchlab.calibration.latency_server import hold_path
from benchlab.calibration.latency_server_process import start_latency_server
from benchlab.calibration.measure import HOLDS_NS, RATE_RPS, interference, join_holds
from benchlab.errors import RunError
from benchlab.load.supervisor.floor_file import floor_path, read_floor
from benchlab.load.supervisor.progress import Progress
from tests.runs.synthetic import make_run


def test_later_runs_include_the_calibrated_floor() -> None:
    seen: list[Progress] = []
    affinity = os.sched_getaffinity(0)
    before = set(psutil.Process().children())  # services of other tests
    floor = calibrate(quick=True, on_progress=seen.append)
    assert floor == read_floor()
    assert os.sched_getaffinity(0) == affinity
    assert set(psutil.Process().children()) == before
    assert list(spool.pending()) == []
    assert floor.quick
    assert [probe.hold_ns for probe in floor.probes] == list(HOLDS_NS)
    # exact by construction: the schedule decides the count, the clocks that nothing is below 0
    schedule = Plan([Request("GET", "http://x/")], PoissonRate(RATE_RPS), duration_s=2)
    assert floor.count == schedule.intended_count()
    assert sum(probe.count for probe in floor.probes) == floor.count
    for probe in floor.probes:
        assert probe.missed_ns.min >= 0
        assert 0 < probe.service_ns.min <= probe.service_ns.p50 <= probe.service_ns.max
        assert probe.latency_ns.min > 0
    for part in (floor.latency_ns, floor.service_ns, floor.lag_ns):
        assert 0 <= part.min <= part.p50 <= part.p99 <= part.p99_9 <= part.max
    assert floor.service_ns.mean + floor.lag_ns.mean == pytest.approx(floor.latency_ns.mean, abs=2)
    assert floor.max_rate_rps > 0
    assert floor.max_rate_cpu_ratio > 0
    assert floor.timer.clock == "timerfd"

    assert {progress.phase for progress in seen} == {"floor", "max rate"}
    assert seen[-1].elapsed_s == seen[-1].total_s == 3.5
    elapsed = [progress.elapsed_s for progress in seen]
    assert elapsed == sorted(elapsed)

    with start_latency_server(floor_path().with_name("holds")) as server:
        request = Request("GET", server.url + hold_path(0))
        later = run(Plan([request], ClosedLoop(1), duration_s=0.1))
    assert later.floor == floor
    assert later.floor_note == ""


def test_holds_are_joined_by_run_and_sequence_number() -> None:
    measured = make_run(lag_ns=0)
    seqs = measured.samples.column("seq")
    held = measured.samples.service_ns - 1_000
    ours = np.column_stack(
        [np.full(len(seqs), int(measured.id, 16)), seqs, 5_000 + seqs * 0, 5_000 + held]
    )
    others = ours + np.array([1, 0, 0, 9_999])
    account = np.concatenate([others, ours[::-1]])
    samples, joined = join_holds(measured, account)
    assert np.array_equal(samples.service_ns - joined, np.full(len(samples), 1_000))

    with pytest.raises(RunError, match="did not record every request"):
        join_holds(measured, np.delete(ours, 500, axis=0))
    with pytest.raises(RunError, match="did not record every request"):
        join_holds(measured, others)
    with pytest.raises(RunError, match="clocks"):
        join_holds(measured, ours + np.array([0, 0, 0, 1_001]))


IDLE = {"cpu_count": 4, "load_average_before": [0.4, 3.0, 3.0]}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"cores_busy": 0.2, "names": ["top"]}, []),
        ({"cores_busy": 1.26}, ["other processes used 1.3 of 4 cores: calibrate again"]),
        ({"cores_busy": 3.0, "names": ["make", "cc1"]}, ["3.0 of 4 cores (make, cc1)"]),
        ({"environment": {**IDLE, "load_average_before": [2.5]}}, ["load average was 2.5 on 4"]),
        ({"environment": {}}, []),
        ({"core": None}, ["a service with cores of its own has another floor"]),
        (
            {"core": None, "cores_busy": 2.0, "probed": make_run(lag_ns=15_000_000)},
            ["other processes", "another floor", "fell behind its schedule"],
        ),
    ],
)
def test_interference_is_reported(changes: dict[str, Any], expected: list[str]) -> None:
    quiet: dict[str, Any] = {
        "environment": IDLE,
        "core": 3,
        "cores_busy": 0.0,
        "names": [],
        "probed": make_run(),
    }
    warnings = list(interference(**{**quiet, **changes}))
    assert len(warnings) == len(expected)
    assert all(text in warning for text, warning in zip(expected, warnings, strict=True))


def test_a_single_core_is_a_warning() -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        floor = calibrate(quick=True, save=False)
        assert os.sched_getaffinity(0) == {min(before)}
    finally:
        os.sched_setaffinity(0, before)
    assert floor.cores == "server and generator shared the only core"
    assert any(warning.startswith(floor.cores) for warning in floor.warnings)
    assert not floor_path().exists()
