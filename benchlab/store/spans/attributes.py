"""What slow requests have in common: their attributes, and those of the requests in the middle."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from benchlab.plan.plan import Plan
from benchlab.runs.latency_parts import (
    ENOUGH_IN_TAIL,
    AttributeCount,
    attributes_of_request,
)
from benchlab.statistics.batch_means import BATCHES, effective_count
from benchlab.store.spans.spans import HAS_DURATION

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["attribute_counts"]

_DRAWN_COUNT = 10_000
"""Requests of the tail, and of the middle, whose spans' attributes are read: so many, if there are,
and less than twice as many."""

_MOST_VALUES = 20
"""Values of an attribute, the most frequent ones; of ids, which rarely repeat, none is frequent."""

_RESOURCES = (
    "service.instance.id",
    "service.version",
    "host.name",
    "process.pid",
    "container.id",
    "k8s.pod.name",
    "k8s.node.name",
    "cloud.availability_zone",
)
"""What tells the instances of a service apart."""

_CHOSEN = """
    FROM samples
    WHERE run_id = {run_id:String} AND measured
        AND (empty({codes:Array(UInt16)}) OR has({codes:Array(UInt16)}, endpoint))
        AND (latency_ns > {tail_ns:Int64}
            OR (latency_ns > {middle_low_ns:Int64} AND latency_ns <= {middle_high_ns:Int64}))
"""

_OF_REQUESTS = f"""
SELECT
    latency_ns > {{tail_ns:Int64}} AS is_tail,
    endpoint,
    bitTest(flags, 1) AS is_new,
    status,
    error,
    if(bytes_in <= 0, 0, toUInt8(floor(log2(bytes_in))) + 1) AS size,
    count() AS requests
{_CHOSEN}
GROUP BY ALL
"""  # composed of constants

# Attributes of spans are read for some tens of thousands of requests, drawn by their number.
_DRAWN = f"""
    SELECT
        seq,
        concat({{run_id:String}}, lower(leftPad(hex(seq), 16, '0'))) AS trace_id,
        latency_ns > {{tail_ns:Int64}} AS is_tail
    {_CHOSEN}
        AND cityHash64(seq) % if(is_tail, {{tail_every:UInt64}}, {{middle_every:UInt64}}) = 0
"""

# A request counts once for each value that any of its spans has; once for '', as it has spans.
_OF_SPANS = f"""
SELECT attribute, value, countIf(is_tail) AS tail, countIf(NOT is_tail) AS middle
FROM (
    SELECT
        any(is_tail) AS is_tail,
        arrayJoin(groupUniqArrayArray(arrayConcat(
            [('', ''), ('service', service)],
            arrayMap(
                (key, of) -> (if(kind = 'Server', key, concat(name, ': ', key)), of),
                mapKeys(attributes), mapValues(attributes)
            ),
            arrayFilter(
                pair -> pair.2 != '',
                arrayMap(
                    key -> (concat(service, ' ', key), resource[key]), {{resources:Array(String)}}
                )
            )
        ))) AS pair,
        pair.1 AS attribute,
        pair.2 AS value
    FROM (
        SELECT
            TraceId AS trace_id,
            CAST(ServiceName, 'String') AS service,
            CAST(SpanName, 'String') AS name,
            SpanKind AS kind,
            SpanAttributes AS attributes,
            ResourceAttributes AS resource
        FROM otel_traces
        PREWHERE TraceId IN (SELECT trace_id FROM ({_DRAWN}))
        WHERE Timestamp BETWEEN fromUnixTimestamp64Nano({{from_ns:Int64}}) - toIntervalDay(1)
                AND fromUnixTimestamp64Nano({{to_ns:Int64}}) + toIntervalDay(1)
            AND {HAS_DURATION}
    ) AS span
    INNER JOIN ({_DRAWN}) AS drawn ON span.trace_id = drawn.trace_id
    GROUP BY drawn.trace_id
)
GROUP BY attribute, value
HAVING tail + middle > 1
ORDER BY attribute, tail + middle DESC, value
LIMIT {{most:UInt64}} BY attribute
"""  # noqa: S608  # composed of constants

_OVER_TIME = """
SELECT
    intDiv((intended_ns - first_ns) * {batches:Int64}, greatest(last_ns - first_ns, 1)) AS batch,
    count(),
    countIf(latency_ns < {tail_ns:Int64}),
    countIf(latency_ns > {tail_ns:Int64})
FROM samples
CROSS JOIN (
    SELECT min(intended_ns) AS first_ns, max(intended_ns) + 1 AS last_ns
    FROM samples
    WHERE run_id = {run_id:String} AND measured
) AS window
WHERE run_id = {run_id:String} AND measured
    AND (empty({codes:Array(UInt16)}) OR has({codes:Array(UInt16)}, endpoint))
GROUP BY batch
"""


def attribute_counts(
    client: Client, parameters: dict[str, Any], plan: Plan, above_p99: int
) -> dict[str, Any]:
    """The fields of `LatencyParts` about attributes: how often each value occurs where."""
    thresholds = parameters["thresholds"]
    is_p99 = above_p99 >= ENOUGH_IN_TAIL
    parameters = parameters | {
        "tail_ns": thresholds[4 if is_p99 else 3],
        "middle_low_ns": thresholds[0],
        "middle_high_ns": thresholds[2],
        "resources": list(_RESOURCES),
        "most": _MOST_VALUES,
        "batches": BATCHES,
    }
    counts: Counter[tuple[str, str, bool]] = Counter()
    totals: Counter[bool] = Counter()
    for is_tail, *values, count in client.query(_OF_REQUESTS, parameters=parameters).result_rows:
        totals[bool(is_tail)] += count
        for attribute, value in attributes_of_request(plan, *values):
            counts[attribute, value, bool(is_tail)] += count
    found = [
        AttributeCount(*pair, False, counts[*pair, True], counts[*pair, False])
        for pair in dict.fromkeys(key[:2] for key in counts)
    ]
    traced_tail = traced_middle = 0
    if parameters["traced_below"]:
        parameters["tail_every"] = max(1, totals[True] // _DRAWN_COUNT)
        parameters["middle_every"] = max(1, totals[False] // _DRAWN_COUNT)
        rows = client.query(_OF_SPANS, parameters=parameters).result_rows
        found += [
            AttributeCount(name, value, True, tail, middle)
            for name, value, tail, middle in rows
            if name
        ]
        traced_tail, traced_middle = next((row[2:] for row in rows if not row[0]), (0, 0))
    over_time = np.zeros((BATCHES, 3), dtype=np.int64)
    for batch, *numbers in client.query(_OVER_TIME, parameters=parameters).result_rows:
        over_time[batch] = numbers
    independent = effective_count(*over_time.T)
    return {
        "attributes": tuple(found),
        "tail_ratio": 0.99 if is_p99 else 0.9,
        "tail_count": totals[True],
        "middle_count": totals[False],
        "traced_tail_count": traced_tail,
        "traced_middle_count": traced_middle,
        "effective_ratio": (independent or 0.0) / int(over_time[:, 0].sum()),
    }
