from __future__ import annotations

import time
from collections.abc import Callable

import pandas as pd
import pytest

from benchlab import spool
from benchlab.errors import InputError, StoreError
from benchlab.runs.run import Run
from benchlab.store import Store, retention
from tests.store.runs.test_summaries import FULL

MakeRun = Callable[..., Run]

DAY_NS = 86_400 * 10**9
DAY_S = 86_400.0


@pytest.fixture
def runs(store: Store, make_run: MakeRun) -> dict[int, Run]:
    """Runs by their age in days, with telemetry of the same age."""
    found = {}
    for days in (1, 50, 100):
        at_ns = time.time_ns() - days * DAY_NS
        found[days] = make_run(200, started_at_ns=at_ns, name=f"{days} days")
        store.save(found[days])
        with store.connect() as client:
            client.insert(
                "otel_traces", [[at_ns, f"{days}"]], column_names=["Timestamp", "TraceId"]
            )
            client.insert(
                "otel_metrics_sum", [[at_ns // 10**9, "m"]], column_names=["TimeUnix", "MetricName"]
            )
    return found


def sizes(store: Store) -> pd.Series[int]:
    """Rows of each table that has any, except the two that are never pruned."""
    with store.connect() as client:
        tables = [table.name for table in retention._tables(client)]
    each = [f"SELECT '{name}' AS name, count() AS n FROM {name}" for name in tables]  # noqa: S608
    counts = store.query_df(" UNION ALL ".join(each)).set_index("name")["n"].astype(int)
    return counts[counts > 0].sort_index()


def test_old_rows_are_removed_from_every_table(store: Store, runs: dict[int, Run]) -> None:
    before = sizes(store)
    removed = store.prune(90 * DAY_S, dry_run=True)
    assert sizes(store).equals(before), "a dry run removes nothing"
    assert set(removed["table"]) == set(before.index)
    assert dict(zip(removed["table"], removed["rows"], strict=True))["samples"] == 200
    for _ in range(2):
        store.prune(90 * DAY_S)
        left = sizes(store)
        assert (left * 3 == before * 2).drop("endpoint_seconds").all()
        assert list(store.runs()["name"]) == ["1 days", "50 days"]
        assert store.load(runs[50].id).samples.records.tobytes() == (
            runs[50].samples.records.tobytes()
        )
    store.prune(3600.0)
    assert sizes(store).empty


def test_rows_of_incomplete_runs_are_removed_too(store: Store, runs: dict[int, Run]) -> None:
    with store.connect() as client:
        client.command(f"DELETE FROM runs WHERE id = '{runs[100].id}'")  # noqa: S608
    store.prune(90 * DAY_S)
    found = store.query_df("SELECT uniqExact(run_id) AS n FROM samples")
    assert found["n"][0] == 2


def test_a_pruned_run_can_be_saved_again(store: Store, runs: dict[int, Run]) -> None:
    """The engine still knows the insert's token, and must not ignore the insert."""
    store.prune(90 * DAY_S)
    store.save(runs[100])
    assert len(store.load(runs[100].id).samples) == 200
    assert store.query_df("SELECT sum(request_count) AS n FROM per_second")["n"][0] == 600


def test_a_pruned_summary_can_be_imported_again(store: Store) -> None:
    for _ in range(2):
        store.save_imported(FULL)
        assert store.imported(FULL.id) == FULL
        with store.connect() as client:
            retention.prune(client, time.time_ns())
        assert store.imports().empty
        assert store.query_df("SELECT count() AS n FROM imported_timeline")["n"][0] == 0


def test_foreign_tables_are_left_alone(store: Store) -> None:
    with store.connect() as client:
        client.command(
            "CREATE TABLE events (Timestamp DateTime, run_id String) ENGINE = MergeTree ORDER BY ()"
        )
        client.insert("events", [[5, "old"]], column_names=["Timestamp", "run_id"])
    try:
        assert store.prune(DAY_S, dry_run=True).empty
        store.prune(DAY_S)
        let_expire(store, DAY_S)
        store.set_ttl(None)
        assert store.query_df("SELECT count() AS n FROM events")["n"][0] == 1
    finally:
        with store.connect() as client:
            client.command("DROP TABLE events")


def test_every_table_but_ledgers_and_baselines_is_pruned(store: Store) -> None:
    with store.connect() as client:
        taken = {table.name for table in retention._tables(client)}
        made = client.query(
            "SELECT name FROM system.tables"
            " WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
        ).result_rows
    kept = {"baselines", "ingest_blocks", "schema_migrations"}
    assert taken == {name for (name,) in made} - kept


def let_expire(store: Store, ttl_s: float) -> None:
    """Set a TTL as `Store.set_ttl` does on a server; it refuses an embedded store."""
    with store.connect() as client:
        retention.set_ttl(client, ttl_s)


def test_the_engine_applies_the_ttl(store: Store, runs: dict[int, Run]) -> None:
    store.save_imported(FULL)
    let_expire(store, 90 * DAY_S)
    assert list(store.runs()["name"]) == ["1 days", "50 days"]
    assert store.query_df("SELECT uniqExact(run_id) AS n FROM samples")["n"][0] == 2
    assert store.query_df("SELECT count() AS n FROM otel_traces")["n"][0] == 2
    assert store.imported(FULL.id) == FULL
    store.set_ttl(None)
    with store.connect() as client:
        assert not any(table.has_ttl for table in retention._tables(client))
    store.set_ttl(None)
    assert len(runs) == 3


def age(store: Store, table: str, days: int) -> None:
    """Make the rows of a table of imports as old as that, and let the engine merge it."""
    with store.connect() as client:
        client.command(
            f"ALTER TABLE {table} UPDATE imported_at = now64(3) - toIntervalDay({days}) WHERE 1",
            settings={"mutations_sync": 2},
        )
        client.command(f"OPTIMIZE TABLE {table} FINAL")


def test_a_summary_expires_with_its_time_series(store: Store) -> None:
    store.save_imported(FULL)
    let_expire(store, 90 * DAY_S)
    try:
        age(store, "imported_summaries", 89)
        age(store, "imported_timeline", 90)
        assert store.imported(FULL.id) == FULL, "its rows are kept for a day longer"
        age(store, "imported_summaries", 91)
        age(store, "imported_timeline", 92)
        assert sizes(store).empty
    finally:
        store.set_ttl(None)


def test_a_time_series_without_a_time_expires_with_its_summary(store: Store) -> None:
    store.save_imported(FULL)
    age(store, "imported_summaries", 100)
    removed = store.prune(90 * DAY_S)
    assert set(removed["table"]) == {"imported_summaries", "imported_timeline"}
    assert sizes(store).empty


def test_saving_a_run_older_than_the_ttl_is_an_error(store: Store, make_run: MakeRun) -> None:
    let_expire(store, 90 * DAY_S)
    try:
        identity = make_run(1).id
        with spool.create(identity, make_run(200).plan, {}) as directory:
            at_ns = time.time_ns() - 100 * DAY_NS
            old = make_run(200, started_at_ns=at_ns, run_id=identity, spool=directory)
        with pytest.raises(StoreError) as caught:
            store.save(old)
        assert str(caught.value) == (
            f"run {old.id} started 100 days ago, and this store's TTL is 90 days: raise it with"
            " benchlab prune --ttl 130d, or switch it off with benchlab"
            f" prune --ttl none; run {old.id} was measured and is kept: benchlab recover saves it"
        )
        assert directory.exists()
        with pytest.raises(StoreError, match="was measured and is kept"):
            store.save(old)
        assert sizes(store).empty, "rejected before anything was inserted"
        young = make_run(200, started_at_ns=time.time_ns() - 89 * DAY_NS)
        store.save(young)
        assert len(store.load(young.id).samples) == 200
        let_expire(store, 130 * DAY_S)
        store.save(old)
        assert len(store.load(old.id).samples) == 200
        assert not directory.exists()
    finally:
        store.set_ttl(None)


def test_an_embedded_store_rejects_a_ttl(embedded_store: Store, served_store: Store) -> None:
    with pytest.raises(InputError, match=r"benchlab prune --older-than 90d --yes .* cron"):
        embedded_store.set_ttl(90 * DAY_S)
    embedded_store.set_ttl(None)
    served_store.set_ttl(90 * DAY_S)
    served_store.set_ttl(None)
