"""Count the spans that a service's OpenTelemetry SDK reports as lost during a run.

The counters are those of the semantic conventions for the SDK. Their points cover intervals that
need not start and end with the run, so spans lost shortly before or after may be counted too.

Source: https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["lost_spans"]

_PROCESSED, _EXPORTED = "otel.sdk.processor.span.processed", "otel.sdk.exporter.span.exported"

# Times of points are whole seconds. A delta counts if its interval overlaps the run. From a
# cumulative counter, the value before the run is subtracted from its first point after the run, or
# else its last.
_BY_POINT = """
    SELECT MetricName AS metric, ResourceAttributes AS process,
        Attributes['otel.component.name'] AS component, Attributes['error.type'] AS error,
        if(AggregationTemporality = 2,
            if(countIf(TimeUnix > ending) > 0, minIf(Value, TimeUnix > ending), max(Value))
                - maxIf(Value, TimeUnix < beginning),
            sumIf(Value, TimeUnix >= beginning)) AS count,
        fromUnixTimestamp64Nano({from_ns:Int64})::DateTime AS beginning,
        fromUnixTimestamp64Nano({to_ns:Int64})::DateTime AS ending
    FROM otel_metrics_sum
    WHERE MetricName IN ({processed:String}, {exported:String})
        AND (empty({services:Array(String)}) OR has({services:Array(String)}, ServiceName))
        AND TimeUnix BETWEEN beginning - toIntervalDay(1) AND ending + toIntervalDay(1)
        AND StartTimeUnix <= ending
    GROUP BY metric, process, component, error, AggregationTemporality,
        if(AggregationTemporality = 2, StartTimeUnix, beginning)
"""

# A service with two exporters counts the losses of each; the greater is a lower bound.
_LOST = f"""
SELECT metric, toInt64(sum(lost))
FROM (
    SELECT metric, process, max(lost) AS lost
    FROM (
        SELECT metric, process, component,
            sumIf(count, metric = {{exported:String}} ? error != '' : error = 'queue_full') AS lost
        FROM ({_BY_POINT})
        GROUP BY metric, process, component
    )
    GROUP BY metric, process
)
GROUP BY metric
"""  # noqa: S608  # composed of constants


def lost_spans(
    client: Client, from_ns: int, to_ns: int, services: Sequence[str]
) -> tuple[int | None, int | None]:
    """Numbers of spans dropped by a full queue, and not exported, between two times in ns.

    Counts those of the named services, or of all if none is named. None: there is no such counter.
    """
    parameters: dict[str, Any] = {
        "from_ns": from_ns,
        "to_ns": to_ns,
        "services": list(services),
        "processed": _PROCESSED,
        "exported": _EXPORTED,
    }
    lost = {
        str(metric): int(count) for metric, count in client.query(_LOST, parameters).result_rows
    }
    return lost.get(_PROCESSED), lost.get(_EXPORTED)
