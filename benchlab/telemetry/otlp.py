"""The structure of OTLP JSON lines, and the SQL by which ClickHouse parses a block of them.

Lines are inserted into the temporary table ``otlp_lines`` and parsed from there into ``otlp_spans``
and ``otlp_metrics``, where each line is nested tuples. Numbers are parsed as text first, since OTLP
JSON writes 64-bit integers both as strings and as numbers. For the next step see `rows`.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

__all__ = [
    "BAD_SPAN",
    "COUNTS",
    "CREATE",
    "DROP",
    "OTHER_SIGNALS",
    "POINTS",
    "PROBLEMS",
    "READ",
    "SPANS",
    "TABLES",
]

TABLES = ("otlp_lines", "otlp_spans", "otlp_metrics")

_VALUE = (
    "Tuple(stringValue String, intValue String, boolValue String, doubleValue String,"
    " bytesValue String)"
)
_ATTRIBUTES = f"Array(Tuple(key String, value {_VALUE}))"
_EVENTS = f"Array(Tuple(timeUnixNano String, name String, attributes {_ATTRIBUTES}))"
_LINKS = f"Array(Tuple(traceId String, spanId String, traceState String, attributes {_ATTRIBUTES}))"
_SPANS = (
    "Array(Tuple(traceId String, spanId String, parentSpanId String, traceState String,"
    " name String, kind String, startTimeUnixNano String, endTimeUnixNano String,"
    f" attributes {_ATTRIBUTES}, events {_EVENTS}, links {_LINKS},"
    " status Tuple(code String, message String)))"
)
_RESOURCE_SPANS = (
    f"Array(Tuple(resource Tuple(attributes {_ATTRIBUTES}),"
    f" scopeSpans Array(Tuple(scope Tuple(name String, version String), spans {_SPANS}))))"
)

_EXEMPLARS = (
    f"Array(Tuple(filteredAttributes {_ATTRIBUTES}, timeUnixNano String, asInt String,"
    " asDouble String, spanId String, traceId String))"
)
_POINT = f"attributes {_ATTRIBUTES}, startTimeUnixNano String, timeUnixNano String, flags String"
_NUMBERS = f"Array(Tuple({_POINT}, asInt String, asDouble String, exemplars {_EXEMPLARS}))"
_SPREAD = "count String, sum String, min String, max String"
_HISTOGRAMS = (
    f"Array(Tuple({_POINT}, {_SPREAD}, bucketCounts Array(String), explicitBounds Array(String),"
    f" exemplars {_EXEMPLARS}))"
)
_BUCKETS = "Tuple(offset String, bucketCounts Array(String))"
_EXPONENTIAL = (
    f"Array(Tuple({_POINT}, {_SPREAD}, scale String, zeroCount String, positive {_BUCKETS},"
    f" negative {_BUCKETS}, exemplars {_EXEMPLARS}))"
)
_SUMMARIES = (
    f"Array(Tuple({_POINT}, {_SPREAD}, quantileValues Array(Tuple(quantile String, value String))))"
)
_METRICS = (
    "Array(Tuple(name String, description String, unit String,"
    f" gauge Tuple(dataPoints {_NUMBERS}),"
    f" sum Tuple(dataPoints {_NUMBERS}, aggregationTemporality String, isMonotonic String),"
    f" histogram Tuple(dataPoints {_HISTOGRAMS}, aggregationTemporality String),"
    f" exponentialHistogram Tuple(dataPoints {_EXPONENTIAL}, aggregationTemporality String),"
    f" summary Tuple(dataPoints {_SUMMARIES})))"
)
_RESOURCE_METRICS = (
    f"Array(Tuple(resource Tuple(attributes {_ATTRIBUTES}), schemaUrl String,"
    f" scopeMetrics Array(Tuple(scope Tuple(name String, version String, attributes {_ATTRIBUTES},"
    f" droppedAttributesCount String), schemaUrl String, metrics {_METRICS}))))"
)

CREATE = (
    "CREATE TEMPORARY TABLE otlp_lines (file_offset UInt64, line String) ENGINE = Memory",
    "CREATE TEMPORARY TABLE otlp_spans"
    f" (file_offset UInt64, tree {_RESOURCE_SPANS}) ENGINE = Memory",
    "CREATE TEMPORARY TABLE otlp_metrics"
    f" (file_offset UInt64, tree {_RESOURCE_METRICS}) ENGINE = Memory",
)
DROP = tuple(f"DROP TABLE IF EXISTS {name}" for name in TABLES)

SPANS, POINTS = b'"resourceSpans"', b'"resourceMetrics"'
"""A substring of every line of the kind, and so of every block that has one."""

OTHER_SIGNALS = (b'"resourceLogs"', b'"resourceProfiles"')
"""Substrings of lines that hold another kind of telemetry."""


def _is_kind(kind: str, other: str) -> str:
    """SQL condition for a line of this kind. Only a line with both substrings is parsed for it."""
    return (
        f"""position(line, '"{kind}"') > 0"""
        f""" AND (position(line, '"{other}"') = 0 OR JSONHas(line, '{kind}'))"""
    )


READ = {
    SPANS: f"""
    INSERT INTO otlp_spans
    SELECT file_offset, JSONExtract(line, 'resourceSpans', '{_RESOURCE_SPANS}')
    FROM otlp_lines WHERE {_is_kind("resourceSpans", "resourceMetrics")}
    """,  # noqa: S608  # composed of constants
    POINTS: f"""
    INSERT INTO otlp_metrics
    SELECT file_offset, JSONExtract(line, 'resourceMetrics', '{_RESOURCE_METRICS}')
    FROM otlp_lines WHERE {_is_kind("resourceMetrics", "resourceSpans")}
    """,  # noqa: S608  # composed of constants
}
"""Lines into nested tuples."""

BAD_SPAN = """
    (length(span.traceId) != 0 AND NOT match(span.traceId, '^[0-9a-fA-F]{32}$'))
    OR (length(span.spanId) != 0 AND NOT match(span.spanId, '^[0-9a-fA-F]{16}$'))
    OR (span.startTimeUnixNano != '' AND toUInt64OrNull(span.startTimeUnixNano) IS NULL)
    OR (span.endTimeUnixNano != '' AND toUInt64OrNull(span.endTimeUnixNano) IS NULL)
"""
"""SQL condition for a ``span`` whose ids or times cannot be read."""

_BAD_COUNT = (
    f"arraySum(r -> arraySum(s -> arrayCount(span -> {BAD_SPAN}, s.spans), r.scopeSpans), tree)"
)
_SPAN_COUNT = "arraySum(r -> arraySum(s -> length(s.spans), r.scopeSpans), tree)"
_METRIC_POINTS = (
    "length(m.gauge.dataPoints) + length(m.sum.dataPoints) + length(m.histogram.dataPoints)"
    " + length(m.exponentialHistogram.dataPoints) + length(m.summary.dataPoints)"
)
_POINT_COUNT = (
    f"arraySum(r -> arraySum(s -> arraySum(m -> {_METRIC_POINTS}, s.metrics), r.scopeMetrics),"
    " tree)"
)


def _unreadable(table: str, key: str, inner: str, count: str, member: str) -> str:
    """SQL for the lines of a table in which nothing was found though they have something.

    An empty batch has nothing, and that is no fault: a line with ``member`` has something, and so
    has one whose ``key``, or ``inner`` within it, is no list.
    """
    return f"""file_offset IN (
        SELECT file_offset FROM otlp_lines
        WHERE file_offset IN (SELECT file_offset FROM {table} WHERE {count} = 0)
            AND isValidJSON(line)
            AND (position(line, '"{member}"') > 0 OR JSONType(line, '{key}') != 'Array'
                OR arrayExists(
                    part -> JSONType(part) != 'Object'
                        OR JSONType(part, '{inner}') NOT IN ('Array', 'Null'),
                    JSONExtractArrayRaw(line, '{key}')))
    )"""  # noqa: S608  # composed of constants


_METRICS_UNREADABLE = _unreadable(
    "otlp_metrics", "resourceMetrics", "scopeMetrics", _POINT_COUNT, "timeUnixNano"
)

PROBLEMS = {
    b"": """
    SELECT file_offset, multiIf(
        NOT isValidJSON(line), 'is not JSON',
        JSONType(line) = 'Object' AND JSONLength(line) = 0, '',  -- an empty batch
        position(line, '"resourceSpans"') = 0 AND position(line, '"resourceMetrics"') = 0,
        'has neither resourceSpans nor resourceMetrics', '') AS reason, 0 AS lost
    FROM otlp_lines WHERE reason != ''
    """,
    SPANS: f"""
    SELECT file_offset, multiIf(
        {_unreadable("otlp_spans", "resourceSpans", "scopeSpans", _SPAN_COUNT, "spanId")},
        'has no readable span',
        lost > 0, concat('has ', toString(lost), if(lost = 1, ' span', ' spans'),
            ' whose ids or times cannot be read'), '') AS reason,
        {_BAD_COUNT} AS lost
    FROM otlp_spans WHERE reason != ''
    """,  # noqa: S608  # composed of constants
    POINTS: f"""
    SELECT file_offset, 'has no readable data point', 0
    FROM otlp_metrics
    WHERE {_METRICS_UNREADABLE}
    """,  # noqa: S608  # composed of constants
}
"""Offset and fault of each faulty line, and how many of its spans are lost.

Of several faults the first counts. A line that is not JSON has nothing to insert; of one with bad
spans the others are.
"""

COUNTS = {
    SPANS: f"SELECT sum({_SPAN_COUNT}) FROM otlp_spans",  # noqa: S608
    POINTS: f"SELECT sum({_POINT_COUNT}) FROM otlp_metrics",  # noqa: S608
}
"""Numbers of spans, bad ones included, and of data points."""
