"""Letting go of what is old: once, or by the engine itself as time goes by.

A table takes part by its column of time: ``started_at`` of the run for what runs are made of, and
the Collector's names for telemetry. What belongs to a run and has no such column goes by the run's
id; a summary's time series goes with the summary, and in a TTL by when it was imported. Tables that
the schema does not have belong to somebody else.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchlab.errors import InputError, StoreError
from benchlab.store.schema.cluster import stored
from benchlab.store.schema.migrate import table_names
from benchlab.units import NS_PER_S

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

__all__ = ["check_age", "expired", "prune", "refuse_expired", "set_ttl"]

DAY_S = 86_400
_LEAST_S = 3600
# The engine's times end in 2106, and begin anew after it: what is kept until then would be old.
_MOST_S = 10_000 * DAY_S

# First that exists is the one. `noted_at` of ingest_blocks is left alone: they say what was read.
_TIMES = ("imported_at", "started_at", "Timestamp", "Start", "TimeUnix", "noted_at")
_KEPT = {"ingest_blocks"}
_WHOLES = {"runs", "imported_summaries"}  # other tables have parts of them
_AT_ONCE = {"mutations_sync": 2, "allow_nondeterministic_mutations": 1}
_BEFORE = "< fromUnixTimestamp64Nano({before_ns:Int64})"
_TTL = re.compile(r"\bTTL toDateTime\(started_at\) \+ toIntervalSecond\((\d+)\)")
_BY_ID = {
    "run_id": f"run_id IN (SELECT id FROM runs WHERE started_at {_BEFORE})",  # noqa: S608  # constants
    "summary_id": f"summary_id IN (SELECT id FROM imported_summaries WHERE imported_at {_BEFORE})",  # noqa: S608
}


@dataclass(frozen=True, slots=True)
class _Table:
    """A table; ``old`` selects its rows of before ``before_ns``, ``by_id`` from another's rows."""

    name: str
    time: str | None
    old: str
    by_id: bool
    has_ttl: bool


def check_age(seconds: float) -> None:
    """Refuse an age that cannot be meant.

    Raises:
        InputError: it is less than an hour, or more than 10,000 days.
    """
    if seconds < _LEAST_S:
        raise InputError(f"an age of {seconds:g} s is less than an hour: write it as 90d or 12h")
    if not seconds <= _MOST_S:
        raise InputError(
            f"an age of {seconds / DAY_S:,.0f} days is more than {_MOST_S // DAY_S:,}: to keep"
            " everything, remove nothing and set no TTL (benchlab prune --ttl none)"
        )


def expired(client: Client, before_ns: int) -> pd.DataFrame:
    """What `prune` would take: ``table``, its ``rows``, and the time of the ``oldest`` of them."""
    import pandas as pd

    found = []
    for table in _tables(client):
        oldest = f"min({table.time})" if table.time else "NULL"
        ((rows, first),) = client.query(
            f"SELECT count(), toString({oldest}) FROM {table.name} WHERE {table.old}",  # noqa: S608
            parameters={"before_ns": before_ns},
        ).result_rows
        if rows:
            found.append((table.name, int(rows), (first or "")[:19]))
    return pd.DataFrame(found, columns=["table", "rows", "oldest"])


def prune(client: Client, before_ns: int) -> None:
    """Remove runs that started, and telemetry from, before ``before_ns`` (ns since 1970).

    Cut off anywhere, a run is whole or gone, and the next call takes what is left of it. The runs
    go once more at the end: one may have been saved since they went, and its samples are gone.
    """
    tables = _tables(client)
    for table in (*tables, *(table for table in tables if table.name == "runs")):
        client.command(
            f"ALTER TABLE {stored(client, table.name)} DELETE WHERE {table.old}",
            parameters={"before_ns": before_ns},
            settings=_AT_ONCE,
        )


def set_ttl(client: Client, ttl_s: float | None) -> None:
    """Let the engine remove by itself what is older than ``ttl_s``, or nothing more (None).

    It does so when it merges, so on a server that runs; the embedded engine is rarely open for
    long enough. What runs and summaries are made of is kept a day longer than they are.
    """
    for table in _tables(client):
        if table.time is None:
            continue
        if ttl_s is None:
            if table.has_ttl:
                change = f"ALTER TABLE {stored(client, table.name)} REMOVE TTL"
                client.command(change, settings=_AT_ONCE)
            continue
        seconds = int(ttl_s) + (0 if table.name in _WHOLES else DAY_S)
        client.command(
            f"ALTER TABLE {stored(client, table.name)} MODIFY TTL"
            f" toDateTime({table.time}) + toIntervalSecond({seconds})",
            settings=_AT_ONCE,
        )


def refuse_expired(client: Client, run_id: str, started_at_ns: int) -> None:
    """Say that a run is too old to be kept: the engine drops at once what its TTL is past.

    Raises:
        StoreError: it is; the message has its age, the TTL and the remedy.
    """
    engines = client.query(
        "SELECT engine_full FROM system.tables"
        " WHERE database = currentDatabase() AND name IN ('runs', 'runs_local')"
    ).result_rows
    found = next((found for (text,) in engines if (found := _TTL.search(text))), None)
    if found is None:
        return
    kept_s = int(found[1])
    age_s = time.time() - started_at_ns / NS_PER_S
    if age_s >= kept_s:
        age, kept = (f"{seconds / DAY_S:,.1f}".removesuffix(".0") for seconds in (age_s, kept_s))
        raise StoreError(
            f"run {run_id} started {age} days ago, and this store removes by itself what is older"
            f" than {kept} days: let it keep more with benchlab prune --ttl"
            f" {int(age_s / DAY_S) + 30}d, or all with benchlab prune --ttl none"
        )


def _tables(client: Client) -> Sequence[_Table]:
    """In the order of pruning: parts that go by an id, the runs, and the rest."""
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
        at = next((column for column in _TIMES if column in columns), None)
        by_id = [_BY_ID[c] for c in columns if c in _BY_ID and (at is None or c == "summary_id")]
        conditions = [f"{at} {_BEFORE}"] if at else []
        if conditions or by_id:
            old = " OR ".join(conditions + by_id)
            found.append(_Table(str(name), at, old, bool(by_id), bool(has_ttl)))
    return sorted(found, key=lambda table: (not table.by_id, table.name != "runs", table.name))
