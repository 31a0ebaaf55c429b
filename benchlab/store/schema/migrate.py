"""Apply the schema: ordered SQL files, each applied once.

Files are numbered without gaps (``0001_runs.sql``); statements end with a semicolon at the end of a
line. Every statement is repeatable (``IF NOT EXISTS``, a setting), so that an interrupted migration
is simply applied again. Released files are never edited: a change is a new file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from benchlab.errors import SchemaError
from benchlab.store.client.cluster import cluster_of
from benchlab.store.client.insert import insert_rows
from benchlab.store.schema.replicated import for_cluster

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["Migration", "latest_version", "migrate", "migrations", "table_names"]

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version UInt32,
    name String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = MergeTree ORDER BY version SETTINGS non_replicated_deduplication_window = 100
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    version: int
    name: str
    sql: str

    def statements(self) -> Iterator[str]:
        """The statements of the file, in order, without comments around them."""
        for part in re.split(r";\s*(?:\n|$)", self.sql):
            text = re.sub(r"^\s*--.*\n?", "", part, flags=re.MULTILINE).strip()
            if text:
                yield text


@cache
def migrations() -> tuple[Migration, ...]:
    """All migrations of this version of benchlab, first to last."""
    steps = []
    for item in (files("benchlab.store.schema") / "migrations").iterdir():
        match = _FILE_NAME.fullmatch(item.name)
        if match:
            steps.append(Migration(int(match[1]), match[2], item.read_text(encoding="utf-8")))
    return tuple(sorted(steps, key=lambda step: step.version))


def latest_version() -> int:
    """The schema version that this benchlab reads and writes."""
    return migrations()[-1].version


@cache
def table_names() -> frozenset[str]:
    """The tables that the migrations create. The database may have others, which are not ours."""
    created = (
        re.findall(r"^CREATE TABLE IF NOT EXISTS (\w+)", step.sql, re.M) for step in migrations()
    )
    return frozenset(name for names in created for name in names)


def migrate(client: Client) -> int:
    """Bring the schema up to date; return the version before, 0 for none.

    Costs two small queries when it is up to date.

    Raises:
        SchemaError: the store has migrations that this benchlab does not know.
    """
    version = _version(client)
    if version > latest_version():
        raise SchemaError(
            f"the store has schema {version}, this benchlab supports up to {latest_version()}:"
            " upgrade with pip install --upgrade benchlab"
        )
    if version == latest_version():
        return version
    cluster = cluster_of(client)
    _apply(client, _LEDGER.strip(), cluster)
    for step in migrations():
        if step.version <= version:
            continue
        for statement in step.statements():
            _apply(client, statement, cluster)
        applied = {"version": step.version, "name": step.name}
        insert_rows(client, "schema_migrations", [applied], step.name)
    return version


def _apply(client: Client, statement: str, cluster: str) -> None:
    for part in for_cluster(statement, cluster) if cluster else (statement,):
        client.command(part)


def _version(client: Client) -> int:
    """The number of the last migration applied; 0 for none."""
    known = client.query("EXISTS TABLE schema_migrations").result_rows[0][0]
    if not known:
        return 0
    return int(client.query("SELECT max(version) FROM schema_migrations").result_rows[0][0])
