"""What a run takes beyond its duration: to start workers, stop them and collect what they have."""

from __future__ import annotations

import statistics
import time

import pytest

import benchlab as bl
from tests.benchmarks.nginx import Service
from tests.benchmarks.table import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

ROUNDS = 5
DURATION_S = 1


def test_overhead_of_a_run(nginx: Service) -> None:
    loads: dict[str, bl.ClosedLoop | bl.ConstantRate] = {
        "closed loop": bl.ClosedLoop(64),
        "1,000 requests/s": bl.ConstantRate(1_000),
    }
    rows, overhead_s = [], []
    for name, load in loads.items():
        plan = bl.Plan([bl.Request("GET", nginx.url)], load, DURATION_S)
        taken_s = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            run = bl.run(plan)
            taken_s.append(time.perf_counter() - begun - DURATION_S)
            assert run.summary.errors == {}
        overhead_s.append(statistics.median(taken_s))
        rows.append((name, f"{overhead_s[-1]:.2f}", f"{min(taken_s):.2f}", f"{max(taken_s):.2f}"))
    show(
        f"Overhead of a run beyond its duration, in s, median of {ROUNDS} runs, not stored",
        ["load", "median", "least", "most"],
        rows,
    )
    assert max(overhead_s) <= 1.5
