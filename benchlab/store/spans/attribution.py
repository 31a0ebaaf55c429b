"""Where the latency of a run's requests comes from, counted in SQL.

Every request is split into parts that follow each other: they add up to its latency, to the
nanosecond. Only sums per class of latency leave the engine. A run is processed some millions of
requests at a time, so that memory does not grow with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchlab.errors import InputError
from benchlab.plan.hosts import is_loopback
from benchlab.plan.plan import Plan
from benchlab.plan.tracing import GOLDEN
from benchlab.runs.latency_parts import (
    CLASS_RATIOS,
    CLIENT_PARTS,
    CONNECTION_PARTS,
    SERVER_PARTS,
    ClockOffset,
    LatencyClass,
    LatencyParts,
    PartSum,
)
from benchlab.runs.trace_coverage import ENOUGH_RATIO
from benchlab.store.client.query import typed_frame
from benchlab.store.runs.read import resolve
from benchlab.store.spans.attributes import attribute_counts
from benchlab.store.spans.critical_path import PATH, ROOT, in_layers
from benchlab.store.spans.spans import HAS_DURATION, run_bounds, trace_coverage

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

__all__ = [
    "MEASURED",
    "SPANS_OF_THE_RUN",
    "SPAN_ARRAYS",
    "chunks_of",
    "latency_parts",
    "names_of",
    "parameters_of",
    "request_parts",
]

_AT_ONCE = 2_000_000
"""Requests whose spans are in memory at the same time: some 500 bytes each."""

_PAIRS = 20_000
"""Pairs of request and span from which the clock offset is estimated."""

_FEWEST_PAIRS = 10
"""With fewer, a clock offset is not applied."""

_PARTS = (*CONNECTION_PARTS, *SERVER_PARTS, *CLIENT_PARTS)

# Strings compare like the numbers in them, so that other traces are skipped without decoding them.
SPANS_OF_THE_RUN = f"""
    FROM otel_traces
    WHERE TraceId BETWEEN {{first_trace:String}} AND {{last_trace:String}}
        AND length(TraceId) = 32
        AND Timestamp BETWEEN fromUnixTimestamp64Nano({{from_ns:Int64}}) - toIntervalDay(1)
            AND fromUnixTimestamp64Nano({{to_ns:Int64}}) + toIntervalDay(1)
        AND {HAS_DURATION}
"""
"""The spans of the requests between ``first_trace`` and ``last_trace`` that have a duration."""

_SEQ = "reinterpretAsInt64(reverse(unhex(substring(TraceId, 17, 16))))"

# The parent of the first SERVER span is the span of the load generator, unless there is a proxy.
_ORDER_OF_SERVERS = f"(ParentSpanId != lower(leftPad(hex({_SEQ} + 1), 16, '0')), Timestamp)"

SPAN_ARRAYS = f"""
    {_SEQ} AS seq,
    groupArray(toUnixTimestamp64Nano(Timestamp)) AS starts,
    groupArray(toInt64(Duration)) AS durations,
    groupArray(cityHash64(SpanId)) AS ids,
    groupArray(cityHash64(ParentSpanId)) AS parents,
    groupArray(cityHash64(ServiceName, SpanName)) AS names,
    groupArray(toUInt8(multiIf(SpanKind = 'Server', 1, SpanKind = 'Client', 2, 0))) AS kinds
"""
"""A request and its spans as arrays, of a query of `SPANS_OF_THE_RUN` that is grouped by seq."""

_TRACES = f"""
    SELECT {SPAN_ARRAYS}
    {SPANS_OF_THE_RUN}
    GROUP BY seq
"""

_ENDPOINT = "(empty({codes:Array(UInt16)}) OR has({codes:Array(UInt16)}, endpoint))"

MEASURED = f"""
    FROM samples
    WHERE run_id = {{run_id:String}} AND measured AND {_ENDPOINT}
"""
"""The measured requests of the run, of the endpoints that are asked for."""

# A failed attempt may be followed by another for the same request.
_OPENED = """
    SELECT
        seq,
        sum(dns_ns) AS dns_ns,
        sum(connect_ns) AS connect_ns,
        sum(tls_ns) AS tls_ns,
        argMax(error, start_ns) AS opening_error
    FROM connections
    WHERE run_id = {run_id:String} AND seq BETWEEN {first_seq:Int64} AND {last_seq:Int64}
    GROUP BY seq
"""

_SAMPLES = f"""
    SELECT
        seq, intended_ns, lag_ns, service_ns, body_ns, flags,
        toUnixTimestamp64Nano(started_at) AS run_start_ns
    {MEASURED} AND seq BETWEEN {{first_seq:Int64}} AND {{last_seq:Int64}}
"""

# So many expressions take longer to compile than to evaluate. The right side of a join is the one
# that is kept in a hash table, and the engine shall not swap them. Arrays of 16,384 requests stay
# in the cache of a core.
_SETTINGS = (
    "SETTINGS compile_expressions = 0, query_plan_join_swap_table = 'false', max_block_size = 16384"
)

_CLASS = " + ".join(
    f"(latency_ns > {{thresholds:Array(Int64)}}[{at}])" for at in range(1, len(CLASS_RATIOS) + 1)
)

# Whether a request is split follows from its number: SplitMix64, as in benchlab.plan.tracing.
#
# What a request waited for, in order. Each part is cut to what is left of the service time, so the
# last one makes the sum exact. The start of a span is more certain than its end: a service may
# finish its span after the client has the response.
_PARTS_OF_A_REQUEST = (
    f"""
    lag_ns + service_ns AS latency_ns,
    toUInt64(seq) + toUInt64({GOLDEN}) AS scrambled,
    bitTest(flags, 4) OR bitTest(flags, 5) AS again,
    bitTest(flags, 2) AND NOT again AS waited,
    bitTest(flags, 1) AS is_new,
    intended_ns + lag_ns + service_ns - body_ns > 0 AS responded,
    cityHash64(lower(leftPad(hex(seq + 1), 16, '0'))) AS client_id
    """,
    f"""
    {_CLASS} AS class,
    bitXor(scrambled, bitShiftRight(scrambled, 30)) * toUInt64({0xBF58476D1CE4E5B9}) AS half_mixed,
    if(again, lag_ns, 0) AS earlier_tries_part,
    if(again OR waited, 0, lag_ns) AS lag_part,
    if(waited, lag_ns, 0) AS connection_wait_part,
    if(is_new, least(greatest(dns_ns, 0), greatest(service_ns, 0)), 0) AS dns_part,
    {ROOT} AS root
    """,
    f"""
    bitXor(half_mixed, bitShiftRight(half_mixed, 27)) * toUInt64({0x94D049BB133111EB}) AS mixed,
    root > 0 AS has_span,
    durations[root] AS root_ns,
    multiIf(
        NOT is_new, 0,
        opening_error != 0 AND NOT responded, service_ns - dns_part,
        least(greatest(connect_ns, 0), greatest(service_ns - dns_part, 0))
    ) AS connect_part
    """,
    """
    {traced_below:UInt64} = 0 OR {whole:Bool}
        OR bitXor(mixed, bitShiftRight(mixed, 31)) < {traced_below:UInt64} AS is_split,
    if(is_new, least(greatest(tls_ns, 0), greatest(service_ns - dns_part - connect_part, 0)), 0)
        AS tls_part
    """,
    "service_ns - dns_part - connect_part - tls_part AS left_ns",
    """
    starts[root] - {offset_ns:Int64}
        - (run_start_ns + intended_ns + lag_ns + service_ns - left_ns) AS gap_ns
    """,
    """
    has_span AND (gap_ns < 0 OR gap_ns > left_ns) AS is_moved,
    multiIf(
        NOT has_span, 0,
        gap_ns < 0, least(0, left_ns),
        gap_ns <= left_ns, gap_ns,
        responded, greatest(left_ns - root_ns, 0),
        left_ns
    ) AS before_server_part
    """,
    """
    if(has_span, greatest(least(root_ns, left_ns - before_server_part), 0), 0) AS within_ns,
    if(NOT has_span AND responded, least(greatest(body_ns, 0), greatest(left_ns, 0)), 0)
        AS body_part
    """,
    *PATH,
    """
    has_span AND within_ns < root_ns AS is_cut,
    within_ns - arraySum(path_ns) AS server_part,
    if(has_span, left_ns - before_server_part - within_ns, 0) AS way_back_part,
    if(has_span, 0, left_ns - body_part) AS first_byte_part
    """,
)

# Requests are on the right: a hash table of numbers costs less than one of arrays of spans.
_JOINED = f"""
    SELECT request.seq AS seq, request.* EXCEPT seq, trace.* EXCEPT seq
    FROM ({_TRACES}) AS trace
    RIGHT JOIN (
        SELECT sample.*, opened.* EXCEPT seq
        FROM ({_SAMPLES}) AS sample
        LEFT JOIN ({_OPENED}) AS opened ON sample.seq = opened.seq
    ) AS request ON request.seq = trace.seq
"""  # noqa: S608  # composed of constants

_REQUESTS = f"""
    SELECT
        seq, latency_ns, class, is_split, has_span, is_moved, is_cut,
        {", ".join(f"{part.key}_part" for part in _PARTS)},
        path_names, path_ns
    FROM ({in_layers(_JOINED, _PARTS_OF_A_REQUEST)})
"""  # noqa: S608  # composed of constants

_SUMS = f"""
SELECT
    class,
    is_split,
    count() AS requests,
    sum(latency_ns) AS latency,
    countIf(has_span) AS spans,
    countIf(is_moved) AS moved,
    countIf(is_cut) AS cut,
    {", ".join(f"sum({part.key}_part), countIf({part.key}_part > 0)" for part in _PARTS)},
    sumMap(
        path_names,
        path_ns,
        arrayMap(
            (own, nth) -> toUInt64(own > 0 AND nth = 1),
            path_ns,
            arrayEnumerateUniq(path_names, arrayMap(own -> own > 0, path_ns))
        )
    )
FROM ({_REQUESTS})
GROUP BY class, is_split
{_SETTINGS}
"""  # noqa: S608  # composed of constants

_EXTENT = f"""
SELECT count(), min(seq), max(seq), quantilesExact({", ".join(map(str, CLASS_RATIOS))})(latency_ns)
{MEASURED}
"""  # composed of constants

# Requests that waited for a new connection say nothing about the way of a request.
_PAIRS_OF_GAPS = f"""
SELECT
    count(),
    quantileExact(0.5)(span.start_ns - sent_ns),
    quantileExact(0.5)(done_ns - span.start_ns - span.duration_ns),
    quantileExact(0.5)(done_ns - span.start_ns)
FROM (
    SELECT
        seq,
        toUnixTimestamp64Nano(started_at) + intended_ns + lag_ns AS sent_ns,
        sent_ns + service_ns AS done_ns
    FROM samples
    WHERE run_id = {{run_id:String}} AND measured AND NOT bitTest(flags, 1) AND error = 0
) AS sample
INNER JOIN (
    SELECT
        {_SEQ} AS seq,
        toUnixTimestamp64Nano(argMin(Timestamp, {_ORDER_OF_SERVERS})) AS start_ns,
        argMin(toInt64(Duration), {_ORDER_OF_SERVERS}) AS duration_ns
    {SPANS_OF_THE_RUN} AND SpanKind = 'Server' AND cityHash64(TraceId) % {{every:UInt64}} = 0
    GROUP BY seq
) AS span ON sample.seq = span.seq
{_SETTINGS}
"""  # noqa: S608  # composed of constants

# Of all runs: reading these columns costs less than looking for the run's.
_NAMES = """
SELECT cityHash64(ServiceName, SpanName), ServiceName, SpanName
FROM (
    SELECT DISTINCT ServiceName, SpanName
    FROM otel_traces
    WHERE Timestamp BETWEEN fromUnixTimestamp64Nano({from_ns:Int64}) - toIntervalDay(1)
        AND fromUnixTimestamp64Nano({to_ns:Int64}) + toIntervalDay(1)
)
"""

_HAS_SPANS = f"SELECT count() FROM (SELECT 1 {SPANS_OF_THE_RUN} AND SpanKind = 'Server' LIMIT 1)"  # noqa: S608


def latency_parts(client: Client, run_id: str, endpoint: str | None = None) -> LatencyParts:
    """Count the parts of the measured requests of a run, of one endpoint or of all.

    Raises:
        InputError: the run has no such endpoint.
        RunNotFoundError: no run, or more than one, fits.
    """
    parameters, plan, thresholds = parameters_of(client, run_id, endpoint)
    ((name, verdict, reason),) = client.query(
        "SELECT name, verdict, reason FROM runs WHERE id = {run_id:String} LIMIT 1",
        parameters=parameters,
    ).result_rows
    classes = [LatencyClass() for _ in range(len(CLASS_RATIOS) + 1)]
    attributes: dict[str, Any] = {}
    if thresholds:
        names = names_of(client, parameters)
        for chunk in chunks_of(parameters):
            for number, more in _classes(client, chunk, names):
                classes[number] += more
        above_p99 = sum(each.count for each in classes[CLASS_RATIOS.index(0.99) + 1 :])
        attributes = attribute_counts(client, parameters, plan, above_p99)
    return LatencyParts(
        run_id=parameters["run_id"],
        name=name,
        verdict=verdict,
        invalid_reason=reason or None,
        endpoint=endpoint,
        trace_ratio=plan.trace_ratio,
        classes=tuple(classes),
        thresholds_ns=thresholds,
        clock=parameters.get("clock"),
        cause=_cause(client, parameters["run_id"], plan, classes),
        **attributes,
    )


def _cause(client: Client, run_id: str, plan: Plan, classes: Sequence[LatencyClass]) -> str:
    """Why spans are missing; '' if they are complete, or none was asked for."""
    split = sum(each.split_count for each in classes)
    found = sum(each.span_count for each in classes)
    if not plan.trace_ratio or found >= split * ENOUGH_RATIO:
        return ""
    return trace_coverage(client, run_id).cause()


def request_parts(
    client: Client, run_id: str, endpoint: str | None = None
) -> tuple[pd.DataFrame, dict[int, tuple[str, str]]]:
    """The parts of every single request, and service and name by the code of a span.

    Columns: seq, latency_ns, class, is_split, has_span, is_moved, is_cut, a column ``KEY_part`` per
    `Part`, and path_names and path_ns, the spans below the SERVER span with their own times.
    """
    import pandas as pd

    parameters, _, thresholds = parameters_of(client, run_id, endpoint)
    if not thresholds:
        return pd.DataFrame(), {}
    frames = [typed_frame(client, _REQUESTS, chunk) for chunk in chunks_of(parameters)]
    frame = pd.concat(frames, ignore_index=True).sort_values("seq", ignore_index=True)
    return frame, names_of(client, parameters)


def parameters_of(
    client: Client, run_id: str, endpoint: str | None
) -> tuple[dict[str, Any], Plan, tuple[int, ...]]:
    """The parameters of the SQL here, the plan, and the thresholds; none without requests.

    ``offset_ns`` is what is subtracted from the times of spans, and ``traced_below`` is 0 where no
    request has a span.
    """
    parameters, plan = run_bounds(client, resolve(client, run_id))
    parameters["codes"] = _codes(plan, endpoint)
    ((count, first, last, thresholds),) = client.query(_EXTENT, parameters=parameters).result_rows
    if not count:
        return parameters, plan, ()
    run_id = parameters["run_id"]
    parameters |= {
        "first_seq": first,
        "last_seq": last,
        "first_trace": _trace_id(run_id, first),
        "last_trace": _trace_id(run_id, last),
        "thresholds": list(thresholds),
        "whole": plan.trace_ratio >= 1,
        "every": max(1, int(count * plan.trace_ratio) // _PAIRS),
    }
    ((traced,),) = client.query(_HAS_SPANS, parameters=parameters).result_rows
    # Where no request has a span, each can be split as far as the client knows.
    parameters["traced_below"] = min(int(plan.trace_ratio * 2**64), 2**64 - 1) if traced else 0
    clock = _clock(client, parameters, plan) if traced else None
    parameters["clock"] = clock
    parameters["offset_ns"] = clock.estimate_ns if clock is not None and clock.applied else 0
    return parameters, plan, tuple(map(int, thresholds))


def _trace_id(run_id: str, seq: int) -> str:
    return f"{run_id}{max(seq, 0):016x}"


def _codes(plan: Plan, endpoint: str | None) -> list[int]:
    """The codes of an endpoint; none for all."""
    if endpoint is None:
        return []
    codes = [code for code, name in enumerate(plan.endpoint_names) if name == endpoint]
    if not codes:
        known = list(dict.fromkeys(plan.endpoint_names))
        raise InputError(f"endpoint {endpoint!r} is unknown: there are {known}")
    return codes


def chunks_of(parameters: dict[str, Any]) -> Sequence[dict[str, Any]]:
    """The parameters for every part of the run that is processed at once."""
    first, last = parameters["first_seq"], parameters["last_seq"]
    run_id = parameters["run_id"]
    chunks = []
    for start in range(first, last + 1, _AT_ONCE):
        end = min(start + _AT_ONCE - 1, last)
        bounds = {"first_trace": _trace_id(run_id, start), "last_trace": _trace_id(run_id, end)}
        chunks.append({**parameters, "first_seq": start, "last_seq": end, **bounds})
    return chunks


def _clock(client: Client, parameters: dict[str, Any], plan: Plan) -> ClockOffset | None:
    """The clock offset; None without a pair."""
    ((count, forward, backward, started),) = client.query(
        _PAIRS_OF_GAPS, parameters=parameters
    ).result_rows
    if not count:
        return None
    # On one clock, no span begins before its request was sent or after its response came. One may
    # end later, as far as the service has work left; on this host the clock is the same.
    local = all(is_loopback(origin.host) for origin in plan.origins)
    contradict = forward < 0 or started < 0 or (backward < 0 and not local)
    applied = contradict and count >= _FEWEST_PAIRS
    return ClockOffset(
        int(count), (int(forward) - int(backward)) // 2, int(forward), int(backward), applied
    )


def names_of(client: Client, parameters: dict[str, Any]) -> dict[int, tuple[str, str]]:
    """Service and name by the code of a span, as `SPAN_ARRAYS` has it."""
    rows = client.query(_NAMES, parameters=parameters).result_rows
    return {code: (service, name) for code, service, name in rows}


def _classes(
    client: Client, parameters: dict[str, Any], names: dict[int, tuple[str, str]]
) -> Sequence[tuple[int, LatencyClass]]:
    rows = client.query(_SUMS, parameters=parameters).result_rows
    return [(int(row[0]), _class_of(row, names)) for row in rows]


def _class_of(row: Sequence[Any], names: dict[int, tuple[str, str]]) -> LatencyClass:
    _, is_split, count, latency_ns, spans, moved, cut, *parts = row
    if not is_split:
        return LatencyClass(count, latency_ns)
    *numbers, (codes, own, counts) = parts
    return LatencyClass(
        count,
        latency_ns,
        count,
        latency_ns,
        spans,
        moved,
        cut,
        {
            part.key: PartSum(*numbers[2 * at : 2 * at + 2])
            for at, part in enumerate(_PARTS)
            if numbers[2 * at]
        },
        {
            names[code]: PartSum(sum_ns, span_count)
            for code, sum_ns, span_count in zip(codes, own, counts, strict=True)
            if sum_ns
        },
    )
