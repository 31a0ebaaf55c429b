"""Tries are stored and exported with their run, and results are of requests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchlab import ClosedLoop, Plan, Request, Store, Transport, run
from benchlab.exchange.own.export import export_run
from benchlab.exchange.own.import_ import read_parquet
from tests.load.servers import in_turn, ok, serving

COUNT = 6
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


def test_tries_are_kept(store: Store, tmp_path: Path) -> None:
    with serving(in_turn(UNAVAILABLE, UNAVAILABLE, ok())) as url:
        plan = Plan(
            [Request("GET", url)],
            ClosedLoop(connections=1),
            request_count=COUNT,
            warmup_s=0,
            timeout_s=60,
            transport=Transport(retry="3 backoff=0s"),
        )
        result = run(plan)
    assert (len(result.samples), len(result.measured)) == (3 * COUNT, COUNT)
    store.save(result)
    loaded = store.load(result.id)
    assert np.array_equal(loaded.tries.records, result.tries.records)
    assert loaded.try_counts == result.try_counts
    views = store.query_df("SELECT * FROM run_tries")
    assert views["retries"].tolist() == [2 * COUNT]
    for view in ("per_second", "per_endpoint", "latency_histogram", "run_percentiles"):
        counted = store.query_df(f"SELECT sum(request_count) AS n FROM {view}")  # noqa: S608
        assert counted["n"].tolist() == [COUNT], view
    path = export_run(loaded, tmp_path / "run.parquet")
    read = read_parquet(path)
    assert np.array_equal(read.tries.records, result.tries.records)
    assert read.plan.transport == result.plan.transport
