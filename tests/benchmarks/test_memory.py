"""A long run at a high rate needs no more memory than a small one in the worker, and a bounded
amount in the process that asked for it; all samples are on disk."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

import benchlab as bl
from tests.benchmarks.machine import GENERATOR, on_cores
from tests.benchmarks.nginx import Service
from tests.benchmarks.table import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

RATE_RPS = 50_000
DURATION_S = 60
MB = 1e6
USERS = 10_000


def test_memory_of_a_long_run(nginx: Service) -> None:
    with on_cores(GENERATOR):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.benchmarks.measured_run",
                nginx.url,
                *map(str, (RATE_RPS, DURATION_S)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    show(
        f"Memory of {DURATION_S} s at {RATE_RPS:,} requests/s from one core, every sample kept",
        ["samples", "requests/s", "worker (MB)", "parent (MB)"],
        [
            (
                f"{result['kept']:,}",
                f"{result['rate_rps']:,.0f}",
                f"{result['worker_bytes'] / MB:.0f}",
                f"{result['parent_bytes'] / MB:.0f}",
            )
        ],
        "at the most; the parent has all samples and their percentiles",
    )
    assert result["errors"] == {}
    assert result["kept"] == result["count"] == RATE_RPS * DURATION_S
    assert result["rate_rps"] >= 0.999 * RATE_RPS  # what was answered within the window
    assert result["worker_bytes"] <= 200 * MB
    assert result["parent_bytes"] <= 400 * MB


async def idle(client: Any, ctx: Any) -> None:
    """Send one request, and think until the run is over."""
    import asyncio

    async with ctx.step("arrive"):
        response = await client.post("/", json={"a": [1, 2], "b": [3, 4]})
        assert response.json()["result"] == [4, 6]
    await asyncio.sleep(3600)


def test_memory_of_idle_users(nginx: Service) -> None:
    with on_cores(GENERATOR):
        run = bl.run(
            bl.Plan(
                scenario=bl.scenario(idle, nginx.url),
                load=bl.ClosedLoop(USERS),
                duration_s=20,
                drain_s=0,
            )
        )
    (worker,) = run.health.workers
    show(
        "Memory of a scenario's users that have a connection each, and wait",
        ["users", "worker (MB)"],
        [(f"{worker.connections_opened:,}", f"{worker.memory_max_bytes / MB:.0f}")],
    )
    assert run.summary.errors == {}
    assert worker.connections_opened == run.summary.count == USERS
    assert worker.memory_max_bytes <= 2**30
