"""What a request costs the generator, beside other generators in the same rounds.

Closed loop, 64 connections, a small POST, one nginx worker on one core and the generator on
another. Cost is the CPU time of a tool's processes while it runs at full speed, over what nginx
took in meanwhile: neither starting up nor a tool's own count matters. The ratio to wrk is the
figure to quote, since it survives a change of machine.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from pathlib import Path

import pytest

from tests.benchmarks.machine import GENERATOR, cpu_seconds, on_cores
from tests.benchmarks.nginx import Service
from tests.benchmarks.peers import CLOSED, ENVIRONMENT, Job, installed
from tests.benchmarks.table import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

ROUNDS = 3
SETTLE_S = 1
MEASURE_S = 2
BODY = json.dumps({"a": [1, 2], "b": [3, 4]})


def cost_us(command: list[str], service: Service, log: Path) -> float:
    """CPU time per request in µs of a tool that runs for long enough to be looked at."""
    before = service.served()
    with log.open("wb") as output, on_cores(GENERATOR):
        tool = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **ENVIRONMENT}
        )
    while service.served() < before + 500:
        assert tool.poll() is None, log.read_text(errors="replace")
        time.sleep(0.05)
    time.sleep(SETTLE_S)
    served, cpu_s = service.served(), cpu_seconds(tool.pid)
    time.sleep(MEASURE_S)
    served, cpu_s = service.served() - served, cpu_seconds(tool.pid) - cpu_s
    assert tool.poll() is None, f"it ended too early: {log.read_text(errors='replace')}"
    tool.wait()
    return cpu_s / served * 1e6


def test_cost_per_request(nginx: Service, tmp_path: Path) -> None:
    job = Job(nginx.url, SETTLE_S + MEASURE_S + 1, tmp_path, body=BODY)
    peers = installed(CLOSED)
    rounds = [
        {name: cost_us(peer(job), nginx, tmp_path / "log") for name, peer in peers.items()}
        for _ in range(ROUNDS)
    ]
    cost = {name: statistics.median(each[name] for each in rounds) for name in peers}
    if "wrk" not in peers:
        pytest.skip("wrk is not installed: nothing to compare with")
    ratio = {name: statistics.median(each[name] / each["wrk"] for each in rounds) for name in peers}
    rows = sorted((cost[name], name) for name in peers)
    show(
        f"Client CPU per request, closed loop of 64 connections, median of {ROUNDS} rounds",
        ["generator", "CPU per request (µs)", "× wrk"],
        [(name, f"{micros:.1f}", f"{ratio[name]:.2f}") for micros, name in rows],
        "benchlab records every request",
    )
    assert ratio["benchlab"] <= 1.5
    for name in peers.keys() - {"wrk", "benchlab"}:
        assert ratio["benchlab"] < ratio[name]
