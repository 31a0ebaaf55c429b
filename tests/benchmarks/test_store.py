"""What keeping and reading a run costs: time, bytes on the disk, memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from benchlab.store import Store
from tests.spools import make_spool

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

COUNT = int(os.environ.get("BENCHLAB_BENCH_SAMPLES", "10000000"))

MORE_MB = 128
"""What saving, or showing, a run may take more than one of a quarter of its length: the merges that
the engine makes meanwhile, each of bounded size, come to more or less."""


def measure(count: int) -> dict[str, Any]:
    """Save a run of ``count`` requests from its spool and take its numbers from the store."""
    directory = make_spool(count)
    done = subprocess.run(
        [sys.executable, "-m", "tests.memory", str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_from_spool_to_table_and_back_in_sql() -> None:
    saved = measure(COUNT)
    rate = COUNT / (saved["read_s"] + saved["save_s"])
    store, run_id = Store(), saved["numbers"]["run_id"]
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
        f"\nmemory, the engine's included: {saved['before_mb']:,.0f} MB before, at most"
        f" {saved['save_mb']:,.0f} MB to save it and {saved['show_mb']:,.0f} MB to show it"
        f"\nsummary {summary:.3f} s, "
        + ", ".join(f"{view} {cost:.3f} s" for view, cost in views.items())
    )
    assert rate >= 500_000
    assert size / COUNT <= 10
    assert summary + views["latency_histogram"] + views["per_second"] <= 1.5


def test_memory_does_not_grow_with_the_run() -> None:
    few, many = measure(COUNT // 2), measure(2 * COUNT)
    print(
        f"\nmemory at most, {COUNT // 2:,} and {2 * COUNT:,} samples:"
        f" {few['save_mb']:,.0f} and {many['save_mb']:,.0f} MB to save a run,"
        f" {few['show_mb']:,.0f} and {many['show_mb']:,.0f} MB to show it"
    )
    assert many["save_mb"] - few["save_mb"] <= MORE_MB
    assert many["show_mb"] - few["show_mb"] <= MORE_MB


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
