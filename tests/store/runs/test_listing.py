from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from benchlab.runs.run import Run
from benchlab.store import Store

MakeRun = Callable[..., Run]


def test_runs_are_listed_newest_first(store: Store, make_run: MakeRun) -> None:
    empty = store.runs()
    assert list(empty.columns)[:2] == ["run_id", "started_at"]
    runs = [make_run(100, name=f"n{k}", started_at_ns=k * 10**9) for k in (2, 3, 1)]
    for run in runs:
        store.save(run)
    frame = store.runs()
    assert list(frame["name"]) == ["n3", "n2", "n1"]
    assert list(store.runs(limit=2)["name"]) == ["n3", "n2"]
    assert str(frame["started_at"].dt.tz) == "UTC"
    pd.testing.assert_series_equal(empty.dtypes, frame.dtypes)
    top = frame.iloc[0]
    stats = runs[1].summary
    assert stats.latency_ns is not None
    assert top["latency_p99_ms"] == stats.latency_ns.p99 / 1e6
    assert (top["count"], top["error_count"]) == (stats.count, stats.error_count)
    assert top["verdict"] == "valid"
    assert top["tags"] == {"commit": "abc", "quote": "it's"}
