"""List the stored runs, all or those of a selection."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from benchlab.errors import InputError
from benchlab.runs.experiment import EXPERIMENT_TAG
from benchlab.store.client.query import typed_frame

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

__all__ = ["OUTSIDE_EXPERIMENTS", "rows", "runs"]

OUTSIDE_EXPERIMENTS = f"NOT mapContains(tags, '{EXPERIMENT_TAG}')"
"""The condition for runs that belong to no experiment."""

_LIST = """
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
    objective_count,
    broken_objective_count,
    tags
FROM runs
WHERE %s
ORDER BY started_at DESC, id DESC
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TAGS = (
    "arrayAll((tag, value) -> mapContains(tags, tag) AND tags[tag] = value,"
    " {tags:Array(String)}, {values:Array(String)})"
)


def runs(client: Client, **filters: Any) -> pd.DataFrame:
    """The rows of `rows` as a frame; with no rows, its columns have the same types."""
    return typed_frame(client, *_select(**filters))


def rows(client: Client, **filters: Any) -> list[dict[str, Any]]:
    """One row per run that meets every condition given, newest first; ``started_at`` in UTC.

    ``filters`` are those of `Store.runs`.

    Raises:
        InputError: a time without a time zone.
    """
    sql, parameters = _select(**filters)
    found = client.query(sql, parameters=parameters, tz_mode="aware")
    return list(found.named_results())


def _select(
    *,
    name: str | None = None,
    tags: Mapping[str, str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
    in_experiments: bool = True,
) -> tuple[str, dict[str, Any]]:
    conditions = ["true"]
    parameters: dict[str, Any] = {}
    if name is not None:
        conditions.append("name = {name:String}")
        parameters["name"] = name
    if tags:
        conditions.append(_TAGS)
        parameters |= {"tags": list(tags), "values": list(tags.values())}
    if since is not None:
        conditions.append("started_at >= fromUnixTimestamp64Nano({since_ns:Int64})")
        parameters["since_ns"] = _ns_of("since", since)
    if until is not None:
        conditions.append("started_at < fromUnixTimestamp64Nano({until_ns:Int64})")
        parameters["until_ns"] = _ns_of("until", until)
    if not in_experiments:
        conditions.append(OUTSIDE_EXPERIMENTS)
    sql = _LIST % " AND ".join(conditions)
    if limit is not None:
        sql += "LIMIT {limit:UInt64}"
        parameters["limit"] = max(0, limit)
    return sql, parameters


def _ns_of(name: str, moment: datetime) -> int:
    if moment.tzinfo is None:
        raise InputError(
            "has no time zone",
            field=name,
            value=moment.isoformat(),
            remedy=f"write datetime({moment.year}, {moment.month}, {moment.day}, tzinfo=UTC)",
        )
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
