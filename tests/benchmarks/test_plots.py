"""What a figure of a long run costs: CPU time beside a sort of its latencies, and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.table import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

COUNTS = {1_000_000: 2.0, 10_000_000: 10.0}
"""Requests of a run, and the most CPU seconds that a figure of it may take."""

MOST_MB = 250
"""Beyond what the process had: an array of the latencies of the longer run alone has 80 MB."""

# The records are in a mapped file, as those of a run in its spool. A figure is drawn and rendered.
DRAW = """
import io, json, sys, threading, time
from dataclasses import replace
import numpy as np
from benchlab import plots
from benchlab.plan.request import Request
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Flag, Samples
from tests.runs.synthetic import URL, make_run

count, path = int(sys.argv[1]), sys.argv[2]
rate_rps = count / 110
requests = [Request("GET", URL, name=f"endpoint {number}") for number in range(6)]
run = make_run(count=1, rate_rps=rate_rps, duration_s=100, warmup_s=10, requests=requests)
rng = np.random.default_rng(1)
records = np.memmap(path, dtype=SAMPLE_DTYPE, mode="w+", shape=(count,))
for start in range(0, count, 1_000_000):
    part = records[start : start + 1_000_000]
    seq = np.arange(start, start + len(part))
    part["seq"] = seq
    part["intended_ns"] = seq * (1e9 / rate_rps)
    part["sent_ns"] = part["intended_ns"] + rng.integers(20_000, 90_000, len(part))
    part["done_ns"] = part["sent_ns"] + rng.lognormal(14.5, 0.6, len(part)).astype(np.int64)
    part["status"], part["endpoint"] = 200, seq % 6
    part["error"][::1000] = ErrorKind.STATUS
    part["flags"][part["intended_ns"] < run.plan.warmup_ns] = Flag.WARMUP
records.flush()
records = np.memmap(path, dtype=SAMPLE_DTYPE, mode="r", shape=(count,))
run = replace(run, samples=Samples(records, run.samples.endpoints))


def private_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1e3


def measure(work):
    before, most, done = private_mb(), [0.0], threading.Event()

    def watch():
        while not done.wait(0.02):
            most[0] = max(most[0], private_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.process_time()
    work()
    took = time.process_time() - start
    done.set()
    watcher.join()
    return [took, max(0.0, most[0] - before)]


def rendered(draw, *runs, **options):
    return lambda: draw(*runs, **options).savefig(io.BytesIO(), format="png")


run.verdict, run.summary
plots.histogram(make_run()).savefig(io.BytesIO(), format="png")  # fonts
latency_ns = run.samples.latency_ns
found = {"np.sort of the latencies": measure(lambda: np.sort(latency_ns))}
del latency_ns
one = "endpoint 1"
found |= {
    "histogram": measure(rendered(plots.histogram, run)),
    "percentiles": measure(rendered(plots.percentiles, run)),
    "percentiles, one endpoint": measure(rendered(plots.percentiles, run, endpoint=one)),
    "percentiles, by endpoint": measure(rendered(plots.percentiles, run, by="endpoint")),
    "ecdf": measure(rendered(plots.ecdf, run, run)),
    "timeline": measure(rendered(plots.timeline, run)),
    "timeline, by endpoint": measure(rendered(plots.timeline, run, by="endpoint")),
    "heatmap": measure(rendered(plots.heatmap, run)),
    "in_flight": measure(rendered(plots.in_flight, run)),
    "in_flight, by endpoint": measure(rendered(plots.in_flight, run, by="endpoint")),
}
print(json.dumps(found))
"""


def draw(count: int, path: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", DRAW, str(count), str(path)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("count", COUNTS)
def test_figures_of_long_runs_are_drawn_soon_and_in_bounded_memory(
    count: int, tmp_path: Path
) -> None:
    found = draw(count, tmp_path / "samples")
    limit_s = COUNTS[count]
    (sort_s, sort_mb), *_ = found.values()
    rows = [
        (name, f"{took:.2f}", f"{took / sort_s:.0f}", f"{mb:.0f}")
        for name, (took, mb) in found.items()
    ]
    show(
        f"Figures of a run of {count:,} requests",
        ["figure", f"CPU s (≤ {limit_s:g})", "times", f"MB (≤ {MOST_MB})"],
        rows,
        f"times: of a sort of the latencies, which takes {sort_mb:.0f} MB; MB beyond the start",
    )
    figures = list(found.items())[1:]
    assert [name for name, (took, _) in figures if took > limit_s] == []
    assert [name for name, (_, mb) in figures if mb > MOST_MB] == []
