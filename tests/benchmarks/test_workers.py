"""Two workers do twice what one does.

That needs two free cores beside the service's. On a machine with fewer, two workers share the one
core that is free: if they do with it at least 0.9 of what one does, nothing but the core is between
them (they wait for no lock and for no other worker), and two free cores give 1.8 times the load.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence

import numpy as np
import pytest

import benchlab as bl
from benchlab.samples.samples import SAMPLE_DTYPE
from tests.benchmarks.machine import SERVICE, on_cores
from tests.benchmarks.nginx import Service
from tests.benchmarks.table import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

ROUNDS = 3
DURATION_S = 3
RATE_RPS = 10_000
BODY = '{"a": [1, 2], "b": [3, 4]}'


def make_run(url: str, load: bl.ClosedLoop | bl.PoissonRate, workers: int) -> bl.Run:
    """A run of which every sample is there, once, in memory and on disk."""
    request = bl.Request("POST", url, body=BODY)
    run = bl.run(bl.Plan([request], load, DURATION_S, warmup_s=1, workers=workers))
    assert run.summary.errors == {}
    assert run.spool is not None
    sizes = [file.stat().st_size for file in run.spool.glob("samples-*.bin")]
    assert len(sizes) == workers
    assert sum(sizes) == len(run.samples) * SAMPLE_DTYPE.itemsize
    seqs = run.samples.column("seq")
    for worker in range(workers):
        own = seqs[seqs % workers == worker]
        assert np.array_equal(own, np.arange(len(own)) * workers + worker)
    return run


def per_cpu_second(run: bl.Run) -> float:
    """Requests for each second of CPU time that the workers used."""
    return run.summary.rate_rps / sum(worker.cpu_ratio for worker in run.health.workers)


def test_two_workers_do_twice_as_much(nginx: Service) -> None:
    cores = os.cpu_count() or 1
    free = [core for core in range(cores) if core != SERVICE]
    found: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for workers, results in found.items():
            places = free[:workers]
            with on_cores(*places):
                run = make_run(nginx.url, bl.ClosedLoop(64), workers)
            results.append((run.summary.rate_rps, per_cpu_second(run)))
    rate, work = (
        {workers: statistics.median(pair[which] for pair in found[workers]) for workers in found}
        for which in (0, 1)
    )
    rows: Sequence[Sequence[object]] = [
        (f"{workers}", f"{rate[workers]:,.0f}", f"{work[workers]:,.0f}") for workers in found
    ] + [("ratio", f"{rate[2] / rate[1]:.2f}", f"{work[2] / work[1]:.2f}")]
    enough = len(free) >= 2
    show(
        f"One worker and two, closed loop of 64 connections, median of {ROUNDS} rounds",
        ["workers", "requests/s", "requests per CPU second"],
        rows,
        f"{cores} cores, one of them the service's: "
        + ("the rate is what counts" if enough else "two workers share the other"),
    )
    if enough:
        assert rate[2] >= 1.8 * rate[1]
    assert work[2] >= 0.9 * work[1]


def test_the_union_is_the_schedule(nginx: Service) -> None:
    load = bl.PoissonRate(RATE_RPS)
    runs = [make_run(nginx.url, load, workers) for workers in (1, 2)]
    one, two = (run.samples for run in runs)
    assert np.array_equal(one.column("seq"), two.column("seq"))
    assert np.array_equal(one.column("intended_ns"), two.column("intended_ns"))
    assert runs[1].summary.count == runs[1].plan.intended_count()
