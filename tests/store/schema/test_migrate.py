from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchlab.errors import SchemaError
from benchlab.runs.run import Run
from benchlab.store import Store
from benchlab.store.client import connection
from benchlab.store.schema import migrate
from tests.store.schema.test_telemetry_tables import EXPORTER

MakeRun = Callable[..., Run]


def test_files_are_numbered_from_1_without_gaps() -> None:
    steps = migrate.migrations()
    assert [step.version for step in steps] == list(range(1, len(steps) + 1))
    assert all(list(step.statements()) for step in steps)


REPEATABLE = (
    r"CREATE (TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS "
    r"|CREATE OR REPLACE VIEW |DROP VIEW IF EXISTS "
    r"|ALTER TABLE \w+ (MODIFY SETTING|MODIFY COLUMN|ADD COLUMN IF NOT EXISTS) "
)


def test_every_statement_can_be_repeated() -> None:
    for step in migrate.migrations():
        for statement in step.statements():
            assert re.match(REPEATABLE, statement)


def test_migrations_are_applied_once(store: Store) -> None:
    for _ in range(2):
        applied = store.query_df("SELECT version, name FROM schema_migrations ORDER BY version")
        assert list(applied["version"]) == [step.version for step in migrate.migrations()]
        assert list(applied["name"]) == [step.name for step in migrate.migrations()]


def test_migrate_returns_the_versions_before_and_after(new_store: Store) -> None:
    latest = migrate.latest_version()
    assert new_store.migrate() == (0, latest)
    assert new_store.migrate() == (latest, latest)
    with new_store.connect():
        assert new_store.migrate() == (latest, latest)


def test_an_older_schema_is_upgraded(
    new_store: Store, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = migrate.migrations()
    monkeypatch.setattr(migrate, "migrations", lambda: steps[:2])
    assert new_store.migrate() == (0, 2)
    monkeypatch.setattr(migrate, "migrations", lambda: steps)
    assert new_store.migrate() == (2, steps[-1].version)
    new_store.save(make_run(10))
    assert len(new_store.runs()) == 1


def test_an_interrupted_migration_is_applied_again(
    new_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store
    first, second, *rest = migrate.migrations()
    broken = replace(second, sql=second.sql + "\nCREATE NONSENSE;\n")
    monkeypatch.setattr(migrate, "migrations", lambda: (first, broken, *rest))
    with pytest.raises(Exception, match="NONSENSE"):
        store.runs()
    monkeypatch.setattr(migrate, "migrations", lambda: (first, second, *rest))
    assert store.runs().empty
    count = store.query_df("SELECT count() AS n FROM schema_migrations")["n"][0]
    assert count == len(migrate.migrations())


def test_a_newer_schema_is_an_error(new_store: Store) -> None:
    new_store.query_df("INSERT INTO schema_migrations (version, name) VALUES (99, 'x')", write=True)
    with pytest.raises(SchemaError, match="schema 99, this benchlab supports up to"):
        new_store.runs()


def test_several_clients_may_migrate_at_once(new_served_store: Store, make_run: MakeRun) -> None:
    """On a server: the embedded engine admits one process at a time."""
    start, failures = threading.Barrier(4), list[BaseException]()

    def open_and_save(run: Run) -> None:
        try:
            start.wait()
            Store().save(run)
        except BaseException as exc:
            failures.append(exc)

    threads = [
        threading.Thread(target=open_and_save, args=[make_run(500, seed=k)]) for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for sql, count in (
        ("SELECT count() AS n FROM schema_migrations", len(migrate.migrations())),
        ("SELECT count() AS n FROM runs", 4),
        ("SELECT count() AS n FROM samples", 2000),
        ("SELECT sum(request_count) AS n FROM per_second", 2000),
    ):
        assert new_served_store.query_df(sql)["n"][0] == count


def test_repeated_inserts_are_dropped_also_where_the_collector_came_first(tmp_path: Path) -> None:
    """The exporter creates its tables before the migrations run."""
    store = Store(f"chdb://{tmp_path / 'first'}")
    (exporters,) = (step for step in migrate.migrations() if step.name == "otel")
    created = [text for text in exporters.statements() if text.startswith("CREATE ")]
    assert "deduplication" not in "".join(created)
    assert store._dsn.path is not None
    store._dsn.path.mkdir()
    with connection.opened(store._dsn) as client:
        for statement in created:
            client.command(statement)
        client.command("INSERT INTO otel_traces (TraceId) VALUES ('theirs')")
    for _ in range(2):
        store.query_df(
            "INSERT INTO otel_traces (TraceId) SETTINGS insert_deduplication_token = 'once'"
            " VALUES ('ours')",
            write=True,
        )
    for table in ("otel_traces", "otel_traces_trace_id_ts"):
        found = store.query_df(f"SELECT TraceId FROM {table} ORDER BY TraceId")  # noqa: S608
        assert list(found["TraceId"]) == ["ours", "theirs"]
    windows = store.query_df(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND"
        " name LIKE 'otel_%' AND create_table_query LIKE '%deduplication_window = 10000%'"
    )
    assert set(windows["name"]) == set(EXPORTER)
