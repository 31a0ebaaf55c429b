"""Read the list of runs, one run exactly as it was saved, and the result of any SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import InputError, RunNotFoundError, StoreError
from benchlab.paths import data_dir
from benchlab.runs.head import RunHead
from benchlab.runs.run import Run
from benchlab.samples.samples import SAMPLE_DTYPE, Samples
from benchlab.spool.storage import allocate_records
from benchlab.store.client.connection import is_embedded, reason
from benchlab.store.client.dsn import Dsn
from benchlab.store.client.read_only import ALLOW_WRITE, check
from benchlab.store.runs.connections import read_connections
from benchlab.store.runs.write import JSON_COLUMNS, PLAIN_COLUMNS

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

__all__ = ["query_df", "resolve", "run", "run_in_blocks", "runs", "typed_frame"]

LATEST = "latest"

_RUNS = """
SELECT
    id AS run_id,
    started_at,
    name,
    url,
    request_count AS count,
    error_count,
    duration_s,
    rate_rps,
    intended_rate_rps,
    latency_mean_ns / 1e6 AS latency_mean_ms,
    latency_p50_ns / 1e6 AS latency_p50_ms,
    latency_p95_ns / 1e6 AS latency_p95_ms,
    latency_p99_ns / 1e6 AS latency_p99_ms,
    latency_p99_9_ns / 1e6 AS latency_p99_9_ms,
    latency_max_ns / 1e6 AS latency_max_ms,
    verdict,
    reason,
    tags
FROM runs
ORDER BY started_at DESC, id DESC
"""

_SAMPLES = """
SELECT seq, intended_ns, lag_ns, service_ns, body_ns, bytes_in, status, endpoint, error, flags
FROM samples
WHERE run_id = {run_id:String}
ORDER BY seq
"""

# Parts are merged as they are read, without reading far ahead in each: half the memory in the same
# time.
_SPARING = {"max_threads": 1, "read_in_order_two_level_merge_threshold": 2}

_HELP = "benchlab history lists the stored runs"

# Statements that return rows; comments and opening brackets may come first.
_ASKS = re.compile(
    r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(?:SELECT|WITH|FROM|SHOW|DESC|DESCRIBE|EXPLAIN|EXISTS|CHECK)\b",
    re.IGNORECASE | re.DOTALL,
)

_READ_ONLY = f"the query would change the store, or does more than read it: {ALLOW_WRITE}"
# The engine names the setting in its text alone; without it the message is a more general one.
_SETTING = re.compile(r"Cannot modify '(\w+)' setting")
_SETS = f"the query sets {{}}, which may stand for more than reading: {ALLOW_WRITE}"

# The client asks for this at the end of the statement, where EXPLAIN AST takes it for its own.
_NATIVE = {"X-ClickHouse-Format": "Native"}

# The engine's names for what its user got wrong, as opposed to what went wrong in it.
_USER_ERRORS = re.compile(
    r"SYNTAX_ERROR|UNKNOWN_\w+|ILLEGAL_\w+|TYPE_MISMATCH|BAD_\w+|NUMBER_OF_ARGUMENTS_\w+"
    r"|NOT_AN_AGGREGATE|NO_COMMON_TYPE|AMBIGUOUS_\w+|CANNOT_PARSE_\w+|UNSUPPORTED_METHOD"
    r"|INVALID_\w+|MULTIPLE_EXPRESSIONS_\w+|EMPTY_QUERY|TABLE_ALREADY_EXISTS"
)


def runs(client: Client, limit: int | None) -> pd.DataFrame:
    """One row per run, newest first; ``started_at`` is aware, in UTC."""
    sql = _RUNS if limit is None else _RUNS + "LIMIT {limit:UInt64}"
    parameters = {} if limit is None else {"limit": max(0, limit)}
    return typed_frame(client, sql, parameters)


def resolve(client: Client, run_id: str) -> str:
    """The full id for ``run_id``: an id, an unambiguous prefix of one, or ``latest``.

    Raises:
        RunNotFoundError: no run, or more than one, fits.
    """
    if run_id == LATEST:
        rows = client.query(
            "SELECT id FROM runs ORDER BY started_at DESC, id DESC LIMIT 1"
        ).result_rows
        if not rows:
            raise RunNotFoundError("the store has no runs yet: make one with benchlab run URL")
        return str(rows[0][0])
    rows = client.query(
        "SELECT id FROM runs WHERE startsWith(id, {run_id:String}) ORDER BY id LIMIT 4",
        parameters={"run_id": run_id},
    ).result_rows
    found = [str(row[0]) for row in rows]
    if not found or not run_id:
        raise RunNotFoundError(f"no stored run has the id {run_id!r}: {_HELP}")
    if len(found) > 1:
        some = ", ".join(found[:3])
        raise RunNotFoundError(f"{run_id!r} begins the ids of several runs ({some} …): {_HELP}")
    return found[0]


def run(client: Client, run_id: str) -> Run:
    """Read the run as it was saved, its samples in order of ``seq``.

    Raises:
        RunNotFoundError: no run, or more than one, fits.
        StoreError: samples of it are missing.
    """
    head, count = _read_head(client, run_id)
    records = _read_records(client, head.id, count)
    return replace(head, samples=Samples(records, head.samples.endpoints))


def run_in_blocks(client: Client, run_id: str) -> tuple[Run, int, Iterator[NDArray[np.void]]]:
    """The run without its samples, their number, and the records in order of ``seq``, in blocks.

    Raises:
        RunNotFoundError: no run, or more than one, fits.
        StoreError: while iterating: samples of it are missing.
    """
    head, count = _read_head(client, run_id)
    return head, count, _read_blocks(client, head.id, count)


def _read_head(client: Client, run_id: str) -> tuple[Run, int]:
    """The run without its samples, and their number."""
    whole_id = resolve(client, run_id)
    columns = (*JSON_COLUMNS, "metadata", *PLAIN_COLUMNS)
    row = client.query(
        f"SELECT sample_count, toUnixTimestamp64Nano(started_at), {', '.join(columns)}"  # noqa: S608  # constants
        " FROM runs WHERE id = {run_id:String} LIMIT 1",
        parameters={"run_id": whole_id},
    ).result_rows[0]
    count, started_at_ns, *values = row
    stored = dict(zip(columns, values, strict=True))
    try:
        for name in JSON_COLUMNS:
            stored[name] = json.loads(stored[name])
        metadata = json.loads(stored.pop("metadata"))
        head = RunHead.from_metadata(
            {**metadata, **stored, "id": whole_id, "started_at_ns": started_at_ns}
        )
    except (ValueError, TypeError) as exc:
        raise StoreError(f"run {whole_id} is damaged: {exc}") from exc
    samples = Samples.empty(head.plan.endpoint_names)
    return Run.from_head(head, samples, read_connections(client, whole_id)), int(count)


def typed_frame(client: Client, sql: str, parameters: dict[str, Any]) -> pd.DataFrame:
    """The rows of a SELECT; without rows, an empty frame with the same columns and types."""
    frame = client.query_df(sql, parameters=parameters, tz_mode="aware")
    if not frame.empty:
        return frame
    # The client learns types from rows only. An aggregate of nothing is one row of them.
    row = client.query_df(
        f"SELECT * APPLY(any) FROM ({sql})",  # noqa: S608  # of this package
        parameters=parameters,
        tz_mode="aware",
    )
    return row.iloc[:0].rename(columns=lambda name: name.removeprefix("any(").removesuffix(")"))


def query_df(
    client: Client,
    sql: str,
    parameters: Mapping[str, Any] | None,
    dsn: Dsn,
    *,
    read_only: bool = False,
) -> pd.DataFrame:
    """The result of ``sql``; empty when it has none.

    With ``read_only`` the client must be that as well: here is refused what the engine carries out
    even then, see `benchlab.store.client.read_only`.

    Raises:
        InputError: the SQL is wrong, or does more than read the store where only that is allowed.
        StoreError: the engine could not carry it out.
    """
    import pandas as pd
    from clickhouse_connect.driver.exceptions import DatabaseError, ProgrammingError

    statement, bound = sql.strip().rstrip(";"), dict(parameters or {})
    if not statement:
        raise InputError("the query cannot be run: it is empty")
    asks = _ASKS.match(statement) is not None
    try:
        if read_only:
            check(client, statement, bound)
            if not asks:
                raise InputError(_READ_ONLY)
        if asks:
            return client.query_df(
                statement, parameters=bound, tz_mode="aware", transport_settings=_NATIVE
            )
        client.command(statement, parameters=bound)
        return pd.DataFrame()
    except (DatabaseError, ProgrammingError) as exc:
        said = reason(exc, dsn)
        if exc.name == "READONLY" and read_only:
            setting = _SETTING.search(str(exc))
            raise InputError(_SETS.format(setting[1]) if setting else _READ_ONLY) from exc
        if isinstance(exc, ProgrammingError) or _USER_ERRORS.search(exc.name or ""):
            raise InputError(f"the query cannot be run: {said}") from exc
        raise StoreError(f"the query failed: {said}") from exc


def _read_records(client: Client, run_id: str, count: int) -> NDArray[np.void]:
    """The records of a run, streamed into a mapped file if there are many."""
    records = allocate_records(count, SAMPLE_DTYPE, data_dir())
    filled = 0
    for block in _read_blocks(client, run_id, count):
        records[filled : filled + len(block)] = block
        filled += len(block)
    return records


def _read_blocks(client: Client, run_id: str, count: int) -> Iterator[NDArray[np.void]]:
    """The records of a run as the engine sends them, one block at a time."""
    filled = 0
    settings = _SPARING if is_embedded(client) else {}
    with client.query_df_stream(
        _SAMPLES, parameters={"run_id": run_id}, settings=settings
    ) as blocks:
        for block in blocks:
            filled += len(block)
            if filled > count:
                break
            records = np.zeros(len(block), dtype=SAMPLE_DTYPE)
            _fill(records, block)
            yield records
    if filled != count:
        raise StoreError(
            f"run {run_id} is damaged: the store holds {'at least ' if filled > count else ''}"
            f"{filled:,} of its {count:,} samples"
        )


def _fill(records: NDArray[np.void], block: pd.DataFrame) -> None:
    for name in ("seq", "intended_ns", "bytes_in", "status", "endpoint", "error", "flags"):
        records[name] = block[name]
    records["sent_ns"] = records["intended_ns"] + block["lag_ns"].to_numpy()
    records["done_ns"] = records["sent_ns"] + block["service_ns"].to_numpy()
    records["first_byte_ns"] = records["done_ns"] - block["body_ns"].to_numpy()
