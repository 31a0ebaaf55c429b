"""The service's own latency histogram, over the time of a run.

It is the metric ``http.server.request.duration``, and of calls over gRPC
``rpc.server.call.duration``, with exponential buckets, as OpenTelemetry's semantic conventions have
them, in seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchlab.store.runs.read import resolve
from benchlab.store.spans.exponential_histogram import ExponentialHistogram, add
from benchlab.store.spans.spans import SERVICES, run_bounds

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

__all__ = ["server_histogram"]

_COLUMNS = "ServiceName, Scale, PositiveOffset, PositiveBucketCounts, ZeroCount"
_SERIES = "ResourceAttributes, ServiceName, ScopeName, MetricName, Attributes, StartTimeUnix"
# Times of points are whole seconds. Of several services, those with spans of the run, if any.
_OURS = """
    MetricName IN ('http.server.request.duration', 'rpc.server.call.duration')
    AND (
        ServiceName IN (SELECT ServiceName FROM of_run)
        OR (SELECT count() FROM of_run) = 0
    )
"""
_OF_RUN = f"WITH of_run AS ({SERVICES})"
_FROM_S, _TO_S = "intDiv({from_ns:Int64}, 1000000000)", "intDiv({to_ns:Int64}, 1000000000) + 1"
_DAY_BEFORE = f"TimeUnix >= toDateTime({_FROM_S} - 86400)"
# A delta covers the time since the one before it; those that overlap the run count.
_DELTA = f"""{_OF_RUN}
SELECT 1, {_COLUMNS} FROM otel_metrics_exponential_histogram
WHERE {_OURS} AND AggregationTemporality = 1
    AND TimeUnix >= toDateTime({_FROM_S}) AND StartTimeUnix <= toDateTime({_TO_S})
"""  # noqa: S608  # composed of constants
# Cumulative points are subtracted: the first of a series after the run, or the last within it,
# minus the last before it.
_CUMULATIVE_END = f"""{_OF_RUN}
SELECT 1, {_COLUMNS} FROM otel_metrics_exponential_histogram
WHERE {_OURS} AND AggregationTemporality = 2
    AND TimeUnix >= toDateTime({_FROM_S}) AND StartTimeUnix <= toDateTime({_TO_S})
ORDER BY TimeUnix < toDateTime({_TO_S}), abs(toUnixTimestamp(TimeUnix) - ({_TO_S}))
LIMIT 1 BY {_SERIES}
"""  # noqa: S608  # composed of constants
_CUMULATIVE_START = f"""{_OF_RUN}
SELECT -1, {_COLUMNS} FROM otel_metrics_exponential_histogram
WHERE {_OURS} AND AggregationTemporality = 2
    AND TimeUnix < toDateTime({_FROM_S}) AND {_DAY_BEFORE}
    AND ({_SERIES}) IN (
        SELECT {_SERIES} FROM otel_metrics_exponential_histogram
        WHERE AggregationTemporality = 2
            AND TimeUnix >= toDateTime({_FROM_S}) AND StartTimeUnix <= toDateTime({_TO_S})
    )
ORDER BY TimeUnix DESC
LIMIT 1 BY {_SERIES}
"""  # noqa: S608  # composed of constants


def server_histogram(client: Client, run_id: str) -> pd.DataFrame:
    """A row per service and non-empty bucket, in order of both.

    Raises:
        RunNotFoundError: no run, or more than one, fits.
    """
    import pandas as pd

    parameters, _ = run_bounds(client, resolve(client, run_id))
    rows: list[Any] = []
    for sql in (_DELTA, _CUMULATIVE_END, _CUMULATIVE_START):
        rows += client.query(sql, parameters=parameters).result_rows
    frames = [
        _buckets(service, [row for row in rows if row[1] == service])
        for service in sorted({row[1] for row in rows})
    ]
    columns = {"service": str, "lower_ms": float, "upper_ms": float, "count": int}
    return pd.concat([pd.DataFrame(columns=list(columns)).astype(columns), *frames][bool(frames) :])


def _buckets(service: str, rows: list[Any]) -> pd.DataFrame:
    import pandas as pd

    total = add((sign, ExponentialHistogram.of(*fields)) for sign, _, *fields in rows)
    assert total is not None
    edges_ms = total.edges * 1e3
    frame = pd.DataFrame(
        {
            "service": service,
            "lower_ms": [0.0, *edges_ms[:-1]],
            "upper_ms": [0.0, *edges_ms[1:]],
            "count": [total.zero_count, *total.counts.tolist()],
        }
    )
    return frame[frame["count"] > 0]
