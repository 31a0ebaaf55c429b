"""What a plan of 10,000 requests costs before its load starts: CPU time, and memory."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Any

import pytest

from tests.benchmarks.table import show
from tests.load.servers import always, ok, serving

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

ROUNDS = 5
MANY = 10_000
MOST_TIMES = 6.0
"""Of the CPU time that a run of one request takes, which is 0.5 s where that is 3 s."""

MOST_MIB = 200
"""Of the parent, and of its worker."""

# Every plan sends as many, so that the difference is what comes before them.
RUN = """
import json, resource, sys
from pathlib import Path
import benchlab as bl
from benchlab.load.run import run
url, count, text = sys.argv[1], int(sys.argv[2]), sys.argv[3]
plan = bl.Plan(
    [bl.Request("GET", f"{url}{n}", {"X-Id": text}) for n in range(count)],
    bl.ClosedLoop(1),
    request_count=100,
)
done = run(plan)
status = Path("/proc/self/status").read_text()
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({
    "count": done.summary.count,
    "errors": done.summary.errors,
    "cpu_s": sum(part.ru_utime + part.ru_stime for part in used),
    "parent_mib": int(status.split("VmHWM:")[1].split()[0]) / 1024,
    "worker_mib": done.health.workers[0].memory_max_bytes / 2**20,
}))
"""


def measure(url: str, count: int, text: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", RUN, url, str(count), text],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    assert (found["count"], found["errors"]) == (100, {})
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_many_requests_start_soon_and_in_little_memory() -> None:
    rows, broken = [], []
    with serving(always(ok())) as url:
        measure(url, 1, "warm up")
        for text in ("the same", "{{seq}}"):
            pairs = [(measure(url, 1, text), measure(url, MANY, text)) for _ in range(ROUNDS)]
            times = statistics.median(many["cpu_s"] / one["cpu_s"] for one, many in pairs)
            cpu_s = statistics.median(many["cpu_s"] for _, many in pairs)
            most = {
                name: max(many[name] for _, many in pairs) for name in ("parent_mib", "worker_mib")
            }
            rows.append(
                (text, f"{cpu_s:.2f}", f"{times:.1f}", *(f"{mib:.0f}" for mib in most.values()))
            )
            if times > MOST_TIMES or max(most.values()) > MOST_MIB:
                broken.append(text)
    show(
        f"{MANY:,} requests, 100 of them sent; median of {ROUNDS} rounds",
        [
            "header",
            "CPU s",
            f"times (≤ {MOST_TIMES:g})",
            "parent MiB",
            f"worker MiB (≤ {MOST_MIB})",
        ],
        rows,
        "times: the CPU time of a plan of one request, parent and worker together",
    )
    assert not broken
