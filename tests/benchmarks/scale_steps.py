"""What the parent of a run by very many workers does with it, step by step, in one process.

    python -m tests.benchmarks.scale_steps STATE WORKERS RATE SECONDS STEP…

Makes the spool first unless it is there, and prints a line of JSON after each step. The spool is
kept, and STATE lists the steps that are done, so that a later call goes on.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchlab import spool
from benchlab.paths import spool_root
from benchlab.report.write import write_report
from benchlab.runs.run import Run
from benchlab.samples.percentile_interval import percentile_intervals
from benchlab.samples.statistics import DURATIONS
from benchlab.store import Store
from tests.memory import STATUS, Peak
from tests.spools import make_wide_spool

__all__ = ["STEPS"]

_RATIOS = (0.5, 0.9, 0.95, 0.99, 0.999)


def _summary(run: Run) -> dict[str, Any]:
    return {"numbers": replace(run).summary.to_dict()}  # a new run has nothing computed


def _intervals(run: Run) -> dict[str, Any]:
    found = [
        percentile_intervals(run.measured, *run.window_ns, _RATIOS, duration=name)
        for name in DURATIONS
    ]
    return {"intervals": sum(interval.is_two_sided for each in found for interval in each)}


def _save(run: Run) -> dict[str, Any]:
    store = Store()
    store.save(replace(run, spool=None))
    with store.connect():
        frame = store.query_df(
            "SELECT sum(bytes_on_disk) AS size FROM system.parts WHERE active"
            " AND table IN ('samples', 'endpoint_seconds')"
        )
    return {"stored_bytes": int(frame["size"][0])}


def _load(run: Run) -> dict[str, Any]:
    return {"count": len(Store().load(run.id).samples)}


def _report(run: Run) -> dict[str, Any]:
    page = write_report(replace(run), "report", server=Store().server_side(run.id))
    return {"page_bytes": page.stat().st_size}


STEPS: dict[str, Callable[[Run], dict[str, Any]]] = {
    "summary": _summary,
    "intervals": _intervals,
    "save": _save,
    "load": _load,
    "report": _report,
}
"""What is done with the run once it is merged."""


def main(state: Path, workers: int, rate_rps: float, duration_s: float, steps: list[str]) -> None:
    count = round(rate_rps * duration_s) * workers
    directory = spool_root() / f"{count:016x}"
    if not spool.has_outcome(directory):
        if directory.exists():  # an earlier call was ended while it made this
            spool.remove(directory)
        _measured(
            state, "make", lambda: {"made": str(make_wide_spool(workers, rate_rps, duration_s))}
        )
    found: list[Run] = []

    def merge() -> dict[str, Any]:
        found.append(spool.read_run(directory))
        return {"count": len(found[0].samples), "verdict": found[0].verdict}

    _measured(state, "merge", merge)
    for step in steps:
        _measured(state, step, lambda step=step: STEPS[step](found[0]))  # type: ignore[misc]


def _measured(state: Path, step: str, work: Callable[[], dict[str, Any]]) -> None:
    peak, start, cpu = Peak(), time.perf_counter(), _cpu_s()
    done = work()
    took = {
        "step": step,
        "s": time.perf_counter() - start,
        "cpu_s": _cpu_s() - cpu,
        "mb": peak.end(),
        "mapped_mb": int(STATUS.read_text().split("VmHWM:")[1].split()[0]) / 1024,
    }
    with state.open("a") as file:
        file.write(json.dumps({**took, **done}) + "\n")


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), sys.argv[5:])
