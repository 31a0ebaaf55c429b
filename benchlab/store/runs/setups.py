"""Stored runs with how they were made and their figures, without reading samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchlab.decoding import decode
from benchlab.runs.experiment import EXPERIMENT_TAG

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["rows"]

_SQL = """
SELECT
    id,
    toUnixTimestamp64Nano(started_at) AS started_at_ns,
    plan,
    environment,
    verdict,
    request_count AS count,
    error_count,
    rate_rps,
    latency_mean_ns AS mean,
    latency_p50_ns AS p50,
    latency_p90_ns AS p90,
    latency_p99_ns AS p99
FROM runs
WHERE url = {url:String} AND started_at < fromUnixTimestamp64Nano({before_ns:Int64})
    AND verdict IN ('valid', 'imported') AND NOT mapContains(tags, {tag:String})
ORDER BY started_at DESC, id DESC
LIMIT {limit:UInt64}
"""


def rows(client: Client, *, url: str, before_ns: int, limit: int) -> list[dict[str, Any]]:
    """A dict per valid or imported run of ``url`` that started before, newest first.

    Runs of experiments are left out. ``plan`` and ``environment`` are decoded JSON; durations are
    in ns, and None if a run measured nothing.

    Raises:
        DamagedError: a stored plan or environment is no JSON.
    """
    parameters = {"url": url, "before_ns": before_ns, "tag": EXPERIMENT_TAG, "limit": limit}
    found = []
    for row in client.query(_SQL, parameters=parameters).named_results():
        where = f"run {row['id']} in the store"
        decoded = {
            name: decode(row[name], dict, where=f"{where}: {name}")
            for name in ("plan", "environment")
        }
        found.append({**row, **decoded})
    return found
