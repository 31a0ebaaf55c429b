from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchlab.errors import SchemaError
from benchlab.store import Store, migrate

MAP = "Map(LowCardinality(String), String)"
LOW = "LowCardinality(String)"
TIME = "DateTime64(9)"

# What the Collector's ClickHouse exporter 0.160.0 creates: names and types, in order.
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
    "MetricName": "String",
    "MetricDescription": "String",
    "MetricUnit": "String",
    "Attributes": MAP,
    "StartTimeUnix": TIME,
    "TimeUnix": TIME,
}
EXEMPLARS = {
    "Exemplars.FilteredAttributes": f"Array({MAP})",
    "Exemplars.TimeUnix": f"Array({TIME})",
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


def test_files_are_numbered_without_a_gap() -> None:
    steps = migrate.migrations()
    assert [step.version for step in steps] == list(range(1, len(steps) + 1))
    assert all(list(step.statements()) for step in steps)


def test_every_statement_can_be_repeated() -> None:
    for step in migrate.migrations():
        for statement in step.statements():
            assert re.match(r"CREATE (TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS ", statement)


def test_applied_once(store: Store) -> None:
    for _ in range(2):
        applied = store.query_df("SELECT version, name FROM schema_migrations ORDER BY version")
        assert list(applied["version"]) == [step.version for step in migrate.migrations()]
        assert list(applied["name"]) == [step.name for step in migrate.migrations()]


def test_one_that_was_cut_off_is_applied_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(f"chdb://{tmp_path / 'fresh'}")
    first, second, *rest = migrate.migrations()
    broken = replace(second, sql=second.sql + "\nCREATE NONSENSE;\n")
    monkeypatch.setattr(migrate, "migrations", lambda: (first, broken, *rest))
    with pytest.raises(Exception, match="NONSENSE"):
        store.runs()
    monkeypatch.undo()
    assert store.runs().empty
    count = store.query_df("SELECT count() AS n FROM schema_migrations")["n"][0]
    assert count == len(migrate.migrations())


def test_a_newer_store_is_refused(closed_store: Store) -> None:
    closed_store.query_df(
        "INSERT INTO schema_migrations (version, name) VALUES (99, 'x')", write=True
    )
    with pytest.raises(SchemaError, match="schema 99, this benchlab knows up to"):
        closed_store.runs()


@pytest.mark.parametrize("table", EXPORTER)
def test_telemetry_tables_are_the_collectors(store: Store, table: str) -> None:
    columns = store.query_df(
        "SELECT name, type FROM system.columns"
        " WHERE database = currentDatabase() AND table = {table:String} ORDER BY position",
        {"table": table},
    )
    assert dict(zip(columns["name"], columns["type"], strict=True)) == EXPORTER[table]
    assert list(columns["name"]) == list(EXPORTER[table])
