"""A run in a process of its own, as a script makes one: ``… URL RATE SECONDS``.

Says as JSON what it came to and how much memory this process and the worker needed at the most.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import benchlab as bl
from benchlab import spool
from benchlab.samples.samples import SAMPLE_DTYPE


def main(url: str, rate_rps: float, duration_s: float) -> None:
    """Make the run, and derive from it what every user sees."""
    body = json.dumps({"a": [1, 2], "b": [3, 4]})
    plan = bl.Plan([bl.Request("POST", url, body=body)], bl.ConstantRate(rate_rps), duration_s)
    run = bl.run(plan)
    assert run.spool is not None
    files = run.spool.glob("samples-*.bin")
    result = {
        "count": run.summary.count,
        "rate_rps": run.summary.rate_rps,
        "errors": run.summary.errors,
        "verdict": run.verdict,
        "kept": sum(file.stat().st_size for file in files) // SAMPLE_DTYPE.itemsize,
        "worker_bytes": max(worker.memory_max_bytes for worker in run.health.workers),
        "parent_bytes": _memory_max_bytes(),
    }
    print(json.dumps(result))
    spool.remove(run.spool)


def _memory_max_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
