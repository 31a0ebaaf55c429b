"""Rewrite the statements of the migrations for a cluster.

Every table becomes two: ``samples_local`` is replicated and holds the rows of a shard; ``samples``
is distributed over the shards, and is the one to read and write. Rows that belong together lie in
one shard: those of a run, a trace, a metric, a file. Views read the distributed tables;
materialized views, which see what is inserted, work within the shard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchlab.store.client.cluster import cluster_of

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["for_cluster", "stored"]

# The first of these columns that a table has decides the shard of a row, so that a repeated insert
# reaches the same shard.
_SHARD_BY = ("run_id", "summary_id", "TraceId", "MetricName", "file_id", "id")

_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) ")
_ENGINE = re.compile(r"\bENGINE = (\w*)MergeTree(?:\((.*?)\))?")
_VIEW = re.compile(r"CREATE (?:OR REPLACE VIEW|VIEW IF NOT EXISTS) (\w+) ")
_FEED = re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+) TO (\w+) ")
_DROP = re.compile(r"DROP VIEW IF EXISTS \w+")
_SETTING = re.compile(r"ALTER TABLE (\w+) (?=MODIFY SETTING )")
_COLUMN = re.compile(r"ALTER TABLE (\w+) (?=(?:ADD COLUMN IF NOT EXISTS|MODIFY COLUMN) )")
_CODEC = re.compile(r" CODEC\((?:[^()]|\([^()]*\))*\)")
_SOURCE = re.compile(r"\bFROM (\w+)\b")
_WINDOW = re.compile(r"\bnon_replicated_deduplication_window\b")


def stored(client: Client, table: str) -> str:
    """The table that holds the rows of ``table``, to delete from it or to change its settings."""
    cluster = cluster_of(client)
    return _on_cluster(table, cluster) if cluster else table


def _on_cluster(table: str, cluster: str) -> str:
    return f"{table}_local ON CLUSTER {cluster}"


def for_cluster(statement: str, cluster: str) -> Iterator[str]:
    """The statements that do on ``cluster`` what ``statement`` does on one server."""
    text = _WINDOW.sub("replicated_deduplication_window", statement)
    if match := _TABLE.match(text):
        yield _replicated(text, match[1], cluster)
        yield _distributed(text, match[1], cluster)
    elif match := _FEED.match(text):
        head = f"CREATE MATERIALIZED VIEW IF NOT EXISTS {match[1]} ON CLUSTER {cluster}"
        body = _SOURCE.sub(r"FROM \1_local AS \1", text[match.end() :], count=1)
        yield f"{head} TO {match[2]}_local {body}"
    elif match := _VIEW.match(text):
        body = text[match.end() :].replace(" IN (SELECT ", " GLOBAL IN (SELECT ")
        body = body.replace("\nINNER JOIN ", "\nGLOBAL INNER JOIN ")
        yield f"{match[0]}ON CLUSTER {cluster} {body}"
    elif _DROP.fullmatch(text):
        yield f"{text} ON CLUSTER {cluster} SYNC"
    elif match := _SETTING.match(text):
        yield f"ALTER TABLE {_on_cluster(match[1], cluster)} {text[match.end() :]}"
    elif match := _COLUMN.match(text):
        change = text[match.end() :]
        yield f"ALTER TABLE {_on_cluster(match[1], cluster)} {change}"
        # A distributed table stores nothing, so it takes no codec.
        yield f"ALTER TABLE {match[1]} ON CLUSTER {cluster} {_CODEC.sub('', change)}"
    else:
        raise ValueError(f"this statement has no form for a cluster: {statement}")


def _replicated(text: str, table: str, cluster: str) -> str:
    def engine(match: re.Match[str]) -> str:
        path = "'/clickhouse/tables/{uuid}/{shard}', '{replica}'"
        arguments = f"{path}, {match[2]}" if match[2] else path
        return f"ENGINE = Replicated{match[1]}MergeTree({arguments})"

    text = _TABLE.sub(f"CREATE TABLE IF NOT EXISTS {_on_cluster(table, cluster)} ", text, count=1)
    return _ENGINE.sub(engine, text, count=1)


def _distributed(text: str, table: str, cluster: str) -> str:
    names = set(re.findall(r"^    (\w+) ", text, flags=re.MULTILINE))
    key = next((f"cityHash64({name})" for name in _SHARD_BY if name in names), "0")
    return (
        f"CREATE TABLE IF NOT EXISTS {table} ON CLUSTER {cluster} AS {table}_local\n"
        f"ENGINE = Distributed({cluster}, currentDatabase(), {table}_local, {key})"
    )
