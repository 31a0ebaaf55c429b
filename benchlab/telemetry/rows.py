"""Turn parsed OTLP lines (see `otlp`) into rows of the Collector's tables.

One INSERT … SELECT per table unfolds the nested tuples into the rows that the Collector's
ClickHouse exporter 0.161.0 writes. Columns are named, since their order differs by version; columns
of whole seconds, as in metrics, truncate the nanoseconds on insert.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchlab.telemetry.otlp import BAD_SPAN, SPANS

__all__ = ["TARGETS", "Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """A table and the statement that fills it from a block; ``mark`` is in every line for it."""

    table: str
    mark: bytes
    insert: str


def _double(text: str) -> str:
    """SQL that renders the number in the String ``text`` as the Collector does; '' stays ''."""
    number = f"toFloat64OrZero({text})"
    name = f"multiIf(isNaN({number}), 'NaN', {number} > 0, 'Infinity', '-Infinity')"
    return (
        f"multiIf({text} = '', '', isFinite({number}),"
        f" replaceRegexpOne(toString({number}), 'e(\\\\d)', 'e+\\\\1'),"
        f" {name})"
    )


def _map(attributes: str) -> str:
    """SQL for a Map of text from OTLP attributes. Exactly one kind of value is set in each."""
    values = ", ".join(
        f"{attributes}.value.{kind}Value" for kind in ("string", "int", "bool", "double", "bytes")
    )
    plain = f"arrayMap((s, i, b, d, y) -> concat(s, i, b, d, y), {values})"
    exact = f"arrayMap((s, i, b, d, y) -> concat(s, i, b, {_double('d')}, y), {values})"
    # Rendering doubles costs as much as everything else, and most spans have none.
    rendered = f"if(arrayExists(d -> d != '', {attributes}.value.doubleValue), {exact}, {plain})"
    # The Collector sorts them by key, and stores metrics by a hash of them in that order.
    return f"mapSort(CAST(({attributes}.key, {rendered}), 'Map(LowCardinality(String), String)'))"


def _id(text: str) -> str:
    """SQL for a span's or trace's id: lower-case hex, '' when missing or all zero."""
    return f"if(match({text}, '^0*$'), '', lower({text}))"


def _time(text: str) -> str:
    return f"fromUnixTimestamp64Nano(toInt64OrZero({text}))"


def _name_of(code: str, prefix: str, names: tuple[str, ...]) -> str:
    """SQL for the name of an enum that is given as a number, as a name, or not at all."""
    pairs = ", ".join(
        f"{code} IN ('{number}', '{prefix}{name.upper()}'), '{name}'"
        for number, name in enumerate(names)
    )
    return f"multiIf({code} = '', '{names[0]}', {pairs}, '')"


def _columns(columns: dict[str, str]) -> tuple[str, str]:
    names = ", ".join(f"`{name}`" for name in columns)
    return names, ",\n    ".join(columns.values())


_SPAN_KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
_SERVICE = "arrayElement(resource, 'service.name')"


def _traces() -> Target:
    names, values = _columns(
        {
            "Timestamp": _time("span.startTimeUnixNano"),
            "TraceId": _id("span.traceId"),
            "SpanId": _id("span.spanId"),
            "ParentSpanId": _id("span.parentSpanId"),
            "TraceState": "span.traceState",
            "SpanName": "span.name",
            "SpanKind": _name_of("span.kind", "SPAN_KIND_", _SPAN_KINDS),
            "ServiceName": _SERVICE,
            "ResourceAttributes": "resource",
            "ScopeName": "scope_name",
            "ScopeVersion": "scope_version",
            "SpanAttributes": _map("span.attributes"),
            "Duration": (
                "toUInt64(toInt64OrZero(span.endTimeUnixNano)"
                " - toInt64OrZero(span.startTimeUnixNano))"
            ),
            "StatusCode": _name_of("span.status.code", "STATUS_CODE_", ("Unset", "Ok", "Error")),
            "StatusMessage": "span.status.message",
            "Events.Timestamp": f"arrayMap(t -> {_time('t')}, span.events.timeUnixNano)",
            "Events.Name": "span.events.name",
            "Events.Attributes": f"arrayMap(a -> {_map('a')}, span.events.attributes)",
            "Links.TraceId": f"arrayMap(i -> {_id('i')}, span.links.traceId)",
            "Links.SpanId": f"arrayMap(i -> {_id('i')}, span.links.spanId)",
            "Links.TraceState": "span.links.traceState",
            "Links.Attributes": f"arrayMap(a -> {_map('a')}, span.links.attributes)",
        }
    )
    return Target(
        "otel_traces",
        SPANS,
        f"""
INSERT INTO otel_traces ({names})
SELECT
    {values}
FROM (
    SELECT resource, part.scope.name AS scope_name, part.scope.version AS scope_version,
        arrayJoin(part.spans) AS span
    FROM (
        SELECT {_map("r.resource.attributes")} AS resource, arrayJoin(r.scopeSpans) AS part
        FROM (SELECT arrayJoin(tree) AS r FROM otlp_spans)
    )
)
WHERE NOT {{some_bad:Bool}} OR NOT ({BAD_SPAN})
""",  # noqa: S608  # composed of constants
    )


_EXEMPLAR_COLUMNS = {
    "Exemplars.FilteredAttributes": (
        f"arrayMap(a -> {_map('a')}, point.exemplars.filteredAttributes)"
    ),
    "Exemplars.TimeUnix": f"arrayMap(t -> {_time('t')}, point.exemplars.timeUnixNano)",
    "Exemplars.Value": (
        "arrayMap((i, d) -> toFloat64OrZero(concat(i, d)),"
        " point.exemplars.asInt, point.exemplars.asDouble)"
    ),
    # Unlike a span's, an exemplar's missing id is stored as zeros by the Collector.
    "Exemplars.SpanId": "arrayMap(i -> leftPad(lower(i), 16, '0'), point.exemplars.spanId)",
    "Exemplars.TraceId": "arrayMap(i -> leftPad(lower(i), 32, '0'), point.exemplars.traceId)",
}
_NUMBER_COLUMNS = {"Value": "toFloat64OrZero(concat(point.asInt, point.asDouble))"}
_FLAGS = {"Flags": "toUInt32OrZero(point.flags)"}
_COUNT_AND_SUM = {"Count": "toUInt64OrZero(point.count)", "Sum": "toFloat64OrZero(point.sum)"}
_EXTREMES = {"Min": "toFloat64OrZero(point.min)", "Max": "toFloat64OrZero(point.max)"}
_TEMPORALITY = {
    "AggregationTemporality": (
        "multiIf(metric.{kind}.aggregationTemporality IN"
        " ('1', 'AGGREGATION_TEMPORALITY_DELTA'), 1,"
        " metric.{kind}.aggregationTemporality IN"
        " ('2', 'AGGREGATION_TEMPORALITY_CUMULATIVE'), 2, 0)"
    )
}


def _counts(expression: str) -> str:
    return f"arrayMap(c -> toUInt64OrZero(c), {expression})"


def _floats(expression: str) -> str:
    return f"arrayMap(v -> toFloat64OrZero(v), {expression})"


_METRIC_COLUMNS: dict[str, tuple[str, dict[str, str]]] = {
    "gauge": ("gauge", {**_NUMBER_COLUMNS, **_FLAGS, **_EXEMPLAR_COLUMNS}),
    "sum": (
        "sum",
        {
            **_NUMBER_COLUMNS,
            **_FLAGS,
            **_EXEMPLAR_COLUMNS,
            **_TEMPORALITY,
            "IsMonotonic": "metric.sum.isMonotonic = 'true'",
        },
    ),
    "histogram": (
        "histogram",
        {
            **_COUNT_AND_SUM,
            "BucketCounts": _counts("point.bucketCounts"),
            "ExplicitBounds": _floats("point.explicitBounds"),
            **_EXEMPLAR_COLUMNS,
            **_FLAGS,
            **_EXTREMES,
            **_TEMPORALITY,
        },
    ),
    "exponentialHistogram": (
        "exponential_histogram",
        {
            **_COUNT_AND_SUM,
            "Scale": "toInt32OrZero(point.scale)",
            "ZeroCount": "toUInt64OrZero(point.zeroCount)",
            "PositiveOffset": "toInt32OrZero(point.positive.offset)",
            "PositiveBucketCounts": _counts("point.positive.bucketCounts"),
            "NegativeOffset": "toInt32OrZero(point.negative.offset)",
            "NegativeBucketCounts": _counts("point.negative.bucketCounts"),
            **_EXEMPLAR_COLUMNS,
            **_FLAGS,
            **_EXTREMES,
            **_TEMPORALITY,
        },
    ),
    "summary": (
        "summary",
        {
            **_COUNT_AND_SUM,
            "ValueAtQuantiles.Quantile": _floats("point.quantileValues.quantile"),
            "ValueAtQuantiles.Value": _floats("point.quantileValues.value"),
            **_FLAGS,
        },
    ),
}


def _metrics(kind: str) -> Target:
    table, own = _METRIC_COLUMNS[kind]
    names, values = _columns(
        {
            "ResourceAttributes": "resource",
            "ResourceSchemaUrl": "resource_schema_url",
            "ScopeName": "part.scope.name",
            "ScopeVersion": "part.scope.version",
            "ScopeAttributes": _map("part.scope.attributes"),
            "ScopeDroppedAttrCount": "toUInt32OrZero(part.scope.droppedAttributesCount)",
            "ScopeSchemaUrl": "part.schemaUrl",
            "ServiceName": _SERVICE,
            "MetricName": "metric.name",
            "MetricDescription": "metric.description",
            "MetricUnit": "metric.unit",
            "Attributes": _map("point.attributes"),
            "StartTimeUnix": _time("point.startTimeUnixNano"),
            "TimeUnix": _time("point.timeUnixNano"),
            **{name: sql.replace("{kind}", kind) for name, sql in own.items()},
        }
    )
    return Target(
        f"otel_metrics_{table}",
        f'"{kind}"'.encode(),
        f"""
INSERT INTO otel_metrics_{table} ({names})
SELECT
    {values}
FROM (
    SELECT resource, resource_schema_url, part, metric,
        arrayJoin(metric.{kind}.dataPoints) AS point
    FROM (
        SELECT resource, resource_schema_url, part, arrayJoin(part.metrics) AS metric
        FROM (
            SELECT {_map("r.resource.attributes")} AS resource,
                r.schemaUrl AS resource_schema_url, arrayJoin(r.scopeMetrics) AS part
            FROM (SELECT arrayJoin(tree) AS r FROM otlp_metrics)
        )
    )
)
""",  # noqa: S608  # composed of constants
    )


TARGETS = (_traces(), *(_metrics(kind) for kind in _METRIC_COLUMNS))
"""One statement per table of the Collector's."""
