"""What its own telemetry costs the bundled target: requests/s, and processor time per request."""

from __future__ import annotations

import os
import statistics
from pathlib import Path

import psutil
import pytest

from benchlab import ClosedLoop, Plan, Request, run
from tests.target.server import ADD, serving

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

ROUNDS = 3
SECONDS = 5
CONNECTIONS = 16
MODES = {
    "off": {"OTEL_SDK_DISABLED": "true"},
    "metrics": {"OTEL_TRACES_EXPORTER": "none"},
    "traces and metrics": {},
}


def measure(directory: Path, variables: dict[str, str]) -> tuple[float, float]:
    """Requests/s at full load, and seconds of the target's processor time per request.

    The target has one core, the generator another. Every request asks to be traced.
    """
    with serving(directory, BENCHLAB_TARGET_OTLP_DIR=str(directory), **variables) as server:
        process = psutil.Process(server.process.pid)
        process.cpu_affinity([1])
        request = Request("POST", server.url + ADD, json={"a": [1, 2], "b": [3, 4]})
        plan = Plan([request], ClosedLoop(CONNECTIONS), duration_s=SECONDS, trace_ratio=1.0)
        before = process.cpu_times()
        done = run(plan)
        after = process.cpu_times()
        server.stop()
    assert done.summary.errors == {}
    cpu_s = after.user + after.system - before.user - before.system
    return done.summary.rate_rps, cpu_s / len(done.samples)


def test_overhead_of_telemetry(tmp_path: Path) -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.skip("needs two cores: one for the target, one for the generator")
    process = psutil.Process()
    everywhere = process.cpu_affinity()
    process.cpu_affinity([0])  # the workers inherit it
    rates: dict[str, list[float]] = {name: [] for name in MODES}
    costs: dict[str, list[float]] = {name: [] for name in MODES}
    try:
        for number in range(ROUNDS):
            for name, variables in MODES.items():
                directory = tmp_path / f"{number}-{name}"
                directory.mkdir()
                rate_rps, cpu_s = measure(directory, variables)
                rates[name].append(rate_rps)
                costs[name].append(cpu_s)
    finally:
        process.cpu_affinity(everywhere)
    print(f"\nthe target on one core, closed loop of {CONNECTIONS}, median of {ROUNDS} rounds")
    base = statistics.median(costs["off"])
    for name in MODES:
        rate_rps, cpu_s = statistics.median(rates[name]), statistics.median(costs[name])
        more = f"   {cpu_s / base:.2f} × off" if name != "off" else ""
        print(f"  {name:<18} {rate_rps:7,.0f} requests/s   {cpu_s * 1e6:5.0f} µs each{more}")
    medians = [statistics.median(costs[name]) for name in MODES]
    assert medians == sorted(medians), "more telemetry cannot cost less"
