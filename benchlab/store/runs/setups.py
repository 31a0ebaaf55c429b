"""Stored runs with how they were made and their figures, without reading samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchlab.decoding import decode
from benchlab.runs.experiment import EXPERIMENT_TAG
from benchlab.store.runs.read import resolve

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["earlier_rows", "rows"]

_SQL = """
SELECT
    id,
    toUnixTimestamp64Nano(started_at) AS started_at_ns,
    plan,
    environment,
    verdict,
    reason,
    request_count AS count,
    error_count,
    rate_rps,
    latency_mean_ns AS mean,
    latency_p50_ns AS p50,
    latency_p90_ns AS p90,
    latency_p99_ns AS p99
FROM runs
WHERE %s
ORDER BY started_at DESC, id DESC
"""

_EARLIER = (
    "url = {url:String} AND started_at < fromUnixTimestamp64Nano({before_ns:Int64})"
    " AND verdict IN ('valid', 'imported') AND NOT mapContains(tags, {tag:String})"
)


def rows(client: Client, run_ids: Sequence[str]) -> list[dict[str, Any]]:
    """A dict per run, in the order of ``run_ids``, which may be prefixes or ``latest``.

    ``plan`` and ``environment`` are decoded JSON; durations are in ns, and None if a run measured
    nothing.

    Raises:
        RunNotFoundError: for one of them no run, or more than one, fits.
        DamagedError: a stored plan or environment is no JSON.
    """
    ids = [resolve(client, run_id) for run_id in run_ids]
    found = _read(client, _SQL % "id IN {ids:Array(String)}", {"ids": ids})
    by_id = {row["id"]: row for row in found}
    return [by_id[run_id] for run_id in ids]


def earlier_rows(client: Client, *, url: str, before_ns: int, limit: int) -> list[dict[str, Any]]:
    """Such a dict per valid or imported run of ``url`` that started before, newest first.

    Runs of experiments are left out.
    """
    parameters = {"url": url, "before_ns": before_ns, "tag": EXPERIMENT_TAG, "limit": limit}
    return _read(client, f"{_SQL % _EARLIER}LIMIT {{limit:UInt64}}", parameters)


def _read(client: Client, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for row in client.query(sql, parameters=parameters).named_results():
        where = f"run {row['id']} in the store"
        decoded = {
            name: decode(row[name], dict, where=f"{where}: {name}")
            for name in ("plan", "environment")
        }
        found.append({**row, **decoded})
    return found
