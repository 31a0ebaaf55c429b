from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from benchlab.errors import RunNotFoundError, StoreError
from benchlab.runs.imported_summary import ImportedSummary, Interval, Point
from benchlab.runs.run import Run
from benchlab.store import Store
from benchlab.store.runs import summaries as imports

FULL = ImportedSummary(
    id="00112233445566ff",
    tool="tool",
    format="form",
    name="it's é",
    url="http://127.0.0.1:8000/größe?q=1",
    started_at_ns=1_795_460_064_981_497_375,
    duration_s=2.5,
    count=2**40,
    error_count=0,
    rate_rps=1.25,
    mean_ns=3,
    min_ns=1,
    max_ns=2**50,
    percentiles=(Point(0.5, 2, 7), Point(0.99, 2**49, 2**40)),
    timeline=(
        Interval(1_795_460_064, "", 3, 1.5, 0.0, 10, 0, ()),
        Interval(1_795_460_065, "GET /", 3, 1.5, 0.5, 20, 1, (Point(0.5, 4), Point(1.0, 9))),
        Interval(1_795_460_066, "", None, 1.5, None, 30, None, (Point(0.5, 0),)),
    ),
    notes=("one", "two\nlines"),
)
BARE = ImportedSummary(id="0011223344556600", tool="tool", format="form", name="bare")


def rows(store: Store, table: str) -> int:
    return int(store.query_df(f"SELECT count() AS n FROM {table}")["n"][0])  # noqa: S608


def test_summaries_are_read_back_exactly(store: Store) -> None:
    empty = store.imports()
    for summary in (FULL, BARE):
        for _ in range(2):
            store.save_imported(summary)
        assert store.imported(summary.id) == summary
    assert (rows(store, "imported_summaries"), rows(store, "imported_timeline")) == (2, 3)
    table = store.imports().set_index("id")
    assert table["latency_p50_ms"][FULL.id] == 2e-6
    assert table["latency_p99_ms"][FULL.id] == 2**49 / 1e6
    assert pd.isna(table["latency_p50_ms"][BARE.id])
    assert pd.isna(table["count"][BARE.id])
    assert len(store.imports(limit=1)) == 1
    assert list(empty.columns) == list(store.imports().columns)
    assert store.runs().empty, "they are not runs"


def test_a_summary_is_found_by_an_unambiguous_prefix(store: Store) -> None:
    for summary in (FULL, BARE):
        store.save_imported(summary)
    assert store.imported(FULL.id[:15]).id == FULL.id
    with pytest.raises(RunNotFoundError, match=f"benchlab show {FULL.id} prints it"):
        store.load(FULL.id)
    for some in ("0011", "ffff", ""):
        with pytest.raises(RunNotFoundError, match="benchlab history lists them"):
            store.imported(some)


@pytest.mark.parametrize("step", [1, 2])
def test_a_lost_acknowledgement_leaves_one_copy(
    store: Store, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """The rows are in, but the saver got an error."""
    real, calls = imports._insert, 0

    def unacknowledged(*args: object) -> None:
        nonlocal calls
        real(*args)  # type: ignore[arg-type]
        calls += 1
        if calls == step:
            raise StoreError("the connection broke")

    monkeypatch.setattr(imports, "_insert", unacknowledged)
    with pytest.raises(StoreError):
        store.save_imported(FULL)
    store.save_imported(FULL)
    assert (rows(store, "imported_summaries"), rows(store, "imported_timeline")) == (1, 3)
    assert store.imported(FULL.id) == FULL


def test_a_run_can_be_read_in_blocks(store: Store, make_run: Callable[..., Run]) -> None:
    run = make_run(40_000)
    store.save(run)
    with store.load_in_blocks(run.id[:14]) as (head, count, blocks):
        found = list(blocks)
    assert (head.id, head.plan, len(head.samples), count) == (run.id, run.plan, 0, 40_000)
    assert len(found) > 1
    assert b"".join(block.tobytes() for block in found) == run.samples.records.tobytes()
    with (
        pytest.raises(RunNotFoundError, match="no stored run has the id 'ffff'"),
        store.load_in_blocks("ffff"),
    ):
        pass
