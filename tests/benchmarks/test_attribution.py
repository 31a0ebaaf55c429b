"""The cost of saying where latency comes from, beside a plain join of the same rows."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchlab.analysis.attribution import attribution_of
from benchlab.analysis.client_parts import client_parts
from benchlab.store import Store
from benchlab.store.spans.attribution import latency_parts
from tests.store.stored_runs import make_run

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

COUNT = 1_000_000
RUN = "00000000000000aa"

# A SERVER span and one to three spans below it, which overlap in one request of ten.
_REQUESTS = f"""
    SELECT seq, started_at, intended_ns + lag_ns AS sent_ns, service_ns
    FROM samples WHERE run_id = '{RUN}'
"""  # noqa: S608  # constants
_TRACE = f"concat('{RUN}', lower(leftPad(hex(seq), 16, '0')))"
_SERVER = f"""
INSERT INTO otel_traces (Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName,
    SpanAttributes, ResourceAttributes, Duration)
SELECT started_at + toIntervalNanosecond(sent_ns + intDiv(service_ns, 4)), {_TRACE},
    lower(leftPad(hex(seq * 4), 16, '0')), lower(leftPad(hex(seq + 1), 16, '0')),
    'POST /add', 'Server', 'target',
    map('http.route', '/add', 'http.response.status_code', if(seq % 100 = 0, '500', '200'),
        'client.port', toString(seq % 30000)),
    map('service.instance.id', if(seq % 2 = 0, 'a', 'b')), intDiv(service_ns, 2)
FROM ({_REQUESTS})
"""  # noqa: S608  # constants
_BELOW = f"""
INSERT INTO otel_traces (Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName,
    Duration)
SELECT started_at + toIntervalNanosecond(
        sent_ns + intDiv(service_ns, 4) + intDiv(service_ns * {{nth:UInt8}}, 10)), {_TRACE},
    lower(leftPad(hex(seq * 4 + {{nth:UInt8}}), 16, '0')), lower(leftPad(hex(seq * 4), 16, '0')),
    concat('step ', toString({{nth:UInt8}})), 'Internal', 'target',
    intDiv(service_ns, if(seq % 10 = 0, 7, 12))
FROM ({_REQUESTS}) WHERE seq % 3 >= {{nth:UInt8}} - 1
"""  # noqa: S608  # constants

_PLAIN = f"""
SELECT count(), quantileExact(0.99)(sample.latency_ns), sum(span.server_ns)
FROM (
    SELECT seq, latency_ns FROM samples WHERE run_id = '{RUN}' AND NOT warmup
) AS sample
INNER JOIN (
    SELECT reinterpretAsInt64(reverse(unhex(substring(TraceId, 17, 16)))) AS seq,
        argMin(Duration, Timestamp) AS server_ns, groupArray(SpanId) AS ids
    FROM otel_traces WHERE startsWith(TraceId, '{RUN}') GROUP BY seq
) AS span ON sample.seq = span.seq
"""  # noqa: S608  # constants


def seconds(work: Callable[[], object]) -> float:
    """The best of three."""
    found = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def test_a_million_requests_with_their_spans(tmp_path: Path) -> None:
    store = Store(f"chdb://{tmp_path}/store")
    run = make_run(COUNT, run_id=RUN)
    store.save(run)
    with store.connect() as client:
        client.command(_SERVER)
        for nth in (1, 2, 3):
            client.command(_BELOW, parameters={"nth": nth})
        plain_s = seconds(lambda: client.query(_PLAIN).result_rows)
        found_s = seconds(lambda: attribution_of(latency_parts(client, RUN)))
    alone_s = seconds(lambda: client_parts(run))
    print(
        f"\n{COUNT:,} requests with 3 spans each: {found_s:.2f} s, a plain join of both"
        f" {plain_s:.2f} s; without spans, in memory {alone_s:.2f} s"
    )
    # 2.1 s beside a join of 0.28 s on an idle machine of two cores: 2 s is not reached there.
    assert found_s <= max(2.0, 10 * plain_s)
    assert alone_s <= 2


def test_ten_million_requests_without_spans_in_bounded_memory(tmp_path: Path) -> None:
    store = Store(f"chdb://{tmp_path}/store")
    run = make_run(10 * COUNT, run_id=RUN)
    store.save(run)
    del run
    with store.connect() as client:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found_s = seconds(lambda: attribution_of(latency_parts(client, RUN)))
        more_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"\n{10 * COUNT:,} requests without spans: {found_s:.2f} s, {more_mb:,.0f} MB more")
    assert found_s <= 10
