"""List the stored runs, all or those of a selection; and with what a history of them needs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from benchlab.errors import InputError
from benchlab.runs.experiment import EXPERIMENT_TAG
from benchlab.store.client.query import typed_frame
from benchlab.units import ns_from_utc

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

    from benchlab.plan.plan import Plan
    from benchlab.runs.stored_run import StoredRun

__all__ = [
    "OUTSIDE_EXPERIMENTS",
    "endpoint_column",
    "history",
    "names",
    "rows",
    "runs",
    "stored",
]

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

# Durations of every statistic, and intervals where the store has them.
_HISTORY = """
SELECT
    id,
    started_at,
    plan,
    environment,
    verdict,
    reason,
    request_count,
    error_count,
    duration_s,
    rate_rps,
    COLUMNS('^latency_.*_ns$')
FROM runs
WHERE %s
ORDER BY started_at, id
"""

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


def names(client: Client) -> list[str]:
    """The names of the stored runs, in alphabetical order."""
    return [
        row[0] for row in client.query("SELECT DISTINCT name FROM runs ORDER BY name").result_rows
    ]


def history(client: Client, **filters: Any) -> list[StoredRun]:
    """The runs that meet every condition given and belong to no experiment, oldest first.

    ``filters`` are those of `Store.history`.

    Raises:
        InputError: a time without a time zone.
    """
    conditions, parameters = _conditions(**filters, in_experiments=False)
    return _stored_runs(client, _HISTORY % conditions, parameters)


def stored(client: Client, run_ids: Sequence[str]) -> list[StoredRun]:
    """The stored runs with these whole ids, in this order."""
    found = _stored_runs(client, _HISTORY % "id IN {ids:Array(String)}", {"ids": list(run_ids)})
    by_id = {run.id: run for run in found}
    return [by_id[run_id] for run_id in run_ids]


def _stored_runs(client: Client, sql: str, parameters: dict[str, Any]) -> list[StoredRun]:
    from benchlab.plan.plan import Plan
    from benchlab.runs.stored_run import StoredRun

    found = client.query(sql, parameters=parameters, tz_mode="aware")
    plans: dict[str, Plan] = {}
    listed = []
    for row in found.named_results():
        text = row.pop("plan")
        if text not in plans:  # most runs of a name have the same
            plans[text] = Plan.from_dict(json.loads(text))
        listed.append(
            StoredRun(
                id=row.pop("id"),
                started_at=row.pop("started_at"),
                plan=plans[text],
                environment=json.loads(row.pop("environment")),
                verdict=row.pop("verdict"),
                invalid_reason=row.pop("reason") or None,
                count=row.pop("request_count"),
                error_count=row.pop("error_count"),
                figures=row,
            )
        )
    return listed


def endpoint_column(plan: Plan) -> str:
    """The column ``endpoint`` of a run of ``plan``: the names of its endpoints."""
    return ", ".join(dict.fromkeys(plan.endpoint_names))


def _select(*, limit: int | None = None, **filters: Any) -> tuple[str, dict[str, Any]]:
    conditions, parameters = _conditions(**filters)
    sql = _LIST % conditions
    if limit is not None:
        sql += "LIMIT {limit:UInt64}"
        parameters["limit"] = max(0, limit)
    return sql, parameters


def _conditions(
    *,
    name: str | None = None,
    tags: Mapping[str, str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    like: Plan | None = None,
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
    if like is not None:
        conditions.append("endpoint = {endpoint:String}")
        parameters["endpoint"] = endpoint_column(like)
    if not in_experiments:
        conditions.append(OUTSIDE_EXPERIMENTS)
    return " AND ".join(conditions), parameters


def _ns_of(name: str, moment: datetime) -> int:
    if not isinstance(moment, datetime):
        raise InputError(
            f"must be a datetime, not {type(moment).__name__}",
            field=name,
            value=str(moment),
            remedy="write datetime(2026, 11, 3, tzinfo=UTC)",
        )
    if moment.tzinfo is None:
        raise InputError(
            "has no time zone",
            field=name,
            value=moment.isoformat(),
            remedy=f"write datetime({moment.year}, {moment.month}, {moment.day}, tzinfo=UTC)",
        )
    return ns_from_utc(moment)
