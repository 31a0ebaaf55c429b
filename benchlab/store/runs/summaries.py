"""Summaries of other tools' runs: saved, listed and read back.

They have tables of their own, so that every row of ``runs`` has its samples.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from benchlab.errors import RunNotFoundError, StoreError
from benchlab.runs.imported_summary import ImportedSummary, Interval, Point
from benchlab.store.client.insert import insert_rows, moment
from benchlab.store.client.query import typed_frame

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

__all__ = ["read", "rows", "save", "summaries"]

_LIST = """
SELECT
    id,
    tool,
    started_at,
    name,
    url,
    request_count AS count,
    error_count,
    duration_s,
    rate_rps,
    {p50} AS latency_p50_ms,
    {p99} AS latency_p99_ms,
    max_ns / 1e6 AS latency_max_ms,
    imported_at
FROM imported_summaries
ORDER BY imported_at DESC, id DESC
"""

# As `ImportedSummary.percentile_ns`: the row of this ratio, or in a histogram the next above it.
_PERCENTILE = (
    "if((has(percentile_ratios, {ratio}) OR percentile_counts[1] IS NOT NULL)"
    " AND arrayExists(r -> r >= {ratio}, percentile_ratios),"
    " percentile_ns[arrayFirstIndex(r -> r >= {ratio}, percentile_ratios)] / 1e6, NULL)"
)

_COLUMNS = (
    "id, tool, format, name, url, toUnixTimestamp64Nano(started_at), duration_s, request_count,"
    " error_count, rate_rps, mean_ns, min_ns, max_ns, percentile_ratios, percentile_ns,"
    " percentile_counts, notes"
)


def save(client: Client, summary: ImportedSummary) -> None:
    """Store ``summary`` unless it is stored already.

    Raises:
        StoreError: the store does not hold it afterwards.
    """
    if not _count(client, "imported_summaries", "id", summary.id):
        _insert_timeline(client, summary)
        _insert_summary(client, summary)


def _insert_timeline(client: Client, summary: ImportedSummary) -> None:
    rows = [
        {
            "summary_id": summary.id,
            "line": line,
            "at": item.at_s,
            "endpoint": item.endpoint,
            "user_count": item.user_count,
            "rate_rps": item.rate_rps,
            "failure_rate_rps": item.failure_rate_rps,
            "request_count": item.request_count,
            "error_count": item.error_count,
            "percentile_ratios": [point.ratio for point in item.percentiles],
            "percentile_ns": [point.value_ns for point in item.percentiles],
        }
        for line, item in enumerate(summary.timeline)
    ]
    _insert(client, "imported_timeline", "summary_id", summary.id, rows)


def _insert_summary(client: Client, summary: ImportedSummary) -> None:
    started_ns = summary.started_at_ns
    row = {
        "id": summary.id,
        "tool": summary.tool,
        "format": summary.format,
        "name": summary.name,
        "url": summary.url,
        "started_at": started_ns if started_ns is None else moment(started_ns),
        "duration_s": summary.duration_s,
        "request_count": summary.count,
        "error_count": summary.error_count,
        "rate_rps": summary.rate_rps,
        "mean_ns": summary.mean_ns,
        "min_ns": summary.min_ns,
        "max_ns": summary.max_ns,
        "percentile_ratios": [point.ratio for point in summary.percentiles],
        "percentile_ns": [point.value_ns for point in summary.percentiles],
        "percentile_counts": [point.request_count for point in summary.percentiles],
        "notes": list(summary.notes),
    }
    _insert(client, "imported_summaries", "id", summary.id, [row])


def summaries(client: Client, limit: int | None) -> pd.DataFrame:
    """One row per summary, the last imported first."""
    return typed_frame(client, *_select(limit))


def rows(client: Client, limit: int | None) -> list[dict[str, Any]]:
    """The rows of `summaries`, without a frame."""
    sql, parameters = _select(limit)
    return list(client.query(sql, parameters=parameters, tz_mode="aware").named_results())


def _select(limit: int | None) -> tuple[str, dict[str, Any]]:
    sql = _LIST.format(p50=_PERCENTILE.format(ratio=0.5), p99=_PERCENTILE.format(ratio=0.99))
    if limit is None:
        return sql, {}
    return sql + "LIMIT {limit:UInt64}", {"limit": max(0, limit)}


def read(client: Client, summary_id: str) -> ImportedSummary:
    """The summary with this id or an unambiguous prefix of one.

    Raises:
        RunNotFoundError: none, or more than one, fits.
    """
    rows = client.query(
        f"SELECT {_COLUMNS} FROM imported_summaries"  # noqa: S608  # constant
        " WHERE startsWith(id, {id:String}) ORDER BY id LIMIT 2",
        parameters={"id": summary_id},
    ).result_rows
    if len(rows) != 1 or not summary_id:
        count = "no" if not rows else "more than one"
        raise RunNotFoundError(
            f"{count} stored run or imported summary has the id {summary_id!r}:"
            " benchlab history lists them"
        )
    *values, ratios, values_ns, counts, notes = rows[0]
    whole_id, tool, form, name, url, started, duration, count, errors, rate, mean, low, top = values
    lines = client.query(
        "SELECT toUnixTimestamp(at), endpoint, user_count, rate_rps, failure_rate_rps,"
        " request_count, error_count, percentile_ratios, percentile_ns FROM imported_timeline"
        " WHERE summary_id = {id:String} ORDER BY line",
        parameters={"id": whole_id},
    ).result_rows
    return ImportedSummary(
        id=whole_id,
        tool=tool,
        format=form,
        name=name,
        url=url,
        started_at_ns=started,
        duration_s=duration,
        count=count,
        error_count=errors,
        rate_rps=rate,
        mean_ns=mean,
        min_ns=low,
        max_ns=top,
        percentiles=tuple(map(Point, ratios, values_ns, counts)),
        timeline=tuple(
            Interval._make((*line, tuple(map(Point, at, ns)))) for *line, at, ns in lines
        ),
        notes=tuple(notes),
    )


def _count(client: Client, table: str, column: str, summary_id: str) -> int:
    found = client.query(
        f"SELECT count() FROM {table} WHERE {column} = {{id:String}}",  # noqa: S608  # constants
        parameters={"id": summary_id},
    )
    return int(found.result_rows[0][0])


def _insert(
    client: Client, table: str, id_column: str, summary_id: str, rows: list[dict[str, Any]]
) -> None:
    """Insert rows of one summary, once."""
    if not rows:
        return
    # The second round is for rows that the server takes for a repetition of ones pruned since.
    for salt in ("", secrets.token_hex(4)):
        if _count(client, table, id_column, summary_id) == len(rows):
            return
        insert_rows(client, table, rows, f"{table}:{summary_id}{salt}")
    if _count(client, table, id_column, summary_id) != len(rows):
        raise StoreError(f"the summary {summary_id} could not be stored: import its file again")
