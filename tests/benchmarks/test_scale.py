"""The parent of a run by a thousand workers: time and memory of all that it does with the samples.

With `BENCHLAB_BENCH_DIRECTORY=DIRECTORY` (on a disk with 12 GB of room) the spool, the store and
what was measured stay there, and a benchmark that was stopped goes on; without, they are in a
temporary directory and removed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchlab.samples.records import SAMPLE_DTYPE
from tests.benchmarks.scale_steps import STEPS
from tests.benchmarks.table import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

WORKERS = int(os.environ.get("BENCHLAB_BENCH_WORKERS", "1000"))
RATE_RPS, DURATION_S = 1000, 60
COUNT = WORKERS * RATE_RPS * DURATION_S
MOST_MIB = 1024
"""Of anonymous memory in the parent, the embedded engine's included."""


def steps_in(directory: Path) -> dict[str, dict[str, Any]]:
    """What was measured of each step, by its name; of one that was repeated, the last."""
    state = directory / f"steps-{WORKERS}.jsonl"
    lines = state.read_text().splitlines() if state.exists() else []
    return {found["step"]: found for found in map(json.loads, lines)}


def test_the_parent_of_a_thousand_workers(tmp_path: Path) -> None:
    directory = Path(os.environ.get("BENCHLAB_BENCH_DIRECTORY", tmp_path)).absolute()
    directory.mkdir(exist_ok=True)
    todo = [step for step in STEPS if step not in steps_in(directory)]
    subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.benchmarks.scale_steps",
            f"steps-{WORKERS}.jsonl",
            *map(str, (WORKERS, RATE_RPS, DURATION_S)),
            *todo,
        ],
        check=True,
        cwd=directory,
        env={
            **os.environ,
            "BENCHLAB_DATA_DIR": str(directory / f"data-{WORKERS}"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
    )
    found = steps_in(directory)
    show(
        f"{WORKERS:,} workers × {RATE_RPS:,} requests/s × {DURATION_S} s: the parent",
        ["step", "s", "CPU s", "requests/s", "MiB"],
        [
            (
                step,
                f"{found[step]['s']:.1f}",
                f"{found[step]['cpu_s']:.1f}",
                f"{COUNT / found[step]['s']:,.0f}",
                f"{found[step]['mb']:,.0f}",
            )
            for step in ("merge", *STEPS)
        ],
        f"{COUNT:,} samples, {COUNT * SAMPLE_DTYPE.itemsize / 1e9:.2f} GB in the spool,"
        f" {found['save']['stored_bytes'] / COUNT:.2f} bytes each in the store; MiB: the most"
        f" anonymous memory (RssAnon, limit {MOST_MIB:,}), without pages of mapped files,"
        f" with which it is {max(each['mapped_mb'] for each in found.values()):,.0f}",
    )
    assert found["merge"]["count"] == found["load"]["count"] == COUNT
    assert found["merge"]["verdict"] == "valid"
    assert found["summary"]["numbers"]["count"] == COUNT
    assert found["intervals"]["intervals"] == 15
    assert max(found[step]["mb"] for step in ("merge", *STEPS)) <= MOST_MIB
