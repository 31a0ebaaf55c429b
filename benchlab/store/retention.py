"""Letting go of what is old: once, or by the engine itself as time goes by.

A table takes part by its column of time: ``started_at`` of the run for what runs are made of, and
the Collector's names for telemetry. What belongs to a run or an imported summary and has no such
column goes by the id of that. Tables that the schema does not have belong to somebody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchlab.store.cluster import stored
from benchlab.store.migrate import table_names

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

__all__ = ["expired", "prune", "set_ttl"]

DAY_S = 86_400

# First that exists is the one. `noted_at` of ingest_blocks is left alone: they say what was read.
_TIMES = ("imported_at", "started_at", "Timestamp", "Start", "TimeUnix", "noted_at")
_KEPT = {"ingest_blocks"}
_AT_ONCE = {"mutations_sync": 2, "allow_nondeterministic_mutations": 1}
_BEFORE = "< fromUnixTimestamp64Nano({before_ns:Int64})"
_BY_ID = {
    "run_id": f"run_id IN (SELECT id FROM runs WHERE started_at {_BEFORE})",  # noqa: S608  # constants
    "summary_id": f"summary_id IN (SELECT id FROM imported_summaries WHERE imported_at {_BEFORE})",  # noqa: S608
}


@dataclass(frozen=True, slots=True)
class _Table:
    """A table; ``old`` selects its rows of before ``before_ns``."""

    name: str
    time: str | None
    old: str
    has_ttl: bool


def expired(client: Client, before_ns: int) -> pd.DataFrame:
    """What `prune` would take: ``table``, its ``rows``, and the time of the ``oldest`` of them."""
    import pandas as pd

    found = []
    for table in _tables(client):
        oldest = f"min({table.time})" if table.time else "NULL"
        ((rows, time),) = client.query(
            f"SELECT count(), toString({oldest}) FROM {table.name} WHERE {table.old}",  # noqa: S608
            parameters={"before_ns": before_ns},
        ).result_rows
        if rows:
            found.append((table.name, int(rows), (time or "")[:19]))
    return pd.DataFrame(found, columns=["table", "rows", "oldest"])


def prune(client: Client, before_ns: int) -> None:
    """Remove runs that started, and telemetry from, before ``before_ns`` (ns since 1970).

    Cut off anywhere, a run is whole or gone, and the next call takes what is left of it.
    """
    for table in _tables(client):
        client.command(
            f"ALTER TABLE {stored(client, table.name)} DELETE WHERE {table.old}",
            parameters={"before_ns": before_ns},
            settings=_AT_ONCE,
        )


def set_ttl(client: Client, ttl_s: float | None) -> None:
    """Let the engine remove by itself what is older than ``ttl_s``, or nothing more (None).

    It does so when it merges, so on a server that runs; the embedded engine is rarely open for
    long enough. What runs are made of is kept a day longer than they are.
    """
    for table in _tables(client):
        if table.time is None:
            continue
        if ttl_s is None:
            if table.has_ttl:
                change = f"ALTER TABLE {stored(client, table.name)} REMOVE TTL"
                client.command(change, settings=_AT_ONCE)
            continue
        seconds = int(ttl_s) + (0 if table.name == "runs" else DAY_S)
        client.command(
            f"ALTER TABLE {stored(client, table.name)} MODIFY TTL"
            f" toDateTime({table.time}) + toIntervalSecond({seconds})",
            settings=_AT_ONCE,
        )


def _tables(client: Client) -> Sequence[_Table]:
    """In the order of pruning: parts that go by a run's id, the runs, and the rest."""
    rows = client.query(
        """
        SELECT
            replaceRegexpOne(tables.name, '_local$', '') AS table,
            groupArray(columns.name) AS names,
            any(tables.engine_full LIKE '% TTL %') AS has_ttl
        FROM system.tables AS tables
        INNER JOIN system.columns AS columns
            ON columns.database = tables.database AND columns.table = tables.name
        WHERE tables.database = currentDatabase() AND tables.engine LIKE '%MergeTree'
            AND NOT tables.is_temporary AND table IN {ours:Array(String)}
        GROUP BY table
        """,
        parameters={"ours": sorted(table_names() - _KEPT)},
    ).result_rows
    found = []
    for name, columns, has_ttl in rows:
        time = next((column for column in _TIMES if column in columns), None)
        conditions = [f"{time} {_BEFORE}"] if time else [_BY_ID[c] for c in columns if c in _BY_ID]
        if conditions:
            found.append(_Table(str(name), time, conditions[0], bool(has_ttl)))
    return sorted(
        found, key=lambda table: (table.time is not None, table.name != "runs", table.name)
    )
