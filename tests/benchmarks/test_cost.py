"""What a request costs the generator, beside other generators in the same rounds.

Closed loop, 64 connections, a small POST, one nginx worker on one core and the generator on
another; see `tests.benchmarks.cost` for how it is measured.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.cost import SECONDS, costs_of
from tests.benchmarks.nginx import Service
from tests.benchmarks.peers import CLOSED, Job, installed
from tests.benchmarks.table import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

ROUNDS = 3
BODY = json.dumps({"a": [1, 2], "b": [3, 4]})


def test_cost_per_request(nginx: Service, tmp_path: Path) -> None:
    job = Job(nginx.url, SECONDS, tmp_path, body=BODY)
    peers = installed(CLOSED)
    if "wrk" not in peers:
        pytest.skip("wrk is not installed: nothing to compare with")
    commands = {name: peer(job) for name, peer in peers.items()}
    found = costs_of(commands, nginx, tmp_path / "log", ROUNDS)
    show(
        f"Client CPU per request, closed loop of 64 connections, median of {ROUNDS} rounds",
        ["generator", "CPU per request (µs)", "× wrk"],
        found.rows(),
        "benchlab records every request",
    )
    assert found.ratios["benchlab"] <= 1.5
    for name in peers.keys() - {"wrk", "benchlab"}:
        assert found.ratios["benchlab"] < found.ratios[name]
