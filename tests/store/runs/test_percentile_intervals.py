"""SQL over stored samples and numpy over the same samples agree to the nanosecond."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benchlab.errors import InputError, RunNotFoundError
from benchlab.runs.head import new_run_id
from benchlab.runs.run import Run
from benchlab.samples.samples import Samples
from benchlab.samples.statistics import PERCENTILES
from benchlab.store import Store
from tests.statistics.dependent import AutoRegression

MakeRun = Callable[..., Run]
RATIOS = [0.001, *PERCENTILES.values(), 0.9999]


def dependent(run: Run, *, rounded_ns: int = 1, stopped_ns: int | None = None) -> Run:
    """``run`` with latencies that depend on each other, as a multiple of ``rounded_ns``."""
    records = run.samples.records.copy()
    series = AutoRegression(0.9, "pareto").draw(np.random.default_rng(21), len(records))
    records["sent_ns"] -= records["sent_ns"] % rounded_ns
    records["done_ns"] = records["sent_ns"] + series.latency_ns // rounded_ns * rounded_ns
    if stopped_ns is not None:
        records = records[records["intended_ns"] < stopped_ns]
    return replace(
        run, samples=Samples(records, run.samples.endpoints), stopped_ns=stopped_ns, id=new_run_id()
    )


def test_intervals_in_the_store_are_those_of_the_samples(store: Store, make_run: MakeRun) -> None:
    runs = [
        dependent(make_run(9_000)),
        dependent(make_run(6_000), rounded_ns=1_000_000, stopped_ns=4_321_987_654),
        make_run(300),
        make_run(0),
    ]
    for run in runs:
        store.save(run)
        of_summary = list(run.summary.latency_intervals.values())
        assert store.percentile_intervals(run.id) == of_summary or not len(run.measured)
        part = {"duration": "service", "endpoint": run.samples.endpoints[1]}
        assert store.percentile_intervals(run.id, RATIOS, 0.9, **part) == [
            run.percentile_interval(ratio, 0.9, **part) for ratio in RATIOS
        ]
    assert runs[0].percentile_interval(0.9).is_two_sided
    assert not runs[0].percentile_interval(0.9999).is_two_sided


def test_what_is_unknown_is_refused(store: Store, make_run: MakeRun) -> None:
    run = make_run(10)
    store.save(run)
    with pytest.raises(RunNotFoundError):
        store.percentile_intervals("ffff")
    with pytest.raises(InputError, match="'nobody' is unknown"):
        store.percentile_intervals(run.id, endpoint="nobody")
    with pytest.raises(InputError, match="ratio=99 is not between 0 and 1"):
        store.percentile_intervals(run.id, [99])
