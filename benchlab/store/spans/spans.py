"""Join the requests of a run with the server's spans, by trace id.

A sample's trace id is the run's id followed by its sequence number in 16 hex digits, so the spans
of a run are those whose trace id starts with the run's id, and the rest of it is ``seq``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchlab.plan.plan import Plan
from benchlab.plan.tracing import is_traced
from benchlab.runs.trace_coverage import TraceCoverage
from benchlab.store.client.query import typed_frame
from benchlab.store.runs.read import resolve
from benchlab.store.spans.lost_spans import lost_spans

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

__all__ = [
    "HAS_DURATION",
    "SERVER_SPANS",
    "SERVICES",
    "client_server",
    "int_columns",
    "run_bounds",
    "trace_coverage",
]

# The bounds on Timestamp only exclude other days' partitions; a day allows for clock differences.
_OF_THE_RUN = """
    FROM otel_traces
    WHERE startsWith(TraceId, {run_id:String})
        AND length(TraceId) = 32
        AND SpanKind = 'Server'
        AND Timestamp BETWEEN fromUnixTimestamp64Nano({from_ns:Int64}) - toIntervalDay(1)
            AND fromUnixTimestamp64Nano({to_ns:Int64}) + toIntervalDay(1)
"""

SERVICES = f"SELECT DISTINCT ServiceName {_OF_THE_RUN}"
"""The services with spans of the run; its parameters are those of `run_bounds`."""

HAS_DURATION = "toInt64(Duration) >= 0"
"""SQL condition for a span that does not end before it begins. One without an end does.

The Collector subtracts without a sign: -1 ns is stored as 18,446,744,073,709,551,615 ns.
"""

_BACKWARDS = f"SELECT count() {_OF_THE_RUN} AND NOT ({HAS_DURATION})"

# A trace may have several SERVER spans, one per service it passed: the client called the first.
SERVER_SPANS = f"""
    SELECT
        reinterpretAsInt64(reverse(unhex(substring(TraceId, 17, 16)))) AS seq,
        argMin(TraceId, Timestamp) AS trace_id,
        argMin(SpanName, Timestamp) AS span_name,
        argMin(Duration, Timestamp) AS server_ns
    {_OF_THE_RUN}
        AND {HAS_DURATION}
    GROUP BY seq
"""
"""The server span of each request of the run, if it has a duration.

Its parameters are those of `run_bounds`.
"""

_CLIENT_SERVER = f"""
SELECT
    sample.seq AS seq,
    sample.endpoint AS endpoint,
    sample.status AS status,
    sample.latency_ns / 1e6 AS latency_ms,
    sample.service_ns / 1e6 AS service_ms,
    span.server_ns / 1e6 AS server_ms,
    (sample.service_ns - toInt64(span.server_ns)) / 1e6 AS network_ms,
    span.span_name AS span_name,
    span.trace_id AS trace_id
FROM (
    SELECT seq, endpoint, status, latency_ns, service_ns
    FROM samples
    WHERE run_id = {{run_id:String}} AND measured
) AS sample
INNER JOIN ({SERVER_SPANS}) AS span ON sample.seq = span.seq
ORDER BY seq
"""  # noqa: S608  # composed of constants


def client_server(client: Client, run_id: str, limit: int | None) -> pd.DataFrame:
    """Measured requests of a run that have a server span, with both durations, in ms."""
    import pandas as pd

    parameters, plan = run_bounds(client, resolve(client, run_id))
    sql = _CLIENT_SERVER
    if limit is not None:
        sql += "LIMIT {limit:UInt64}"
        parameters["limit"] = max(0, limit)
    frame = typed_frame(client, sql, parameters)
    names = plan.endpoint_names
    frame["endpoint"] = pd.Categorical(
        [names[code] for code in frame["endpoint"]], list(dict.fromkeys(names))
    )
    return frame


def trace_coverage(client: Client, run_id: str) -> TraceCoverage:
    """How many of the measured requests marked for tracing have a server span.

    If too few, also how many spans the services report as lost.
    """
    parameters, plan = run_bounds(client, resolve(client, run_id))
    if plan.trace_ratio == 0:
        return TraceCoverage(0, 0)
    seq, sent_ns, status = int_columns(
        client,
        "SELECT seq, intended_ns + lag_ns AS sent_ns, toInt64(status) AS status"
        " FROM samples WHERE run_id = {run_id:String} AND measured",
        parameters,
        3,
        lambda table: is_traced(table[0], plan.trace_ratio),
    )
    (spans,) = int_columns(client, f"SELECT seq FROM ({SERVER_SPANS})", parameters, 1)  # noqa: S608
    coverage = TraceCoverage.of(sent_ns, np.isin(seq, spans), status != 0)
    ((backwards,),) = client.query(_BACKWARDS, parameters=parameters).result_rows
    coverage = replace(coverage, backwards=int(backwards))
    if coverage.enough:
        return coverage
    services = client.query(SERVICES, parameters=parameters).result_rows
    dropped, unexported = lost_spans(
        client, parameters["from_ns"], parameters["to_ns"], [str(name) for (name,) in services]
    )
    return replace(coverage, dropped=dropped, unexported=unexported)


def run_bounds(client: Client, run_id: str) -> tuple[dict[str, Any], Plan]:
    """The parameters of the SQL here: run_id, from_ns and to_ns; and the run's plan."""
    from_ns, plan_json, to_ns = client.query(
        """
        SELECT toUnixTimestamp64Nano(started_at), plan,
            toUnixTimestamp64Nano(started_at)
                + (SELECT max(done_ns) FROM samples WHERE run_id = {run_id:String})
        FROM runs WHERE id = {run_id:String} LIMIT 1
        """,
        parameters={"run_id": run_id},
    ).result_rows[0]
    return {"run_id": run_id, "from_ns": from_ns, "to_ns": to_ns}, Plan.from_json(plan_json)


def int_columns(
    client: Client,
    sql: str,
    parameters: dict[str, Any],
    count: int,
    choose: Callable[[NDArray[np.int64]], NDArray[np.bool_]] | None = None,
) -> NDArray[np.int64]:
    """The ``count`` columns of a query, all int64, shape (count, rows); only the rows chosen."""
    parts = [np.empty((count, 0), dtype=np.int64)]
    with client.query_df_stream(sql, parameters=parameters) as blocks:
        for block in blocks:
            table = block.to_numpy(dtype=np.int64).T
            parts.append(table if choose is None else table[:, choose(table)])
    return np.concatenate(parts, axis=1)
