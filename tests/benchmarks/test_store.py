"""What keeping and reading a run costs: time, bytes on the disk, memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchlab import ConstantRate, Plan, Request, spool
from benchlab.store import Store
from benchlab.values.health import WorkerHealth
from benchlab.values.samples import SAMPLE_DTYPE

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

COUNT = int(os.environ.get("BENCHLAB_BENCH_SAMPLES", "10000000"))
RATE = 50_000

SAVE = """
import json, sys, threading, time
from pathlib import Path
from benchlab import spool
from benchlab.store import Store

def memory_mb():
    # Without what lies in files and can be read again.
    text = Path("/proc/self/status").read_text()
    return int(text.split("RssAnon:")[1].split()[0]) / 1024

def watch():
    global peak
    while True:
        peak = max(peak, memory_mb())
        time.sleep(0.02)

store = Store()
with store.connect():
    pass
before = peak = memory_mb()
threading.Thread(target=watch, daemon=True).start()
start = time.perf_counter()
run = spool.read_run(Path(sys.argv[1]))
read = time.perf_counter()
store.save(run)
print(json.dumps({
    "read_s": read - start, "save_s": time.perf_counter() - read,
    "before_mb": before, "peak_mb": peak, "run_id": run.id,
}))
"""


@pytest.fixture
def directory() -> Path:
    """The spool of a run of `COUNT` requests, as two workers leave it: in the order of answers."""
    rng = np.random.default_rng(1)
    seconds = COUNT / RATE
    plan = Plan(
        requests=[Request("GET", "http://127.0.0.1:1/a"), Request("GET", "http://127.0.0.1:1/b")],
        load=ConstantRate(RATE),
        duration_s=seconds,
        workers=2,
    )
    with spool.create("0123456789abcdef", plan, {}) as made:
        for worker in range(2):
            seq = np.arange(worker, COUNT, 2)
            records = np.zeros(len(seq), dtype=SAMPLE_DTYPE)
            records["seq"] = seq
            records["intended_ns"] = seq * (10**9 // RATE)
            lag, service = rng.lognormal(10.5, 0.4, len(seq)), rng.lognormal(14, 0.5, len(seq))
            records["sent_ns"] = records["intended_ns"] + lag.astype(np.int64)
            records["done_ns"] = records["sent_ns"] + service.astype(np.int64)
            records["first_byte_ns"] = records["done_ns"] - rng.integers(5000, 50_000, len(seq))
            records["bytes_in"] = rng.integers(100, 120, len(seq))
            records["status"] = 200
            records["endpoint"] = rng.integers(0, 2, len(seq))
            records[np.argsort(records["done_ns"])].tofile(spool.samples_path(made, worker))
            spool.write_health(made, WorkerHealth(worker))
        spool.write_start(made, 1_795_460_064_000_000_000)
        spool.write_outcome(made, None)
    return made


def test_from_spool_to_table_and_back_in_sql(directory: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SAVE, str(directory)], stdout=subprocess.PIPE, text=True, check=True
    )
    saved = json.loads(done.stdout)
    rate = COUNT / (saved["read_s"] + saved["save_s"])
    store, run_id = Store(), saved["run_id"]
    with store.connect():
        size = store.query_df(
            "SELECT sum(bytes_on_disk) AS size FROM system.parts WHERE active"
            " AND table IN ('samples', 'endpoint_seconds')"
        )["size"][0]

        def seconds(sql: str) -> float:
            return min(_timed(lambda: store.query_df(sql, {"run_id": run_id})) for _ in range(3))

        where = "WHERE run_id = {run_id:String}"
        views = {
            view: seconds(f"SELECT * FROM {view} {where}")  # noqa: S608  # constants
            for view in ("run_percentiles", "latency_histogram", "per_second", "per_endpoint")
        }
        summary = seconds(f"SELECT * FROM benchmark_results {where}")  # noqa: S608
    print(
        f"\n{COUNT:,} samples from the spool into the embedded store: {rate:,.0f}/s"
        f" (read {saved['read_s']:.1f} s, save {saved['save_s']:.1f} s)"
        f"\nbytes per sample on the disk, rollups included: {size / COUNT:.2f}"
        f"\nmemory, the engine's included: {saved['peak_mb']:,.0f} MB at most,"
        f" {saved['before_mb']:,.0f} MB before"
        f"\nsummary {summary:.3f} s, "
        + ", ".join(f"{view} {cost:.3f} s" for view, cost in views.items())
    )
    assert rate >= 500_000
    assert size / COUNT <= 10
    assert summary + views["latency_histogram"] + views["per_second"] <= 1.5


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
