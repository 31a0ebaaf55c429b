"""What the summary of a long run takes, intervals included, beside sorting its latencies."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.benchmarks.table import show
from tests.spools import make_spool

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

LIMITS_S = {1_000_000: 2.0, 10_000_000: 10.0}
MOST_MB = 150
"""Of arrays, whatever the length: a million values are sorted, and counts are made in blocks."""

# The memory is measured in a pass of its own, since that takes time.
MEASURE = """
import json, sys, time, tracemalloc
from pathlib import Path
import numpy as np
from benchlab import spool
run, again = (spool.read_run(Path(sys.argv[1])) for _ in range(2))
latency_ns = run.samples.latency_ns
start = time.perf_counter()
np.sort(latency_ns)
sorted_at = time.perf_counter()
summary = run.summary
summarized_at = time.perf_counter()
del latency_ns
tracemalloc.start()
assert again.summary == summary
print(json.dumps({
    "sort_s": sorted_at - start,
    "summary_s": summarized_at - sorted_at,
    "mb": tracemalloc.get_traced_memory()[1] / 1e6,
    "n_eff": summary.to_dict()["latency_ns"]["p99_n_eff"],
}))
"""


def measure(count: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(make_spool(count))],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_summary_with_intervals() -> None:
    found = {count: measure(count) for count in LIMITS_S}
    show(
        "Summary of a run, percentiles with their intervals",
        ["requests", "s", "limit", "np.sort, s", "MB of arrays"],
        [
            (
                f"{count:,}",
                f"{item['summary_s']:.2f}",
                f"{LIMITS_S[count]:g}",
                f"{item['sort_s']:.2f}",
                f"{item['mb']:.0f}",
            )
            for count, item in found.items()
        ],
        "np.sort: of the latencies alone, in memory",
    )
    for count, item in found.items():
        assert item["n_eff"] > 0
        assert item["summary_s"] <= LIMITS_S[count]
        assert item["mb"] <= MOST_MB
