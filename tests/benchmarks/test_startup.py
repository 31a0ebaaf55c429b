"""What starting up costs: CPU time of the whole process tree, in multiples of a bare import."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.table import show
from tests.load.servers import always, ok, serving

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

ROUNDS = 9

CLICK, NUMPY = "import click", "import numpy"
ONE_REQUEST = ["--requests", "1", "--connections", "1", "--warmup", "0"]


def test_cpu_time_of_start_up(tmp_path: Path) -> None:
    environment = _environment(tmp_path)
    with serving(always(ok())) as url:
        run = ["run", url, *ONE_REQUEST]
        commands = {
            "--version": (["--version"], CLICK, 2.0),
            "--help": (["--help"], CLICK, 2.0),
            "run of one request, not saved": ([*run, "--no-save"], NUMPY, 4.0),
            "run of one request, saved": (run, NUMPY, 9.0),
            "history": (["history"], NUMPY, 6.0),
        }
        programs = {
            yardstick: [sys.executable, "-c", yardstick] for yardstick in (CLICK, NUMPY)
        } | {
            name: [sys.executable, "-m", "benchlab", *arguments]
            for name, (arguments, _, _) in commands.items()
        }
        for program in programs.values():  # compiles what is imported, and makes the store
            _cpu_s(program, environment)
        used_s: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(ROUNDS):
            for name, program in programs.items():
                used_s[name].append(_cpu_s(program, environment))
    rows = []
    too_slow = {}
    for name, (_, yardstick, limit) in commands.items():
        pairs = zip(used_s[name], used_s[yardstick], strict=True)
        ratio = statistics.median(used / bare for used, bare in pairs)
        took_ms = 1e3 * statistics.median(used_s[name])
        rows.append((name, f"{took_ms:.0f}", f"{ratio:.1f}", f"{limit:.0f}", yardstick))
        if ratio > limit:
            too_slow[name] = ratio
    show(
        f"CPU time of commands and all their processes, median of {ROUNDS} rounds",
        ["benchlab", "ms", "ratio", "limit", "of"],
        rows,
        "ratio: to python -c with the import named, in the same round",
    )
    assert not too_slow


def _environment(tmp_path: Path) -> dict[str, str]:
    """That of this process, with a store and compiled modules of its own."""
    environment = {
        **os.environ,
        "BENCHLAB_DATA_DIR": str(tmp_path / "data"),
        "PYTHONPYCACHEPREFIX": str(tmp_path / "compiled"),
    }
    for name in ("BENCHLAB_DSN", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    return environment


def _cpu_s(program: list[str], environment: dict[str, str]) -> float:
    """CPU time of a program and every process it started and waited for, in s."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(program, env=environment, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
