"""The schema for a cluster. Without a cluster, statements are only compared and parsed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.store import Store
from benchlab.store.client.cluster import SETTINGS, use_cluster
from benchlab.store.client.dsn import parse_dsn
from benchlab.store.schema import migrate, replicated
from tests.clickhouse_front import Front
from tests.golden.files import assert_golden

GOLDEN = Path(__file__).parent / "golden" / "cluster.sql"


def rendered() -> list[str]:
    return [
        part
        for step in migrate.migrations()
        for statement in step.statements()
        for part in replicated.for_cluster(statement, "lab")
    ]


def test_statements_match_the_golden_file() -> None:
    assert_golden(GOLDEN, ";\n\n".join(rendered()) + ";\n")


def test_the_engine_parses_every_statement(front: Front) -> None:
    for statement in rendered():
        quoted = statement.replace("\\", "\\\\").replace("'", "\\'")
        assert front.query(f"SELECT formatQuery('{quoted}')")


def test_unknown_kinds_of_statements_are_rejected() -> None:
    """Sent as it is, it would reach one server of the cluster."""
    with pytest.raises(ValueError, match="DROP COLUMN"):
        list(replicated.for_cluster("ALTER TABLE runs DROP COLUMN IF EXISTS x", "lab"))


def test_a_later_migration_can_add_a_column() -> None:
    column = "x Map(String, UInt64) CODEC(Delta(8), ZSTD(3)) DEFAULT map()"
    change = f"ALTER TABLE runs ADD COLUMN IF NOT EXISTS {column} AFTER name"
    stored, distributed = replicated.for_cluster(change, "lab")
    assert stored == change.replace("TABLE runs", "TABLE runs_local ON CLUSTER lab")
    assert distributed == (
        "ALTER TABLE runs ON CLUSTER lab"
        " ADD COLUMN IF NOT EXISTS x Map(String, UInt64) DEFAULT map() AFTER name"
    )


def test_a_later_migration_can_replace_a_view() -> None:
    (view,) = replicated.for_cluster("CREATE OR REPLACE VIEW v AS SELECT 1", "lab")
    assert view == "CREATE OR REPLACE VIEW v ON CLUSTER lab AS SELECT 1"


def test_every_table_is_replicated_and_distributed() -> None:
    statements = "\n".join(rendered())
    tables = re.findall(r"CREATE TABLE IF NOT EXISTS (\w+) ON CLUSTER lab", statements)
    assert {name for name in tables if not name.endswith("_local")} == {
        name.removesuffix("_local") for name in tables if name.endswith("_local")
    }
    for statement in rendered():
        if statement.startswith("CREATE TABLE"):
            assert re.search(r"ENGINE = (Replicated\w*MergeTree|Distributed)\(", statement)
        assert " ON CLUSTER lab" in statement
        assert "non_replicated" not in statement


def test_rows_that_belong_together_share_a_shard() -> None:
    keys = dict(
        re.findall(
            r"Distributed\(lab, currentDatabase\(\), (\w+)_local, (.*)\)", "\n".join(rendered())
        )
    )
    assert keys["runs"] == "cityHash64(id)"
    assert {keys[name] for name in ("samples", "endpoint_seconds")} == {"cityHash64(run_id)"}
    assert keys["otel_traces"] == keys["otel_traces_trace_id_ts"] == "cityHash64(TraceId)"
    assert "0" not in keys.values(), "not all rows of a table in one shard"


def test_the_setting_is_one_option_of_the_dsn() -> None:
    dsn = parse_dsn("http://h/lab?cluster=prod&verify=false")
    assert (dsn.cluster, dsn.options) == ("prod", (("verify", "false"),))
    with pytest.raises(InputError, match="cluster name"):
        Store("http://h/lab?cluster=a'b")
    for setting in SETTINGS:
        assert re.fullmatch(r"[a-z_]+", setting)


def test_the_engine_knows_the_settings(front: Front) -> None:
    names = ", ".join(f"'{name}'" for name in SETTINGS)
    count = front.query(f"SELECT count() FROM system.settings WHERE name IN ({names})")  # noqa: S608
    assert int(count) == len(SETTINGS)


def test_statements_of_a_clusters_client_name_the_cluster(
    served_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine has no such cluster, which is the error of the first statement that names it."""
    with served_store.connect() as client:
        assert replicated.stored(client, "samples") == "samples"
        use_cluster(client, "lab")
        assert replicated.stored(client, "samples") == "samples_local ON CLUSTER lab"
        monkeypatch.setattr(migrate, "_version", lambda _: 0)
        with pytest.raises(Exception, match="cluster 'lab' not found"):
            migrate.migrate(client)
