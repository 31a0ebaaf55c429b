"""What a step of a scenario costs the generator, beside other generators in the same rounds.

Closed loop of 64 users, one nginx worker on one core and the generator on another. A flow of one
step is one request; tools without users that follow code send the same request again and again.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.benchmarks.cost import SECONDS, costs_of
from tests.benchmarks.flows import BODY, FLOWS, Flow
from tests.benchmarks.nginx import Service
from tests.benchmarks.peers import Job, hey, installed, vegeta, wrk
from tests.benchmarks.table import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

ROUNDS = 3
OURS = "benchlab"


def commands_of(flow: Flow) -> dict[str, list[str]]:
    """Those that are on this machine, by name; wrk is the first, if it is there."""
    job = Job(flow.url, flow.seconds, flow.directory, body=BODY)
    single = [wrk, *([vegeta, hey] if flow.steps == 1 else [])]
    found = {name: peer(job) for name, peer in installed(single).items()}
    for made in FLOWS:
        command, name = made(flow), made.__name__.replace("_", " ")
        if shutil.which(command[0]) is None:
            print(f"left out, for it is not installed: {name}", flush=True)
        else:
            found[name] = command
    return found


@pytest.mark.parametrize("steps", [1, 5])
def test_cost_of_a_step(nginx: Service, tmp_path: Path, steps: int) -> None:
    commands = commands_of(Flow(nginx.url, SECONDS, tmp_path, steps))
    if "wrk" not in commands:
        pytest.skip("wrk is not installed: nothing to compare with")
    found = costs_of(commands, nginx, tmp_path / "log", ROUNDS)
    what = "one step" if steps == 1 else f"{steps} steps with JSON parsing"
    show(
        f"Client CPU per step, closed loop of 64 users, flows of {what}, median of {ROUNDS} rounds",
        ["generator", "CPU per step (µs)", "× wrk"],
        found.rows(),
        "benchlab records every step; wrk sends the request alone, and parses nothing",
    )
    ratios = found.ratios
    assert ratios[OURS] <= 5
    assert ratios[OURS] <= ratios.get("locust", float("inf")) / 4
    for name in {"k6", "vegeta"} & ratios.keys():
        assert ratios[OURS] < ratios[name]
