"""Load single requests with the spans that servers made of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from benchlab.errors import InputError
from benchlab.plan.tracing import trace_id
from benchlab.runs.trace import Trace, TracedRequest
from benchlab.samples.samples import ErrorKind
from benchlab.store.client.query import typed_frame
from benchlab.store.runs.read import resolve
from benchlab.store.spans.spans import HAS_DURATION, SERVER_SPANS, run_bounds

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

__all__ = ["slowest", "trace"]

_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_RUN_ID_DIGITS = 16

_SPANS = f"""
SELECT
    TraceId AS trace_id,
    toTimeZone(Timestamp, 'UTC') AS timestamp,
    if({HAS_DURATION}, Duration / 1e6, nan) AS duration_ms,
    ServiceName AS service,
    SpanName AS span_name,
    SpanKind AS kind,
    StatusCode AS status,
    StatusMessage AS status_message,
    SpanId AS span_id,
    ParentSpanId AS parent_span_id,
    SpanAttributes AS attributes,
    ResourceAttributes AS resource,
    toUnixTimestamp64Nano(Timestamp) AS start_ns
FROM otel_traces
WHERE TraceId IN {{trace_ids:Array(String)}}
ORDER BY Timestamp, Duration DESC, SpanId
"""  # noqa: S608  # composed of constants

_REQUEST = """
SELECT
    seq,
    arrayConcat(
        JSONExtract(run.plan, 'requests', 'Array(Tuple(name String))').name,
        JSONExtract(run.plan, 'scenario', 'steps', 'Array(String)')
    )[endpoint + 1] AS name,
    status, error, intended_ns, sent_ns, first_byte_ns, done_ns,
    toUnixTimestamp64Nano(run.started_at) AS started_at_ns
FROM samples
INNER JOIN (SELECT id, started_at, plan FROM runs WHERE id = {run_id:String} LIMIT 1) AS run
    ON samples.run_id = run.id
WHERE samples.run_id = {run_id:String}
"""
# Two steps, so that columns other than the durations are read for the chosen rows only.
_SLOWEST = """
    AND seq IN (
        SELECT seq FROM samples WHERE run_id = {run_id:String} AND measured %s
        ORDER BY lag_ns + service_ns DESC, seq LIMIT {count:UInt64}
    )
ORDER BY samples.lag_ns + samples.service_ns DESC, seq
"""


def slowest(client: Client, run_id: str, count: int, *, traced: bool) -> list[Trace]:
    """The measured requests with the highest latencies, slowest first, with their spans.

    Raises:
        RunNotFoundError: no run, or more than one, fits.
    """
    parameters, _ = run_bounds(client, resolve(client, run_id))
    parameters["count"] = max(0, count)
    chosen = f"AND seq IN (SELECT seq FROM ({SERVER_SPANS}))" if traced else ""  # noqa: S608
    rows = client.query(_REQUEST + _SLOWEST % chosen, parameters=parameters).result_rows
    requests = [_request(parameters["run_id"], row) for row in rows]
    identities = [trace_id(request.run_id, request.seq) for request, _ in requests]
    frame = typed_frame(client, _SPANS, {"trace_ids": identities})
    return [
        _trace(identity, frame, request, started_at_ns)
        for identity, (request, started_at_ns) in zip(identities, requests, strict=True)
    ]


def trace(client: Client, wanted: str) -> Trace:
    """One trace, with the request that started it if that is stored.

    Raises:
        InputError: not 32 hex digits.
    """
    identity = wanted.lower()
    if not _TRACE_ID.fullmatch(identity):
        raise InputError(f"{wanted!r} is not a trace id: it has 32 hex digits")
    frame = typed_frame(client, _SPANS, {"trace_ids": [identity]})
    run_id, seq = identity[:_RUN_ID_DIGITS], int(identity[_RUN_ID_DIGITS:], 16)
    rows = client.query(
        _REQUEST + "AND seq = {seq:UInt64}", parameters={"run_id": run_id, "seq": seq}
    ).result_rows
    request, started_at_ns = _request(run_id, rows[0]) if rows else (None, 0)
    return _trace(identity, frame, request, started_at_ns)


def _request(run_id: str, row: Any) -> tuple[TracedRequest, int]:
    seq, endpoint, status, error, *times, started_at_ns = row
    label = ErrorKind(error).label if error else ""
    return TracedRequest(run_id, seq, endpoint, status, label, *times), started_at_ns


def _trace(
    identity: str, frame: pd.DataFrame, request: TracedRequest | None, started_at_ns: int
) -> Trace:
    spans = frame[frame["trace_id"] == identity].reset_index(drop=True)
    start_ns = spans.pop("start_ns")
    del spans["trace_id"]
    origin_ns = start_ns.min() if request is None else started_at_ns + request.intended_ns
    spans.insert(1, "offset_ms", (start_ns - origin_ns) / 1e6)
    return Trace(identity, request, spans)
