"""Faults come and go for minutes: memory and open files stay, and the target's count is ours.

`make soak` runs it for SOAK_MINUTES, and prints what every process held.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchlab.bundled import start_target
from tests.benchmarks.table import show
from tests.soak.growth import Watch

MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
MOST_GAINED_MB = 4.0
"""What a process may gain from the first quarter of the run to its end. A request that left 100
bytes behind would add 4.5 MB in ten minutes."""
MOST_FILES_GAINED = 3
ROLES = {"worker": "benchlab.load.worker", "faults": "benchlab.faults"}


def run_beside(
    url: str, length_s: float, watch_every_s: float, target: int
) -> tuple[dict[str, Any], Watch]:
    """A long run in a process of its own, watched with its children and the target."""
    command = [sys.executable, "-m", "tests.soak.long_run", url, str(length_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        others = {"parent": parent.pid, "target": target}
        with Watch(parent.pid, ROLES, others, watch_every_s) as watch:
            output, _ = parent.communicate()
    assert parent.returncode == 0
    told: dict[str, Any] = json.loads(output)
    return told, watch


@pytest.mark.timeout(int(MINUTES * 60) + 600)
@pytest.mark.parametrize("minutes", [pytest.param(MINUTES, marks=pytest.mark.soak), 0.15])
def test_faults_come_and_go_and_nothing_grows(minutes: float, tmp_path: Path) -> None:
    length_s = minutes * 60
    with start_target(otlp_dir=tmp_path, faults=True) as target:
        before = served(target.url)
        url = target.url + "/api/vector/add"
        told, watch = run_beside(url, length_s, max(0.25, length_s / 600), target.pid)
        after = served(target.url)
        assert httpx.get(f"{target.url}/faults").json()["faults"] == []
    print_figures(told, watch, after - before, minutes)

    assert told["stop_reason"] == ""
    assert told["sent"] == told["intended"] == after - before, "each request arrived exactly once"
    assert told["not_connected"] == 0
    ended = [record for record in told["faults"] if record["ended_ns"] and not record["error"]]
    assert len(ended) == told["planned_faults"] > 0
    assert {"closed", "reset", "status"} & set(told["errors"]), "faults had an effect"
    assert set(told["errors"]) <= {"closed", "reset", "status"}
    if minutes < 5:
        return  # too short to tell growth from what a process needs at its start
    for role in ("worker", "parent", "target", "faults"):
        held = watch.held[role]
        assert held.growth_mb() < MOST_GAINED_MB, role
        assert held.files_gained() <= MOST_FILES_GAINED, role


def served(url: str) -> int:
    """How many requests the target has counted."""
    return int(httpx.get(f"{url}/faults").json()["requests_served"])


def print_figures(told: dict[str, Any], watch: Watch, count: int, minutes: float) -> None:
    """What the run came to, and what every process held."""
    columns = ("process", "memory", "at most", "gained", "files", "at most", "gained")
    rows = [(role, *held.describe()) for role, held in watch.held.items()]
    failed = sum(told["errors"].values())
    note = (
        f"{told['sent']:,} requests sent, {count:,} counted by the target, {failed:,} failed by"
        f" {told['planned_faults']} faults; p50 {told['p50_ms']:.1f} ms,"
        f" p99 {told['p99_ms']:.0f} ms"
    )
    show(f"Soak, {minutes:g} minutes", columns, rows, note)
