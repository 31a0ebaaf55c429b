"""A run in a process of its own: how long it takes to start, to stop, and what watching costs."""

from __future__ import annotations

import statistics
import time

import pytest

import benchlab as bl
from benchlab.units import NS_PER_S
from tests.benchmarks.table import show
from tests.load.servers import always, ok, serving

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

ROUNDS = 9
RATE_RPS = 500
STOPPED_WITHIN_S = 0.5


def test_it_starts_at_once_and_stops_within_half_a_second() -> None:
    starts_s, stops_s, shares = [], [], []
    with serving(always(ok())) as url:
        plan = bl.Plan(bl.Request("GET", url), bl.ConstantRate(RATE_RPS), duration_s=600)
        for _ in range(ROUNDS):
            began = time.perf_counter()
            live = bl.start(plan)
            starts_s.append(time.perf_counter() - began)
            shares.append(_watched(live, 2.0))
            requested_ns = time.time_ns()
            live.stop()
            run = live.wait()
            last_ns = run.started_at_ns + int(run.samples.column("sent_ns").max())
            stops_s.append((last_ns - requested_ns) / NS_PER_S)
    show(
        f"A started run, {ROUNDS} rounds",
        ["", "median", "most"],
        [
            ("until bl.start returns, s", *_figures(starts_s)),
            ("from stop() to the last request, s", *_figures(stops_s)),
            ("of a core, progress() four times a second", *_figures(shares)),
        ],
        "the last row is the CPU time of the process that watches",
    )
    assert max(stops_s) < STOPPED_WITHIN_S


def _watched(live: bl.LiveRun, length_s: float) -> float:
    """The share of a core that asking for the state takes."""
    polls = round(4 * length_s)
    cost_s = 0.0
    for _ in range(polls):
        used_s = time.process_time()
        live.progress()
        cost_s += time.process_time() - used_s
        time.sleep(length_s / polls)
    return cost_s / length_s


def _figures(values: list[float]) -> tuple[str, str]:
    return f"{statistics.median(values):.3f}", f"{max(values):.3f}"
