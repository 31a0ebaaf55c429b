"""``benchlab run --replay-log`` from the log to the results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchlab.bundled import TargetProcess
from tests.cli.in_process import Benchlab, benchlab_here

__all__ = ["benchlab_here"]

COUNT = 12


@pytest.fixture
def log(tmp_path: Path) -> str:
    """Requests 10 ms apart, to two routes of the target, and one that has no body in the log."""
    lines = [
        f'10.0.0.{number % 3} [{1773482400 + number / 100:.3f}] "GET {path} HTTP/1.1" 200'
        for number, path in enumerate(["/health", "/health?n=1", "/health?n=2"] * (COUNT // 3))
    ]
    lines.append('10.0.0.9 [1773482400.050] "POST /api/vector/add HTTP/1.1" 200')
    (tmp_path / "access.log").write_text("\n".join(lines))
    return f"{tmp_path}/access.log"


def test_a_log_is_replayed_and_its_fidelity_shown(
    benchlab_here: Benchlab, target: TargetProcess, log: str, tmp_path: Path
) -> None:
    done = benchlab_here(
        "run", target.url, "--replay-log", log, "--no-save", "--json", f"{tmp_path}/run.json",
        "--log-format", '$remote_addr [$msec] "$request" $status',
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr  # 1 where the machine is too busy for the times
    assert "replay of access log access.log" in done.stderr
    assert "left out: 1 with a body that was not recorded" in done.stderr
    assert f"{COUNT} of {COUNT} recorded requests sent, 0 dropped" in " ".join(done.stdout.split())
    found = json.loads((tmp_path / "run.json").read_text())
    assert (found["count"], found["error_count"]) == (COUNT, 0)
    fidelity = found["fidelity"]
    assert (fidelity["dropped_count"], fidelity["mix_error_ratio"]) == (0, 0)
    assert fidelity["skipped"] == {"body_not_recorded": 1}


def test_a_dry_run_says_what_would_be_sent(benchlab_here: Benchlab, log: str) -> None:
    done = benchlab_here("run", "http://127.0.0.1:9", "--replay-log", log, "--dry-run", "--bodies",
        "{}", "--log-format", '$remote_addr [$msec] "$request" $status')  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"{COUNT + 1} requests in " in done.stderr
    assert "endpoints: GET /health 92 %, POST /api/vector/add 7.7 %" in done.stderr
