from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchlab.exchange import import_file
from benchlab.plan.shapes import ClosedLoop
from benchlab.runs.littles_law import LittlesLaw
from benchlab.runs.run import Run
from benchlab.samples.records import join_records
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Samples
from tests.runs.planted import planted_run
from tests.runs.synthetic import edge_cases, make_run

IMPORTED = Path(__file__).parents[1] / "exchange" / "data"


def _law(run: Run) -> LittlesLaw:
    assert run.littles_law is not None
    return run.littles_law


def _closed(connections: int, count: int, *, think_ns: int = 0) -> Run:
    """A closed loop, each of whose connections takes 2 to 6 ms in turn, without a pause."""
    run = make_run(load=ClosedLoop(connections), count=0, warmup_s=0.5, duration_s=2)
    parts = []
    for connection in range(connections):
        took = 2_000_000 + np.arange(count) * (7 + connection) % 5 * 1_000_000
        ends = np.cumsum(took + think_ns)
        records = np.zeros(count, dtype=SAMPLE_DTYPE)
        records["done_ns"] = ends
        records["intended_ns"] = records["sent_ns"] = ends - took
        parts.append(records[records["intended_ns"] < 2_500_000_000])
    records = join_records(parts)
    records["seq"] = np.arange(len(records))
    records["flags"] = records["intended_ns"] < 500_000_000
    return replace(run, samples=Samples(records, run.samples.endpoints))


def test_both_sides_are_those_of_a_small_run_by_hand() -> None:
    # In the window from 1 s to 11 s: one request over its start, one inside, one over its end.
    records = np.zeros(3, dtype=SAMPLE_DTYPE)
    records["intended_ns"] = [500_000_000, 4_000_000_000, 10_000_000_000]
    records["done_ns"] = [2_000_000_000, 5_500_000_000, 12_000_000_000]
    run = make_run(count=0)
    law = _law(replace(run, samples=Samples(records, run.samples.endpoints)))
    assert law.concurrency == pytest.approx((1 + 1.5 + 1) / 10)
    assert (law.rate_rps, law.mean_latency_ns) == (0.2, 1_500_000_000)
    assert law.product == pytest.approx(0.3)
    assert law.edges == pytest.approx((0.5 - 1) / 10)
    assert law.holds
    assert law.to_dict()["holds"] is True


def test_ordinary_runs_keep_the_law() -> None:
    runs = [
        *edge_cases().values(),
        make_run(stall=True),
        make_run(count=20, warmup_s=0),
        planted_run(lambda t: 1 + 50 * t),  # an overload, whose backlog grows
        *(_closed(connections, 2_000) for connections in (1, 8, 64)),
        *(_closed(8, count) for count in (1, 2, 20)),
    ]
    for run in runs:
        assert run.littles_law is None or run.littles_law.holds
        assert not [text for text in run.warnings if "Little" in text]


def test_imports_keep_the_law() -> None:
    laws = [
        run.littles_law
        for path in sorted(IMPORTED.glob("*.*"))
        if path.suffix in (".csv", ".jtl", ".tsv", ".gz")
        and isinstance(run := import_file(path), Run)
    ]
    assert len(laws) > 5
    assert all(law is not None and law.holds for law in laws)


def test_times_that_contradict_each_other_are_a_warning() -> None:
    run = make_run()
    records = run.samples.records.copy()
    records["done_ns"][200:300] -= 500_000_000
    (warning,) = replace(run, samples=Samples(records, run.samples.endpoints)).warnings
    assert warning.startswith("Little's law does not hold: ")
    assert "requests in flight, but 100" in warning


def test_a_closed_loop_with_idle_connections_is_a_warning() -> None:
    full = _closed(8, 2_000)
    assert _law(full).concurrency == pytest.approx(8, rel=0.01)
    slow = _closed(8, 2_000, think_ns=2_000_000)  # the generator's, not the plan's
    (warning,) = slow.warnings
    assert warning.startswith("Little's law does not hold: 8 connections, but ")
    assert "connections were idle, or records are missing" in warning
    assert _law(replace(slow, plan=slow.plan.replace(load=ClosedLoop(8, 0.002)))).holds
    few = replace(full, plan=full.plan.replace(load=ClosedLoop(4)))
    assert "more requests were in flight than there were connections" in _law(few).violation


def test_a_verdict_that_is_not_valid_says_more_than_idle_connections() -> None:
    slow = _closed(8, 2_000, think_ns=2_000_000)
    assert replace(slow, stopped_ns=2_000_000_000).warnings == ()
    failed = slow.samples.records.copy()
    failed["error"] = ErrorKind.CONNECT
    assert replace(slow, samples=Samples(failed, slow.samples.endpoints)).warnings == ()
