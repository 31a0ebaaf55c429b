"""Remove old runs and telemetry: once (`prune`), or continuously by the engine (`set_ttl`).

The age of a row is in its table's time column: ``started_at`` of the run in the tables of runs, and
the Collector's names in those of telemetry. Rows of a run without such a column are found by the
run's id; a summary's time series by the summary's, and in a TTL by its time of import. Tables that
are not in the schema are left alone: benchlab did not create them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchlab.errors import InputError, StoreError
from benchlab.store.schema.migrate import table_names
from benchlab.store.schema.replicated import stored
from benchlab.units import NS_PER_S

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

__all__ = ["check_age", "expired", "prune", "refuse_expired", "set_ttl"]

DAY_S = 86_400
_MIN_AGE_S = 3600
# The engine's DateTime ends in 2106 and then wraps around: rows to keep until then would be old.
_MAX_AGE_S = 10_000 * DAY_S

# The first that exists counts. ingest_blocks is never pruned: it is the ledger of what was read.
# Neither are baselines: they name runs, and few.
_TIME_COLUMNS = ("imported_at", "started_at", "Timestamp", "Start", "TimeUnix", "recorded_at")
_NEVER_PRUNED = {"ingest_blocks", "baselines"}
_OWNERS = {"runs", "imported_summaries"}  # rows of other tables belong to theirs
_SYNCHRONOUS = {"mutations_sync": 2, "allow_nondeterministic_mutations": 1}
_BEFORE = "< fromUnixTimestamp64Nano({before_ns:Int64})"
_TTL = re.compile(r"\bTTL toDateTime\(started_at\) \+ toIntervalSecond\((\d+)\)")
_BY_ID = {
    "run_id": f"run_id IN (SELECT id FROM runs WHERE started_at {_BEFORE})",  # noqa: S608  # constants
    "summary_id": f"summary_id IN (SELECT id FROM imported_summaries WHERE imported_at {_BEFORE})",  # noqa: S608
}


@dataclass(frozen=True, slots=True)
class _Table:
    """A table; ``old`` is the SQL condition for rows from before ``before_ns``.

    ``by_id``: the condition finds them by the ids of old rows in another table.
    """

    name: str
    time: str | None
    old: str
    by_id: bool
    has_ttl: bool


def check_age(seconds: float) -> None:
    """Reject an age that is likely a mistake.

    Raises:
        InputError: it is less than an hour, or more than 10,000 days.
    """
    if seconds < _MIN_AGE_S:
        raise InputError(f"an age of {seconds:g} s is less than an hour: write it as 90d or 12h")
    if not seconds <= _MAX_AGE_S:
        raise InputError(
            f"an age of {seconds / DAY_S:,.0f} days is more than {_MAX_AGE_S // DAY_S:,}: to keep"
            " everything, remove nothing and set no TTL (benchlab prune --ttl none)"
        )


def expired(client: Client, before_ns: int) -> pd.DataFrame:
    """What `prune` would remove: ``table``, number of ``rows``, time of the ``oldest`` of them."""
    import pandas as pd

    rows_of = []
    for table in _tables(client):
        oldest = f"min({table.time})" if table.time else "NULL"
        ((rows, first),) = client.query(
            f"SELECT count(), toString({oldest}) FROM {table.name} WHERE {table.old}",  # noqa: S608
            parameters={"before_ns": before_ns},
        ).result_rows
        if rows:
            rows_of.append((table.name, int(rows), (first or "")[:19]))
    return pd.DataFrame(rows_of, columns=["table", "rows", "oldest"])


def prune(client: Client, before_ns: int) -> None:
    """Remove runs that started, and telemetry recorded, before ``before_ns`` (ns since 1970).

    Interrupted anywhere, each run is either complete or not listed, and the next call removes its
    remaining rows. Rows of ``runs`` are removed a second time at the end: a run may have been saved
    since the first time, and its samples were removed.
    """
    tables = _tables(client)
    for table in (*tables, *(table for table in tables if table.name == "runs")):
        client.command(
            f"ALTER TABLE {stored(client, table.name)} DELETE WHERE {table.old}",
            parameters={"before_ns": before_ns},
            settings=_SYNCHRONOUS,
        )


def set_ttl(client: Client, ttl_s: float | None) -> None:
    """Make the engine remove rows older than ``ttl_s`` by itself; None: stop doing so.

    The engine does so when it merges parts, so on a running server; the embedded engine is rarely
    open for long enough. Rows that belong to a run or summary live a day longer than its own row.
    """
    for table in _tables(client):
        if table.time is None:
            continue
        if ttl_s is None:
            if table.has_ttl:
                change = f"ALTER TABLE {stored(client, table.name)} REMOVE TTL"
                client.command(change, settings=_SYNCHRONOUS)
            continue
        seconds = int(ttl_s) + (0 if table.name in _OWNERS else DAY_S)
        client.command(
            f"ALTER TABLE {stored(client, table.name)} MODIFY TTL"
            f" toDateTime({table.time}) + toIntervalSecond({seconds})",
            settings=_SYNCHRONOUS,
        )


def refuse_expired(client: Client, run_id: str, started_at_ns: int) -> None:
    """Reject a run that is older than the TTL: the engine would drop its rows at once.

    Raises:
        StoreError: it is older; the message has its age, the TTL and the remedy.
    """
    engines = client.query(
        "SELECT engine_full FROM system.tables"
        " WHERE database = currentDatabase() AND name IN ('runs', 'runs_local')"
    ).result_rows
    match = next((match for (text,) in engines if (match := _TTL.search(text))), None)
    if match is None:
        return
    kept_s = int(match[1])
    age_s = time.time() - started_at_ns / NS_PER_S
    if age_s >= kept_s:
        age, kept = (f"{seconds / DAY_S:,.1f}".removesuffix(".0") for seconds in (age_s, kept_s))
        raise StoreError(
            f"run {run_id} started {age} days ago, and this store's TTL is {kept} days: raise it"
            f" with benchlab prune --ttl {int(age_s / DAY_S) + 30}d, or switch it off with benchlab"
            " prune --ttl none"
        )


def _tables(client: Client) -> Sequence[_Table]:
    """In the order of pruning: rows found by an id, then the runs, then the rest."""
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
        parameters={"ours": sorted(table_names() - _NEVER_PRUNED)},
    ).result_rows
    tables = []
    for name, columns, has_ttl in rows:
        at = next((column for column in _TIME_COLUMNS if column in columns), None)
        by_id = [_BY_ID[c] for c in columns if c in _BY_ID and (at is None or c == "summary_id")]
        conditions = [f"{at} {_BEFORE}"] if at else []
        if conditions or by_id:
            old = " OR ".join(conditions + by_id)
            tables.append(_Table(str(name), at, old, bool(by_id), bool(has_ttl)))
    return sorted(tables, key=lambda table: (not table.by_id, table.name != "runs", table.name))
