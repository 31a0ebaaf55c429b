"""The numbers against closed forms: what a constant-rate client must see when a service stalls.

With arrivals at a constant rate over T seconds, service time S and K stalls of length D, latency
from the intended send has Q(p) = max(S, S + D - (1 - p) T / K).
"""

from __future__ import annotations

import os
import signal
import threading

import pytest

from benchlab import ConstantRate, Plan, Request, run
from benchlab.bundled import start_target
from benchlab.load.progress import Progress

T, D, RATE = 5.0, 1.0, 200.0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stopped_service_shows_in_latency_and_not_in_the_median_of_service_time(
    workers: int,
) -> None:
    with start_target() as target:

        def pause(progress: Progress) -> None:
            if progress.elapsed_s > 2 and not paused.is_set():
                paused.set()
                os.kill(target.pid, signal.SIGSTOP)
                threading.Timer(D, os.kill, (target.pid, signal.SIGCONT)).start()

        paused = threading.Event()
        request = Request("POST", f"{target.url}/api/vector/add", json={"a": [1], "b": [2]})
        plan = Plan([request], ConstantRate(RATE), duration_s=T, workers=workers)
        result = run(plan, on_progress=pause)

    stats = result.stats
    assert stats.count == T * RATE
    assert stats.errors == {}
    assert stats.latency_ns is not None
    assert stats.service_ns is not None
    # The request that waited longest arrived at most one gap of the schedule after the stop.
    assert stats.latency_ns.max >= (D - 1 / RATE) * 1e9
    # Lower percentiles also depend on how fast the service works off what has piled up.
    assert stats.latency_ns.p99 / 1e9 == pytest.approx(D - (1 - 0.99) * T, rel=0.05)
    assert stats.service_ns.p50 < 10_000_000
