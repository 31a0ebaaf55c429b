from __future__ import annotations

import json

from benchlab.store import Store
from benchlab.store.schema import migrate
from tests.cli.test_cli import benchlab


def test_migrate_creates_the_tables_once_and_reports_the_schema() -> None:
    latest = migrate.latest_version()
    location = Store().location
    first = benchlab("migrate")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == f"{location}: schema none, now {latest}\n"
    again = benchlab("migrate")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == f"{location}: schema {latest} already\n"
    tables = json.loads(benchlab("query", "SHOW TABLES", "--json").stdout)
    assert {"runs", "samples", "per_second", "otel_traces"} <= {row["name"] for row in tables}


def test_a_store_of_a_newer_benchlab_is_refused() -> None:
    Store().query_df("INSERT INTO schema_migrations (version, name) VALUES (9999, 'x')", write=True)
    done = benchlab("migrate")
    assert (done.returncode, done.stdout) == (4, "")
    assert "schema 9999" in done.stderr
    assert "pip install --upgrade benchlab" in done.stderr
