"""Rows are those of the Collector's ClickHouse exporter."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchlab.telemetry import ingest
from benchlab.telemetry.client import Client

Rows = Callable[..., list[dict[str, Any]]]
SpanLine = Callable[..., bytes]

START_NS = 1_795_460_064_981_497_375
START_S = START_NS // 1_000_000_000


def attributes(**values: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in values.items()]


VALUES: list[tuple[dict[str, Any], str]] = [
    ({"stringValue": "a\tb'é\\"}, "a\tb'é\\"),
    ({"stringValue": ""}, ""),
    ({}, ""),
    ({"intValue": "-9223372036854775808"}, "-9223372036854775808"),
    ({"intValue": 9007199254740993}, "9007199254740993"),
    ({"boolValue": True}, "true"),
    ({"boolValue": False}, "false"),
    ({"doubleValue": 1.0}, "1"),
    ({"doubleValue": 1}, "1"),
    ({"doubleValue": -0.0}, "-0"),
    ({"doubleValue": 0.1}, "0.1"),
    ({"doubleValue": 1e-6}, "0.000001"),
    ({"doubleValue": 1.5e-7}, "1.5e-7"),
    ({"doubleValue": 1e20}, "100000000000000000000"),
    ({"doubleValue": 1e21}, "1e+21"),
    ({"doubleValue": "NaN"}, "NaN"),
    ({"doubleValue": "Infinity"}, "Infinity"),
    ({"doubleValue": "-Infinity"}, "-Infinity"),
    ({"bytesValue": "AP8="}, "AP8="),
    ({"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}]}}, '[1,"x"]'),
    ({"arrayValue": {"values": [{"doubleValue": "NaN"}]}}, ""),
]


def test_attribute_values(client: Client, rows: Rows, span_line: SpanLine, tmp_path: Path) -> None:
    """Each on a line of its own and all on one: a span's doubles must not depend on its others."""
    lines = [
        span_line(attributes=attributes(k=value, other={"intValue": "7"}), first=number)
        for number, (value, _) in enumerate(VALUES)
    ]
    together = attributes(**{f"k{number:02}": value for number, (value, _) in enumerate(VALUES)})
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(lines) + span_line(attributes=together, first=len(VALUES)))
    ingest(client, [path])
    *alone, last = rows(client, "SELECT SpanAttributes AS found FROM otel_traces ORDER BY SpanId")
    assert [row["found"] for row in alone] == [{"k": text, "other": "7"} for _, text in VALUES]
    assert list(last["found"].values()) == [text for _, text in VALUES]


def test_a_span_in_full(client: Client, rows: Rows, span_line: SpanLine, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        span_line(
            traceId="0AF7651916CD43DD8448EB211C80319C",
            parentSpanId="B7AD6B7169203331",
            traceState="a=1",
            kind="SPAN_KIND_CLIENT",
            status={"code": 2, "message": "late"},
            events=[
                {
                    "timeUnixNano": str(START_NS),
                    "name": "e",
                    "attributes": attributes(n={"intValue": 1}),
                },
                {"name": "bare"},
            ],
            links=[{"traceId": "0" * 32, "spanId": "b7ad6b7169203331", "traceState": "b=2"}],
            unknownField={"nested": [1]},
        )
    )
    ingest(client, [path])
    (row,) = rows(
        client,
        "SELECT * EXCEPT (Timestamp, `Events.Timestamp`),"
        " toUnixTimestamp64Nano(Timestamp) AS start,"
        " arrayMap(t -> toUnixTimestamp64Nano(t), `Events.Timestamp`) AS event_times"
        " FROM otel_traces",
    )
    assert row == {
        "TraceId": "0af7651916cd43dd8448eb211c80319c",
        "SpanId": "0000000000000001",
        "ParentSpanId": "b7ad6b7169203331",
        "TraceState": "a=1",
        "SpanName": "work",
        "SpanKind": "Client",
        "ServiceName": "target",
        "ResourceAttributes": {"service.name": "target"},
        "ScopeName": "hand",
        "ScopeVersion": "",
        "SpanAttributes": {},
        "Duration": 1000,
        "StatusCode": "Error",
        "StatusMessage": "late",
        "Events.Name": ["e", "bare"],
        "Events.Attributes": [{"n": "1"}, {}],
        "Links.TraceId": [""],
        "Links.SpanId": ["b7ad6b7169203331"],
        "Links.TraceState": ["b=2"],
        "Links.Attributes": [{}],
        "start": START_NS + 1,
        "event_times": [START_NS, 0],
    }


def test_attributes_are_in_order_of_their_keys(
    client: Client, rows: Rows, span_line: SpanLine, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    keys = ["b", "é", "a.b", "a", "B"]
    path.write_bytes(span_line(attributes=attributes(**{key: {"intValue": 1} for key in keys})))
    ingest(client, [path])
    (row,) = rows(client, "SELECT mapKeys(SpanAttributes) AS found FROM otel_traces")
    assert row["found"] == ["B", "a", "a.b", "b", "é"]


KINDS = [
    (None, "Unspecified"),
    (0, "Unspecified"),
    (1, "Internal"),
    (2, "Server"),
    (3, "Client"),
    (4, "Producer"),
    ("SPAN_KIND_CONSUMER", "Consumer"),
    (99, ""),
]


def test_span_kinds(client: Client, rows: Rows, span_line: SpanLine, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [span_line(kind=kind, first=number) for number, (kind, _) in enumerate(KINDS)]
    path.write_bytes(b"".join(lines))
    ingest(client, [path])
    found = rows(client, "SELECT SpanKind FROM otel_traces ORDER BY SpanId")
    assert [row["SpanKind"] for row in found] == [name for _, name in KINDS]


def test_trace_time_ranges(client: Client, rows: Rows, span_line: SpanLine, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(span_line(3) + span_line(traceId="", first=9))
    ingest(client, [path])
    found = rows(client, "SELECT TraceId, min(Start) AS s FROM otel_traces_trace_id_ts GROUP BY 1")
    assert [row["TraceId"] for row in found] == ["0af7651916cd43dd8448eb211c80319c"]


def metrics_line(*metrics: dict[str, Any]) -> bytes:
    scope = {
        "scope": {
            "name": "meter",
            "version": "1",
            "attributes": attributes(s={"stringValue": "t"}),
            "droppedAttributesCount": 3,
        },
        "schemaUrl": "https://scope",
        "metrics": list(metrics),
    }
    resource = {
        "resource": {"attributes": attributes(**{"service.name": {"stringValue": "target"}})},
        "schemaUrl": "https://resource",
        "scopeMetrics": [scope],
    }
    return json.dumps({"resourceMetrics": [resource]}).encode() + b"\n"


POINT = {
    "attributes": attributes(route={"stringValue": "/"}),
    "startTimeUnixNano": START_NS,
    "timeUnixNano": str(START_NS + 1),
    "flags": 1,
}
EXEMPLARS = [
    {
        "timeUnixNano": START_NS,
        "asDouble": 0.5,
        "spanId": "B7AD6B7169203331",
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "filteredAttributes": attributes(f={"boolValue": True}),
    },
    {"asInt": "-4"},
]
EXEMPLAR_ROW = {
    "Exemplars.FilteredAttributes": [{"f": "true"}, {}],
    "Exemplars.Value": [0.5, -4.0],
    "Exemplars.SpanId": ["b7ad6b7169203331", "0" * 16],
    "Exemplars.TraceId": ["0af7651916cd43dd8448eb211c80319c", "0" * 32],
}
NAMES = {
    "ResourceAttributes": {"service.name": "target"},
    "ResourceSchemaUrl": "https://resource",
    "ScopeName": "meter",
    "ScopeVersion": "1",
    "ScopeAttributes": {"s": "t"},
    "ScopeDroppedAttrCount": 3,
    "ScopeSchemaUrl": "https://scope",
    "ServiceName": "target",
    "MetricName": "m",
    "MetricDescription": "what",
    "MetricUnit": "s",
    "Attributes": {"route": "/"},
    "start": START_S,
    "time": START_S,
}
SPREAD = {"count": "4", "sum": 2.5, "min": 0.25, "max": 1}
SPREAD_ROW = {"Count": 4, "Sum": 2.5, "Min": 0.25, "Max": 1.0, "Flags": 1}

METRICS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "gauge",
        {"gauge": {"dataPoints": [{**POINT, "asDouble": 1.5, "exemplars": EXEMPLARS}]}},
        {"Value": 1.5, "Flags": 1, **EXEMPLAR_ROW},
    ),
    (
        "sum",
        {
            "sum": {
                "dataPoints": [{**POINT, "asInt": "-7", "exemplars": EXEMPLARS}],
                "aggregationTemporality": "AGGREGATION_TEMPORALITY_CUMULATIVE",
                "isMonotonic": True,
            }
        },
        {
            "Value": -7.0,
            "Flags": 1,
            "AggregationTemporality": 2,
            "IsMonotonic": True,
            **EXEMPLAR_ROW,
        },
    ),
    (
        "histogram",
        {
            "histogram": {
                "dataPoints": [
                    {
                        **POINT,
                        **SPREAD,
                        "bucketCounts": ["1", 3],
                        "explicitBounds": [0.5],
                        "exemplars": EXEMPLARS,
                    }
                ],
                "aggregationTemporality": 1,
            }
        },
        {
            **SPREAD_ROW,
            "BucketCounts": [1, 3],
            "ExplicitBounds": [0.5],
            "AggregationTemporality": 1,
            **EXEMPLAR_ROW,
        },
    ),
    (
        "exponential_histogram",
        {
            "exponentialHistogram": {
                "dataPoints": [
                    {
                        **POINT,
                        **SPREAD,
                        "scale": -3,
                        "zeroCount": "2",
                        "positive": {"offset": -5, "bucketCounts": ["18446744073709551615", 0]},
                        "negative": {"bucketCounts": [1]},
                        "exemplars": EXEMPLARS,
                    }
                ],
                "aggregationTemporality": 2,
            }
        },
        {
            **SPREAD_ROW,
            "Scale": -3,
            "ZeroCount": 2,
            "PositiveOffset": -5,
            "PositiveBucketCounts": [18446744073709551615, 0],
            "NegativeOffset": 0,
            "NegativeBucketCounts": [1],
            "AggregationTemporality": 2,
            **EXEMPLAR_ROW,
        },
    ),
    (
        "summary",
        {
            "summary": {
                "dataPoints": [
                    {
                        **POINT,
                        "count": 4,
                        "sum": "2.5",
                        "quantileValues": [{"quantile": 0.5, "value": 1}, {"quantile": 1}],
                    }
                ]
            }
        },
        {
            "Count": 4,
            "Sum": 2.5,
            "Flags": 1,
            "ValueAtQuantiles.Quantile": [0.5, 1.0],
            "ValueAtQuantiles.Value": [1.0, 0.0],
        },
    ),
]


@pytest.mark.parametrize(("table", "data", "expected"), METRICS, ids=[m[0] for m in METRICS])
def test_metrics(
    client: Client, rows: Rows, tmp_path: Path, table: str, data: Any, expected: Any
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(metrics_line({"name": "m", "description": "what", "unit": "s", **data}))
    report = ingest(client, [path])
    assert (report.metric_points, report.spans, report.errors) == (1, 0, 0)
    times, exemplars = "", ""
    if table != "summary":
        times = ", `Exemplars.TimeUnix`"
        exemplars = ", arrayMap(t -> toUnixTimestamp(t), `Exemplars.TimeUnix`) AS exemplar_times"
        expected = {**expected, "exemplar_times": [START_S, 0]}
    (row,) = rows(
        client,
        f"SELECT * EXCEPT (StartTimeUnix, TimeUnix{times}),"  # noqa: S608  # constants
        f" toUnixTimestamp(StartTimeUnix) AS start, toUnixTimestamp(TimeUnix) AS time{exemplars}"
        f" FROM otel_metrics_{table}",
    )
    assert row == NAMES | expected


def test_all_kinds_of_metrics_on_one_line(client: Client, tmp_path: Path, rows: Rows) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(metrics_line(*({"name": "m"} | data for _, data, _ in METRICS)))
    assert ingest(client, [path]).metric_points == 5
    for table, _, _ in METRICS:
        assert len(rows(client, f"SELECT 1 FROM otel_metrics_{table}")) == 1  # noqa: S608
