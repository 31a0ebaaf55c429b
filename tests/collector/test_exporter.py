"""Rows that `benchlab ingest` makes of the Collector's files are those of its ClickHouse exporter.

One Collector gets everything and writes it twice: through its exporter, over HTTP, into one
database, and to its files, which are ingested into another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchlab import ConstantRate, Plan, Request, run
from benchlab.store import Store
from benchlab.telemetry import ingest
from tests.clickhouse_front import Front, start_front
from tests.collector.collector import Collector, collecting, send
from tests.target.server import ADD, serving
from tests.telemetry.conftest import make_span_line
from tests.telemetry.test_rows import (
    EXEMPLARS,
    KINDS,
    METRICS,
    START_NS,
    VALUES,
    attributes,
    metrics_line,
)

pytestmark = pytest.mark.timeout(900)  # the first to come may have to build the Collector

TABLES = [
    "otel_traces",
    "otel_metrics_gauge",
    "otel_metrics_sum",
    "otel_metrics_histogram",
    "otel_metrics_exponential_histogram",
    "otel_metrics_summary",
]


TIMES = {"timeUnixNano": str(START_NS), "startTimeUnixNano": str(START_NS)}
EDGES: list[dict[str, Any]] = [
    {
        "name": "not finite, or nearly",
        "gauge": {
            "dataPoints": [
                {**TIMES, "asDouble": value}
                for value in ("NaN", "Infinity", "-Infinity", -0.0, 1e300, 5e-324)
            ]
        },
    },
    {"name": "no value", "gauge": {"dataPoints": [{**TIMES, "flags": 1}, {"flags": 1}]}},
    {"name": "no point", "gauge": {"dataPoints": []}},
    {
        "name": "whole numbers",
        "sum": {"dataPoints": [{**TIMES, "asInt": str(n)} for n in (2**63 - 1, -(2**63))]},
    },
    {
        "name": "parts missing",
        "histogram": {
            "dataPoints": [
                {**TIMES, "count": "0"},
                {**TIMES, "count": "3", "bucketCounts": ["3"]},
                {**TIMES, "count": 2, "bucketCounts": [1, 1], "explicitBounds": ["Infinity"]},
            ]
        },
    },
    {
        "name": "parts missing",
        "exponentialHistogram": {
            "dataPoints": [{**TIMES, "count": 1, "zeroCount": 1}, {**TIMES, "positive": {}}]
        },
    },
    {
        "name": "parts missing",
        "summary": {
            "dataPoints": [
                TIMES,
                {**TIMES, "sum": "NaN", "quantileValues": [{"quantile": 1, "value": "Infinity"}]},
            ]
        },
    },
    {
        "name": "a key twice, and out of order",
        "gauge": {
            "dataPoints": [
                {
                    **TIMES,
                    "asInt": 1,
                    "attributes": attributes(b={"intValue": 1}, a={"arrayValue": {}})
                    + attributes(b={"intValue": 3}),
                }
            ]
        },
    },
]
"""Metrics of which something is odd; each point makes a row like no other."""

ODD_SPANS: list[dict[str, Any]] = [
    {"endTimeUnixNano": "0"},
    {"endTimeUnixNano": str(START_NS - 5)},
    {"startTimeUnixNano": "0"},
    {"events": [{"name": "e"}, {}]},
    {"status": {"code": 1}},
    {"name": ""},
]


@dataclass
class Both:
    """The database that the exporter filled, and the one that ingesting the files did."""

    front: Front
    exported: str = "exported"
    ingested: str = "ingested"

    def rows(self, database: str, sql: str) -> list[str]:
        return self.front.query(sql.replace("{db}", database)).splitlines()

    def compare(self, sql: str) -> list[str]:
        """The rows of a query, after finding them the same in both."""
        exported, ingested = self.rows(self.exported, sql), self.rows(self.ingested, sql)
        assert ingested == exported
        return ingested


def send_everything(collector: Collector) -> None:
    """All there is to say in OTLP, as the tests of single rows have it by hand."""
    for number, (value, _) in enumerate(VALUES):
        span = make_span_line(attributes=attributes(k=value), first=number + 1)
        send(collector, "traces", span)
    for number, (kind, _) in enumerate(KINDS):
        send(collector, "traces", make_span_line(kind=kind or 0, first=100 + number))
    nested = {"kvlistValue": {"values": attributes(b={"intValue": 1}, a={"boolValue": True})}}
    full = make_span_line(
        first=200,
        traceId="0AF7651916CD43DD8448EB211C80319D",
        parentSpanId="B7AD6B7169203331",
        traceState="a=1",
        status={"code": 2, "message": "late"},
        attributes=attributes(
            nested=nested,
            html={"stringValue": "<a href='/?a=1&b=2'>\u2028</a>"},
            deep={"arrayValue": {"values": [nested, {"stringValue": "<&>"}, {}]}},
        ),
        events=[{"timeUnixNano": str(START_NS), "name": "e", "attributes": attributes(n=nested)}],
        links=[{"traceId": "0" * 32, "spanId": "b7ad6b7169203331", "traceState": "b=2"}],
    )
    send(collector, "traces", full)
    for _, data, _ in METRICS:
        send(collector, "metrics", metrics_line({"name": "m", "unit": "s", **data}))
    for metric in EDGES:
        send(collector, "metrics", metrics_line(metric))
    for number, odd in enumerate(ODD_SPANS):
        send(collector, "traces", make_span_line(first=300 + number, **odd))
    bare = {"name": "bare", "gauge": {"dataPoints": [{"exemplars": EXEMPLARS[:1]}]}}
    send(collector, "metrics", metrics_line(bare))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    directory = tmp_path_factory.mktemp("both")
    with start_front(directory / "engine") as front:
        both = Both(front)
        front.query(f"CREATE DATABASE {both.ingested}")
        with collecting(
            directory,
            CLICKHOUSE=front.url,
            CLICKHOUSE_DATABASE=both.exported,
            CREATE_SCHEMA="true",
        ) as collector:
            send_everything(collector)
            with serving(directory, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint) as server:
                request = Request("POST", server.url + ADD, json={"a": [1], "b": [2]})
                run(Plan([request], ConstantRate(200), duration_s=2, trace_ratio=1.0))
                server.stop()
            collector.stop()
        with Store(front.dsn(both.ingested)).connect() as client:
            report = ingest(client, [collector.otlp_dir])
        assert report.errors == 0
        yield both


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_the_same(both: Both, table: str) -> None:
    found = both.compare(
        f"SELECT toString(tuple(*)) AS row FROM {{db}}.{table} ORDER BY row"  # noqa: S608  # ours
    )
    assert len(set(found)) == len(found) > 0


def test_everything_sent_is_stored(both: Both) -> None:
    by_hand = len(VALUES) + len(KINDS) + 1 + len(ODD_SPANS)
    (counts,) = both.compare(
        "SELECT countIf(ServiceName = 'target'), countIf(ServiceName = 'benchlab-target')"
        " FROM {db}.otel_traces"
    )
    assert counts == f"{by_hand}\t{2 * 2 * 200}"
    # A row for each block that held spans of the trace, so their bounds are what compares.
    both.compare(
        "SELECT TraceId, min(Start), max(End) FROM {db}.otel_traces_trace_id_ts"
        " GROUP BY TraceId ORDER BY TraceId"
    )


@pytest.mark.parametrize("table", [*TABLES, "otel_traces_trace_id_ts"])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name, type, compression_codec FROM system.columns"
        " WHERE database = '{db}' AND table = '{table}' ORDER BY name",
        "SELECT partition_key, sorting_key FROM system.tables"
        " WHERE database = '{db}' AND name = '{table}'",
        "SELECT name, type_full, expr, granularity FROM system.data_skipping_indices"
        " WHERE database = '{db}' AND table = '{table}' ORDER BY name",
    ],
    ids=["columns", "keys", "indexes"],
)
def test_tables_are_those_that_the_exporter_creates(both: Both, table: str, sql: str) -> None:
    assert both.compare(sql.replace("{table}", table))


def test_the_exporter_fills_existing_tables(both: Both, tmp_path: Path) -> None:
    """As in the stack, where it is configured to create none."""
    database = "migrated"
    both.front.query(f"CREATE DATABASE {database}")
    Store(both.front.dsn(database)).migrate()
    with collecting(
        tmp_path, CLICKHOUSE=both.front.url, CLICKHOUSE_DATABASE=database, CREATE_SCHEMA="false"
    ) as collector:
        send_everything(collector)
        collector.stop()
    for table in TABLES:
        sql = (
            f"SELECT toString(tuple(*)) AS row FROM {{db}}.{table}"  # noqa: S608  # ours
            " WHERE ServiceName = 'target' ORDER BY row"
        )
        found = both.rows(database, sql)
        assert found == both.rows(both.exported, sql)
        assert found
