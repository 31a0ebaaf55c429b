"""A store that is full of runs of ten million samples: what people look at takes at most 2 s each.

With `BENCHLAB_BENCH_DIRECTORY=DIRECTORY` the store stays there, and a benchmark that was stopped
goes on; without, it is in a temporary directory and removed. It is made `BENCHLAB_BENCH_GB` large.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import benchlab as bl
from benchlab.store import Store
from tests.benchmarks.many_runs import RUN_SAMPLES, TRACED, add_runs, disk_bytes, run_ids
from tests.benchmarks.table import show
from tests.stack.dashboards import DASHBOARDS
from tests.stack.grafana import TimeRange, sql_of

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(7200)]

GIGABYTES = float(os.environ.get("BENCHLAB_BENCH_GB", "2"))
FEWEST_RUNS = 20
MOST_S = 2.0
LOADED, MOST_LOADED_S = "one run, loaded", 10.0
"""All samples of a run, 560 MB in a mapped file: for whoever asks for more than its row has."""
ROUNDS = 3

VIEWS = ("benchmark_results", "run_percentiles", "per_second", "per_endpoint", "latency_histogram")


def test_a_store_of_long_runs(tmp_path: Path) -> None:
    directory = Path(os.environ.get("BENCHLAB_BENCH_DIRECTORY", tmp_path)).absolute()
    store = Store(f"chdb://{directory / 'many-runs'}")
    start = time.perf_counter()
    added = sum(1 for _ in add_runs(store, GIGABYTES))
    filled_s = time.perf_counter() - start
    with store.connect() as client:
        ids, size = run_ids(client), disk_bytes(client)
        took = {name: worst_of(work) for name, work in questions(store, ids).items()}
    rows = [
        (name, f"{seconds:.2f}")
        for name, seconds in sorted(took.items(), key=lambda item: -item[1])
    ]
    samples = len(ids) * RUN_SAMPLES
    show(
        f"A store of {len(ids)} runs of {RUN_SAMPLES:,} samples, {size / 1e9:.1f} GB",
        ["asked", f"s (limit {MOST_S:g})"],
        rows,
        f"the slowest of {ROUNDS}; {size / samples:.2f} bytes per sample, rollups included"
        + (f"; {filled_s / added:.1f} s to make a run" if added else ""),
    )
    assert len(ids) >= FEWEST_RUNS
    limits_s = {LOADED: MOST_LOADED_S}
    slow = {name: took[name] for name in took if took[name] > limits_s.get(name, MOST_S)}
    assert not slow


def worst_of(work: Callable[[], object]) -> float:
    """The longest of some rounds, in seconds."""
    took = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return max(took)


def questions(store: Store, ids: list[str]) -> Mapping[str, Callable[[], object]]:
    """What people ask of a store, by its name."""
    middle, last = ids[TRACED], ids[-1]
    return {
        "history of 20 runs": lambda: store.rows(limit=20),
        "history of all runs": store.runs,
        "overview of 10 runs": lambda: store.overview(10),
        "stored runs of a name": lambda: store.history(name="long"),
        LOADED: lambda: store.load(middle),
        "its percentiles with intervals, in SQL": lambda: store.percentile_intervals(middle),
        **{
            f"view {view}": asking(store, f"SELECT * FROM {view} WHERE run_id = '{middle}'")  # noqa: S608
            for view in VIEWS
        },
        "comparison of two runs": lambda: bl.compare(middle, last, store=store),
        "comparison of two times ten runs": lambda: bl.compare(
            ",".join(ids[:10]), ",".join(ids[10:20]), store=store
        ),
        "trend of a name": lambda: bl.trend("long", store=store),
        **dict(dashboards(store, middle)),
    }


def dashboards(store: Store, run_id: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """The SQL of every panel and variable; those of a run at the time that a link to it sets."""
    found = store.query_df(
        "SELECT min(toUnixTimestamp64Milli(started_at)) AS first,"
        " max(toUnixTimestamp64Milli(started_at)) AS last,"
        " anyIf(toUnixTimestamp64Milli(started_at), id = {id:String}) AS started FROM runs",
        {"id": run_id},
    ).iloc[0]
    ever = TimeRange(int(found["first"]) - 60_000, int(found["last"]) + 3_600_000, 60)
    of_run = TimeRange(int(found["started"]) - 60_000, int(found["started"]) + 260_000)
    chosen: dict[str, str | list[str]] = {
        **dict.fromkeys(("comparison", "search", "trend"), ""),  # there are no such results
        "run": run_id, "trace": "", "name": ["long"], "service": ["made"]
    }  # fmt: skip
    for dashboard, content in DASHBOARDS.items():
        when = of_run if "${run:" in str(content["panels"]) else ever
        asked = [
            (panel["title"], target["rawSql"])
            for panel in content["panels"]
            for target in panel.get("targets", ())
        ]
        asked += [
            (f"variable {variable['name']}", variable["query"])
            for variable in content["templating"]["list"]
            if variable["type"] == "query"
        ]
        for title, raw in asked:
            yield f"dashboard {dashboard}: {title}", asking(store, sql_of(raw, when, chosen))


def asking(store: Store, sql: str) -> Callable[[], Any]:
    """Ask this when called."""
    return lambda: store.query_df(sql)
