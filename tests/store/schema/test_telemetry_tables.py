"""The tables of telemetry are those that the Collector's exporter makes."""

from __future__ import annotations

import pytest

from benchlab.store import Store

MAP = "Map(LowCardinality(String), String)"
LOW = "LowCardinality(String)"
TIME = "DateTime64(9)"

# What the Collector's ClickHouse exporter 0.161.0 creates: names and types, in order.
TRACES = {
    "Timestamp": TIME,
    "TraceId": "String",
    "SpanId": "String",
    "ParentSpanId": "String",
    "TraceState": "String",
    "SpanName": LOW,
    "SpanKind": LOW,
    "ServiceName": LOW,
    "ResourceAttributes": MAP,
    "ScopeName": "String",
    "ScopeVersion": "String",
    "SpanAttributes": MAP,
    "Duration": "UInt64",
    "StatusCode": LOW,
    "StatusMessage": "String",
    "Events.Timestamp": f"Array({TIME})",
    "Events.Name": f"Array({LOW})",
    "Events.Attributes": f"Array({MAP})",
    "Links.TraceId": "Array(String)",
    "Links.SpanId": "Array(String)",
    "Links.TraceState": "Array(String)",
    "Links.Attributes": f"Array({MAP})",
}
COMMON = {
    "ResourceAttributes": MAP,
    "ResourceSchemaUrl": "String",
    "ScopeName": "String",
    "ScopeVersion": "String",
    "ScopeAttributes": MAP,
    "ScopeDroppedAttrCount": "UInt32",
    "ScopeSchemaUrl": "String",
    "ServiceName": LOW,
    "MetricName": LOW,
    "MetricDescription": "String",
    "MetricUnit": "String",
    "Attributes": MAP,
    "StartTimeUnix": "DateTime",
    "TimeUnix": "DateTime",
}
EXEMPLARS = {
    "Exemplars.FilteredAttributes": f"Array({MAP})",
    "Exemplars.TimeUnix": "Array(DateTime)",
    "Exemplars.Value": "Array(Float64)",
    "Exemplars.SpanId": "Array(String)",
    "Exemplars.TraceId": "Array(String)",
}
VALUE = {"Value": "Float64", "Flags": "UInt32"}
COUNT = {"Count": "UInt64", "Sum": "Float64"}
SPREAD = {"Flags": "UInt32", "Min": "Float64", "Max": "Float64", "AggregationTemporality": "Int32"}
EXPORTER = {
    "otel_traces": TRACES,
    "otel_traces_trace_id_ts": {"TraceId": "String", "Start": "DateTime", "End": "DateTime"},
    "otel_metrics_gauge": COMMON | VALUE | EXEMPLARS,
    "otel_metrics_sum": COMMON
    | VALUE
    | EXEMPLARS
    | {"AggregationTemporality": "Int32", "IsMonotonic": "Bool"},
    "otel_metrics_histogram": COMMON
    | COUNT
    | {"BucketCounts": "Array(UInt64)", "ExplicitBounds": "Array(Float64)"}
    | EXEMPLARS
    | SPREAD,
    "otel_metrics_exponential_histogram": COMMON
    | COUNT
    | {
        "Scale": "Int32",
        "ZeroCount": "UInt64",
        "PositiveOffset": "Int32",
        "PositiveBucketCounts": "Array(UInt64)",
        "NegativeOffset": "Int32",
        "NegativeBucketCounts": "Array(UInt64)",
    }
    | EXEMPLARS
    | SPREAD,
    "otel_metrics_summary": COMMON
    | COUNT
    | {
        "ValueAtQuantiles.Quantile": "Array(Float64)",
        "ValueAtQuantiles.Value": "Array(Float64)",
        "Flags": "UInt32",
    },
}

METRIC_KEYS = "ServiceName, MetricName, toStartOfHour(TimeUnix), cityHash64(Attributes), TimeUnix"
SORTING_KEYS = {
    "otel_traces": "ServiceName, SpanName, toDateTime(Timestamp)",
    "otel_traces_trace_id_ts": "TraceId, Start",
}


@pytest.fixture
def store(lasting_store: Store) -> Store:
    """One for all these tests, which only read."""
    return lasting_store


@pytest.mark.parametrize("table", EXPORTER)
def test_telemetry_tables_are_the_collectors(store: Store, table: str) -> None:
    columns = store.query_df(
        "SELECT name, type FROM system.columns"
        " WHERE database = currentDatabase() AND table = {table:String} ORDER BY position",
        {"table": table},
    )
    assert dict(zip(columns["name"], columns["type"], strict=True)) == EXPORTER[table]
    assert list(columns["name"]) == list(EXPORTER[table])


@pytest.mark.parametrize("table", EXPORTER)
def test_telemetry_tables_are_sorted_and_partitioned_as_the_collectors(
    store: Store, table: str
) -> None:
    row = store.query_df(
        "SELECT sorting_key, partition_key FROM system.tables"
        " WHERE database = currentDatabase() AND name = {table:String}",
        {"table": table},
    ).iloc[0]
    times = {"otel_traces": "Timestamp", "otel_traces_trace_id_ts": "Start"}
    assert row["sorting_key"] == SORTING_KEYS.get(table, METRIC_KEYS)
    assert row["partition_key"] == f"toDate({times.get(table, 'TimeUnix')})"
