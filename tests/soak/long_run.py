"""A run with faults that come and go, in a process of its own: ``… URL SECONDS``.

Says as JSON what it came to. The faults repeat every `CYCLE_S`; none outlasts its cycle.
"""

from __future__ import annotations

import json
import sys

import benchlab as bl
from benchlab import spool
from benchlab.samples.samples import ErrorKind

RATE_RPS = 100.0
CYCLE_S = 24
FAULTS = (
    "latency 30ms±10ms ratio=20% at 1s for 3s",
    "error 503 ratio=10% at 4s for 3s",
    "slow_body 60ms ratio=20% at 7s for 3s",
    "drop ratio=5% at 10s for 2s",
    "pause 100ms every=1s at 12s for 3s",
    "block 50ms every=1s at 15s for 2s",
    "lock 2ms at 17s for 2s",
    "leak 10kB at 19s for 3s",
    "cache_miss 30ms ratio=10% at 19s for 3s",
)


def faults_of(length_s: float) -> list[bl.Fault]:
    """The faults of a run of this length, as many as end within it."""
    found = []
    for start_s in range(0, int(length_s), CYCLE_S):
        for text in FAULTS:
            fault = bl.Fault.parse(text)
            at_s = start_s + fault.at_s
            if at_s + (fault.for_s or 0) < length_s:
                before, _, after = text.partition(f" at {fault.at_s:g}s")
                found.append(bl.Fault.parse(f"{before} at {at_s:g}s{after}"))
    return found


def main(url: str, length_s: float) -> None:
    """Make the run."""
    request = bl.Request("POST", url, body='{"a": [1, 2], "b": [3, 4]}')
    plan = bl.Plan(
        [request],
        bl.ConstantRate(RATE_RPS),
        length_s,
        timeout_s=60,
        trace_ratio=0.1,
        faults=faults_of(length_s),
        name="soak",
    )
    run = bl.run(plan)
    errors = run.samples.column("error")
    print(
        json.dumps(
            {
                "sent": sum(1 for error in errors if error != ErrorKind.UNSENT),
                "not_connected": sum(1 for error in errors if error == ErrorKind.CONNECT),
                "intended": plan.intended_count(),
                "errors": run.samples.errors,
                "verdict": run.verdict,
                "stop_reason": run.stop_reason,
                "p50_ms": run.summary.latency_ns.p50 / 1e6 if run.summary.latency_ns else None,
                "p99_ms": run.summary.latency_ns.p99 / 1e6 if run.summary.latency_ns else None,
                "planned_faults": len(plan.faults),
                "faults": [record.to_dict() for record in run.faults],
            }
        )
    )
    if run.spool is not None:
        spool.remove(run.spool)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
