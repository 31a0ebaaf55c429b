"""How well an open loop keeps its schedule, as it says itself and as a service sees it.

The generator has one core, and a service of ours that notes arrivals the other. Other tools do not
say when they meant to send, so they are held against what was asked of them: an even grid.
"""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import benchlab as bl
from benchlab.units import NS_PER_S
from tests.benchmarks.arrivals import arrival_server, off_grid_ns, read_arrivals, transit_ns
from tests.benchmarks.machine import GENERATOR, need_two_cores, on_cores
from tests.benchmarks.peers import CONSTANT, ENVIRONMENT, Command, Job, installed
from tests.benchmarks.table import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

ROUNDS = 3
WARMUP_S = 1
MEASURE_S = 2
RATES_RPS = (1_000, 5_000, 20_000)
MS = 1e6


class Precision(NamedTuple):
    """Percentiles in ms: of what the generator says, and of what the service saw."""

    lag_p50: float
    lag_p99: float
    seen_p50: float
    seen_p99: float
    seen_max: float


def measure(load: bl.ConstantRate | bl.PoissonRate, file: Path) -> Precision:
    """One run, and that each of its requests arrived once."""
    with arrival_server(file) as url, on_cores(GENERATOR):
        request = bl.Request("GET", url)
        plan = bl.Plan([request], load, MEASURE_S, warmup_s=WARMUP_S, trace_ratio=1.0)
        run = bl.run(plan)
    arrivals = read_arrivals(file)
    assert run.summary.errors == {}
    assert run.summary.count == plan.intended_count()
    assert np.array_equal(np.sort(arrivals.seq[arrivals.seq >= 0]), run.samples.column("seq"))
    seen, least = transit_ns(run.samples, arrivals)
    measured = seen[len(seen) - run.summary.count :] - least
    lag = run.summary.lag_ns
    assert lag is not None
    return Precision(lag.p50 / MS, lag.p99 / MS, *percentiles_ms(measured))


def percentiles_ms(values_ns: NDArray[np.int64] | NDArray[np.float64]) -> tuple[float, ...]:
    """p50, p99 and the largest."""
    return tuple(float(np.percentile(values_ns, q)) / MS for q in (50, 99, 100))


def medians(rounds: Sequence[tuple[float, ...]]) -> list[float]:
    """Of each column."""
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def test_lag(tmp_path: Path) -> None:
    need_two_cores()
    rows, worst = [], [0.0, 0.0]
    for rate_rps in RATES_RPS:
        for load in (bl.ConstantRate(rate_rps), bl.PoissonRate(rate_rps)):
            found = medians([measure(load, tmp_path / "arrivals") for _ in range(ROUNDS)])
            kind = "constant" if isinstance(load, bl.ConstantRate) else "Poisson"
            rows.append((f"{rate_rps:,}/s {kind}", *(f"{value:.3f}" for value in found)))
            worst = [max(pair) for pair in zip(worst, found, strict=False)]
    show(
        f"Open loop on one core: how late requests are, in ms, median of {ROUNDS} rounds",
        ["load", "lag p50", "lag p99", "arrival p50", "arrival p99", "arrival max"],
        rows,
        "lag: sent after intended, as benchlab says; arrival: at the service after intended, less "
        "the shortest way there. All requests arrived, each once.",
    )
    assert worst[0] <= 0.08
    assert worst[1] <= 0.25


def arrive(peer: Command, rate_rps: int, directory: Path) -> tuple[float, ...]:
    """Percent of the requests asked for that arrived, and how far off the grid they were in ms."""
    file, seconds = directory / "arrivals", WARMUP_S + MEASURE_S
    with arrival_server(file) as url, on_cores(GENERATOR):
        command = peer(Job(url, seconds, directory, rate_rps=rate_rps))
        environment = {**os.environ, **ENVIRONMENT}
        # k6 and k9 have an exit status for a rate that they could not keep
        subprocess.run(command, capture_output=True, env=environment, timeout=60, check=False)
    at_ns = read_arrivals(file).at_ns
    settled = at_ns[at_ns - at_ns[0] >= WARMUP_S * NS_PER_S]
    arrived = 100 * len(at_ns) / (rate_rps * seconds)
    return (arrived, *percentiles_ms(off_grid_ns(settled, rate_rps)))


def test_arrivals_beside_other_tools(tmp_path: Path) -> None:
    need_two_cores()
    peers = installed(CONSTANT)
    rows = []
    for rate_rps in RATES_RPS:
        rounds = [
            {name: arrive(peer, rate_rps, tmp_path) for name, peer in peers.items()}
            for _ in range(ROUNDS)
        ]
        for name in peers:
            came, *off = medians([each[name] for each in rounds])
            rows.append(
                (f"{rate_rps:,}/s {name}", f"{came:.2f} %", *(f"{value:.3f}" for value in off))
            )
    show(
        "Constant rate on one core: how far arrivals are off an even grid, in ms, median of"
        f" {ROUNDS} rounds",
        ["load", "arrived", "p50", "p99", "max"],
        rows,
        f"as a service saw them, without the first {WARMUP_S} s; the grid begins where it fits"
        " best, and what never arrived shifts all that comes later",
    )
