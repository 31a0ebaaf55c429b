CREATE TABLE IF NOT EXISTS runs_local ON CLUSTER lab (
    id String,
    started_at DateTime64(9, 'UTC'),
    name String,
    url String,
    endpoint String,
    verdict LowCardinality(String),
    reason String,
    tags Map(LowCardinality(String), String),
    sample_count UInt64,
    request_count UInt64,
    error_count UInt64,
    errors Map(LowCardinality(String), UInt64),
    bytes_in Int64,
    duration_s Float64,
    rate_rps Float64,
    intended_rate_rps Nullable(Float64),
    latency_mean_ns Nullable(Int64),
    latency_min_ns Nullable(Int64),
    latency_p50_ns Nullable(Int64),
    latency_p90_ns Nullable(Int64),
    latency_p95_ns Nullable(Int64),
    latency_p99_ns Nullable(Int64),
    latency_p99_9_ns Nullable(Int64),
    latency_max_ns Nullable(Int64),
    service_mean_ns Nullable(Int64),
    service_min_ns Nullable(Int64),
    service_p50_ns Nullable(Int64),
    service_p90_ns Nullable(Int64),
    service_p95_ns Nullable(Int64),
    service_p99_ns Nullable(Int64),
    service_p99_9_ns Nullable(Int64),
    service_max_ns Nullable(Int64),
    lag_mean_ns Nullable(Int64),
    lag_min_ns Nullable(Int64),
    lag_p50_ns Nullable(Int64),
    lag_p90_ns Nullable(Int64),
    lag_p95_ns Nullable(Int64),
    lag_p99_ns Nullable(Int64),
    lag_p99_9_ns Nullable(Int64),
    lag_max_ns Nullable(Int64),
    stopped_ns Nullable(Int64),
    stop_reason String,
    plan String CODEC(ZSTD(3)),
    environment String CODEC(ZSTD(3)),
    health String CODEC(ZSTD(3)),
    examples String CODEC(ZSTD(3)),
    metadata String CODEC(ZSTD(3)),
    saved_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
ORDER BY id
SETTINGS replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS runs ON CLUSTER lab AS runs_local
ENGINE = Distributed(lab, currentDatabase(), runs_local, cityHash64(id));

CREATE TABLE IF NOT EXISTS samples_local ON CLUSTER lab (
    run_id LowCardinality(String) CODEC(ZSTD(1)),
    started_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    seq Int64 CODEC(DoubleDelta, ZSTD(1)),
    intended_ns Int64 CODEC(Delta(8), T64, ZSTD(1)),
    lag_ns Int64 CODEC(T64('bit'), ZSTD(1)),
    service_ns Int64 CODEC(T64('bit'), ZSTD(1)),
    body_ns Int64 CODEC(T64('bit'), ZSTD(1)) COMMENT 'from the first byte of the response to its end',
    bytes_in Int64 CODEC(T64, ZSTD(1)),
    status UInt16 CODEC(T64, ZSTD(1)),
    endpoint UInt16 CODEC(T64, ZSTD(1)),
    error UInt8 CODEC(ZSTD(1)),
    flags UInt8 CODEC(ZSTD(1)),
    latency_ns Int64 ALIAS lag_ns + service_ns,
    sent_ns Int64 ALIAS intended_ns + lag_ns,
    done_ns Int64 ALIAS intended_ns + lag_ns + service_ns,
    first_byte_ns Int64 ALIAS intended_ns + lag_ns + service_ns - body_ns,
    warmup Bool ALIAS bitTest(flags, 0),
    timestamp DateTime64(9, 'UTC') ALIAS started_at + toIntervalNanosecond(intended_ns)
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PARTITION BY toYYYYMM(started_at)
ORDER BY (run_id, seq)
SETTINGS replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS samples ON CLUSTER lab AS samples_local
ENGINE = Distributed(lab, currentDatabase(), samples_local, cityHash64(run_id));

CREATE TABLE IF NOT EXISTS connections_local ON CLUSTER lab (
    run_id LowCardinality(String) CODEC(ZSTD(1)),
    started_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    seq Int64 CODEC(T64, ZSTD(1)) COMMENT 'the request it was opened for; -1: before the run',
    start_ns Int64 CODEC(Delta(8), T64, ZSTD(1)),
    dns_ns Int64 CODEC(T64, ZSTD(1)),
    connect_ns Int64 CODEC(T64, ZSTD(1)),
    tls_ns Int64 CODEC(T64, ZSTD(1)),
    origin UInt32 CODEC(T64, ZSTD(1)),
    error UInt32 CODEC(T64, ZSTD(1)),
    timestamp DateTime64(9, 'UTC') ALIAS started_at + toIntervalNanosecond(start_ns)
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PARTITION BY toYYYYMM(started_at)
ORDER BY (run_id, start_ns)
SETTINGS replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS connections ON CLUSTER lab AS connections_local
ENGINE = Distributed(lab, currentDatabase(), connections_local, cityHash64(run_id));

CREATE TABLE IF NOT EXISTS otel_traces_local ON CLUSTER lab (
    Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)),
    TraceState String CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    SpanKind LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    Duration UInt64 CODEC(ZSTD(1)),
    StatusCode LowCardinality(String) CODEC(ZSTD(1)),
    StatusMessage String CODEC(ZSTD(1)),
    Events Nested (
        Timestamp DateTime64(9),
        Name LowCardinality(String),
        Attributes Map(LowCardinality(String), String)
    ) CODEC(ZSTD(1)),
    Links Nested (
        TraceId String,
        SpanId String,
        TraceState String,
        Attributes Map(LowCardinality(String), String)
    ) CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_span_attr_key mapKeys(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_span_attr_value mapValues(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_duration Duration TYPE minmax GRANULARITY 1
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PARTITION BY toDate(Timestamp)
ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS otel_traces ON CLUSTER lab AS otel_traces_local
ENGINE = Distributed(lab, currentDatabase(), otel_traces_local, cityHash64(TraceId));

CREATE TABLE IF NOT EXISTS otel_traces_trace_id_ts_local ON CLUSTER lab (
    TraceId String CODEC(ZSTD(1)),
    Start DateTime CODEC(Delta, ZSTD(1)),
    End DateTime CODEC(Delta, ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PARTITION BY toDate(Start)
ORDER BY (TraceId, Start)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS otel_traces_trace_id_ts ON CLUSTER lab AS otel_traces_trace_id_ts_local
ENGINE = Distributed(lab, currentDatabase(), otel_traces_trace_id_ts_local, cityHash64(TraceId));

CREATE MATERIALIZED VIEW IF NOT EXISTS otel_traces_trace_id_ts_mv ON CLUSTER lab TO otel_traces_trace_id_ts_local AS
SELECT
    TraceId,
    min(Timestamp) AS Start,
    max(Timestamp) AS End
FROM otel_traces_local AS otel_traces
WHERE TraceId != ''
GROUP BY TraceId;

CREATE TABLE IF NOT EXISTS otel_metrics_gauge_local ON CLUSTER lab (
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ResourceSchemaUrl String CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeDroppedAttrCount UInt32 CODEC(ZSTD(1)),
    ScopeSchemaUrl String CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    MetricName LowCardinality(String) CODEC(ZSTD(1)),
    MetricDescription String CODEC(ZSTD(1)),
    MetricUnit String CODEC(ZSTD(1)),
    Attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    StartTimeUnix DateTime CODEC(Delta, ZSTD(1)),
    TimeUnix DateTime CODEC(Delta, ZSTD(1)),
    Value Float64 CODEC(ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),
    Exemplars Nested (
        FilteredAttributes Map(LowCardinality(String), String),
        TimeUnix DateTime,
        Value Float64,
        SpanId String,
        TraceId String
    ) CODEC(ZSTD(1)),
    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_key mapKeys(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_value mapValues(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_attr_key mapKeys(Attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_attr_value mapValues(Attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_time_minmax TimeUnix TYPE minmax GRANULARITY 1
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PARTITION BY toDate(TimeUnix)
ORDER BY (ServiceName, MetricName, toStartOfHour(TimeUnix), cityHash64(Attributes), TimeUnix)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS otel_metrics_gauge ON CLUSTER lab AS otel_metrics_gauge_local
ENGINE = Distributed(lab, currentDatabase(), otel_metrics_gauge_local, cityHash64(MetricName));

CREATE TABLE IF NOT EXISTS otel_metrics_sum_local ON CLUSTER lab (
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ResourceSchemaUrl String CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeDroppedAttrCount UInt32 CODEC(ZSTD(1)),
    ScopeSchemaUrl String CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    MetricName LowCardinality(String) CODEC(ZSTD(1)),
    MetricDescription String CODEC(ZSTD(1)),
    MetricUnit String CODEC(ZSTD(1)),
    Attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    StartTimeUnix DateTime CODEC(Delta, ZSTD(1)),
    TimeUnix DateTime CODEC(Delta, ZSTD(1)),
    Value Float64 CODEC(ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),
    Exemplars Nested (
        FilteredAttributes Map(LowCardinality(String), String),
        TimeUnix DateTime,
        Value Float64,
        SpanId String,
        TraceId String
    ) CODEC(ZSTD(1)),
    AggregationTemporality Int32 CODEC(ZSTD(1)),
    IsMonotonic Boolean CODEC(Delta, ZSTD(1)),
    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_key mapKeys(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_value mapValues(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_attr_key mapKeys(Attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_attr_value mapValues(Attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_time_minmax TimeUnix TYPE minmax GRANULARITY 1
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PARTITION BY toDate(TimeUnix)
ORDER BY (ServiceName, MetricName, toStartOfHour(TimeUnix), cityHash64(Attributes), TimeUnix)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS otel_metrics_sum ON CLUSTER lab AS otel_metrics_sum_local
ENGINE = Distributed(lab, currentDatabase(), otel_metrics_sum_local, cityHash64(MetricName));

CREATE TABLE IF NOT EXISTS otel_metrics_histogram_local ON CLUSTER lab (
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ResourceSchemaUrl String CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeDroppedAttrCount UInt32 CODEC(ZSTD(1)),
    ScopeSchemaUrl String CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    MetricName LowCardinality(String) CODEC(ZSTD(1)),
    MetricDescription String CODEC(ZSTD(1)),
    MetricUnit String CODEC(ZSTD(1)),
    Attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    StartTimeUnix DateTime CODEC(Delta, ZSTD(1)),
    TimeUnix DateTime CODEC(Delta, ZSTD(1)),
    Count UInt64 CODEC(Delta, ZSTD(1)),
    Sum Float64 CODEC(ZSTD(1)),
    BucketCounts Array(UInt64) CODEC(ZSTD(1)),
    ExplicitBounds Array(Float64) CODEC(ZSTD(1)),
    Exemplars Nested (
        FilteredAttributes Map(LowCardinality(String), String),
        TimeUnix DateTime,
        Value Float64,
        SpanId String,
        TraceId String
    ) CODEC(ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),
    Min Float64 CODEC(ZSTD(1)),
    Max Float64 CODEC(ZSTD(1)),
    AggregationTemporality Int32 CODEC(ZSTD(1)),
    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_key mapKeys(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_value mapValues(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_attr_key mapKeys(Attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_attr_value mapValues(Attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_time_minmax TimeUnix TYPE minmax GRANULARITY 1
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PARTITION BY toDate(TimeUnix)
ORDER BY (ServiceName, MetricName, toStartOfHour(TimeUnix), cityHash64(Attributes), TimeUnix)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS otel_metrics_histogram ON CLUSTER lab AS otel_metrics_histogram_local
ENGINE = Distributed(lab, currentDatabase(), otel_metrics_histogram_local, cityHash64(MetricName));

CREATE TABLE IF NOT EXISTS otel_metrics_exponential_histogram_local ON CLUSTER lab (
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ResourceSchemaUrl String CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeDroppedAttrCount UInt32 CODEC(ZSTD(1)),
    ScopeSchemaUrl String CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    MetricName LowCardinality(String) CODEC(ZSTD(1)),
    MetricDescription String CODEC(ZSTD(1)),
    MetricUnit String CODEC(ZSTD(1)),
    Attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    StartTimeUnix DateTime CODEC(Delta, ZSTD(1)),
    TimeUnix DateTime CODEC(Delta, ZSTD(1)),
    Count UInt64 CODEC(Delta, ZSTD(1)),
    Sum Float64 CODEC(ZSTD(1)),
    Scale Int32 CODEC(ZSTD(1)),
    ZeroCount UInt64 CODEC(ZSTD(1)),
    PositiveOffset Int32 CODEC(ZSTD(1)),
    PositiveBucketCounts Array(UInt64) CODEC(ZSTD(1)),
    NegativeOffset Int32 CODEC(ZSTD(1)),
    NegativeBucketCounts Array(UInt64) CODEC(ZSTD(1)),
    Exemplars Nested (
        FilteredAttributes Map(LowCardinality(String), String),
        TimeUnix DateTime,
        Value Float64,
        SpanId String,
        TraceId String
    ) CODEC(ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),
    Min Float64 CODEC(ZSTD(1)),
    Max Float64 CODEC(ZSTD(1)),
    AggregationTemporality Int32 CODEC(ZSTD(1)),
    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_key mapKeys(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_value mapValues(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_attr_key mapKeys(Attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_attr_value mapValues(Attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_time_minmax TimeUnix TYPE minmax GRANULARITY 1
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PARTITION BY toDate(TimeUnix)
ORDER BY (ServiceName, MetricName, toStartOfHour(TimeUnix), cityHash64(Attributes), TimeUnix)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS otel_metrics_exponential_histogram ON CLUSTER lab AS otel_metrics_exponential_histogram_local
ENGINE = Distributed(lab, currentDatabase(), otel_metrics_exponential_histogram_local, cityHash64(MetricName));

CREATE TABLE IF NOT EXISTS otel_metrics_summary_local ON CLUSTER lab (
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ResourceSchemaUrl String CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeDroppedAttrCount UInt32 CODEC(ZSTD(1)),
    ScopeSchemaUrl String CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    MetricName LowCardinality(String) CODEC(ZSTD(1)),
    MetricDescription String CODEC(ZSTD(1)),
    MetricUnit String CODEC(ZSTD(1)),
    Attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    StartTimeUnix DateTime CODEC(Delta, ZSTD(1)),
    TimeUnix DateTime CODEC(Delta, ZSTD(1)),
    Count UInt64 CODEC(Delta, ZSTD(1)),
    Sum Float64 CODEC(ZSTD(1)),
    ValueAtQuantiles Nested (
        Quantile Float64,
        Value Float64
    ) CODEC(ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),
    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_key mapKeys(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_value mapValues(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_attr_key mapKeys(Attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_attr_value mapValues(Attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_time_minmax TimeUnix TYPE minmax GRANULARITY 1
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PARTITION BY toDate(TimeUnix)
ORDER BY (ServiceName, MetricName, toStartOfHour(TimeUnix), cityHash64(Attributes), TimeUnix)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS otel_metrics_summary ON CLUSTER lab AS otel_metrics_summary_local
ENGINE = Distributed(lab, currentDatabase(), otel_metrics_summary_local, cityHash64(MetricName));

ALTER TABLE otel_traces_local ON CLUSTER lab MODIFY SETTING replicated_deduplication_window = 10000;

ALTER TABLE otel_traces_trace_id_ts_local ON CLUSTER lab MODIFY SETTING replicated_deduplication_window = 10000;

ALTER TABLE otel_metrics_gauge_local ON CLUSTER lab MODIFY SETTING replicated_deduplication_window = 10000;

ALTER TABLE otel_metrics_sum_local ON CLUSTER lab MODIFY SETTING replicated_deduplication_window = 10000;

ALTER TABLE otel_metrics_histogram_local ON CLUSTER lab MODIFY SETTING replicated_deduplication_window = 10000;

ALTER TABLE otel_metrics_exponential_histogram_local ON CLUSTER lab MODIFY SETTING replicated_deduplication_window = 10000;

ALTER TABLE otel_metrics_summary_local ON CLUSTER lab MODIFY SETTING replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS ingest_blocks_local ON CLUSTER lab (
    file_id String,
    start_offset UInt64,
    end_offset UInt64,
    tail_hash String,
    line_sums Array(UInt32) CODEC(ZSTD(1)),
    state UInt8 COMMENT '1 begun, 2 finished',
    path String,
    line_count UInt64,
    span_count UInt64,
    metric_point_count UInt64,
    error_count UInt64,
    recorded_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', state)
ORDER BY (file_id, start_offset)
SETTINGS replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS ingest_blocks ON CLUSTER lab AS ingest_blocks_local
ENGINE = Distributed(lab, currentDatabase(), ingest_blocks_local, cityHash64(file_id));

CREATE TABLE IF NOT EXISTS ingest_errors_local ON CLUSTER lab (
    file_id String,
    path String,
    file_offset UInt64,
    reason String,
    line_head String,
    recorded_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
ORDER BY (file_id, file_offset)
SETTINGS replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS ingest_errors ON CLUSTER lab AS ingest_errors_local
ENGINE = Distributed(lab, currentDatabase(), ingest_errors_local, cityHash64(file_id));

CREATE VIEW IF NOT EXISTS benchmark_results ON CLUSTER lab AS
SELECT
    started_at AS timestamp,
    id AS run_id,
    name,
    url,
    endpoint,
    latency_mean_ns / 1e9 AS avg_latency,
    latency_p50_ns / 1e9 AS p50_latency,
    latency_p90_ns / 1e9 AS p90_latency,
    latency_p95_ns / 1e9 AS p95_latency,
    latency_p99_ns / 1e9 AS p99_latency,
    latency_p99_9_ns / 1e9 AS p99_9_latency,
    latency_min_ns / 1e9 AS min_latency,
    latency_max_ns / 1e9 AS max_latency,
    request_count AS total_requests,
    error_count,
    rate_rps,
    intended_rate_rps,
    duration_s,
    verdict,
    reason,
    tags
FROM runs;

CREATE VIEW IF NOT EXISTS run_percentiles ON CLUSTER lab AS
SELECT
    run_id,
    count() AS request_count,
    countIf(error != 0) AS error_count,
    quantilesExact(0.5, 0.9, 0.95, 0.99, 0.999)(latency_ns) AS latency,
    quantilesExact(0.5, 0.9, 0.95, 0.99, 0.999)(service_ns) AS service,
    latency[1] AS latency_p50_ns,
    latency[2] AS latency_p90_ns,
    latency[3] AS latency_p95_ns,
    latency[4] AS latency_p99_ns,
    latency[5] AS latency_p99_9_ns,
    max(latency_ns) AS latency_max_ns,
    service[1] AS service_p50_ns,
    service[2] AS service_p90_ns,
    service[3] AS service_p95_ns,
    service[4] AS service_p99_ns,
    service[5] AS service_p99_9_ns,
    max(service_ns) AS service_max_ns
FROM samples
WHERE NOT warmup AND run_id GLOBAL IN (SELECT id FROM runs)
GROUP BY run_id;

CREATE TABLE IF NOT EXISTS endpoint_seconds_local ON CLUSTER lab (
    run_id LowCardinality(String),
    started_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    endpoint UInt16 CODEC(T64, ZSTD(1)),
    second Int64 CODEC(Delta(8), ZSTD(1)) COMMENT 'of the run, by intended time',
    warmup Bool,
    request_count SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    error_count SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    bytes_in SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    latency_max_ns SimpleAggregateFunction(max, Int64) CODEC(T64, ZSTD(1)),
    latency AggregateFunction(quantilesDD(0.005, 0.5, 0.9, 0.95, 0.99, 0.999), Int64) CODEC(ZSTD(1))
) ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PARTITION BY toYYYYMM(started_at)
ORDER BY (run_id, endpoint, second, warmup)
SETTINGS replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS endpoint_seconds ON CLUSTER lab AS endpoint_seconds_local
ENGINE = Distributed(lab, currentDatabase(), endpoint_seconds_local, cityHash64(run_id));

CREATE MATERIALIZED VIEW IF NOT EXISTS endpoint_seconds_mv ON CLUSTER lab TO endpoint_seconds_local AS
SELECT
    run_id,
    any(samples.started_at) AS started_at,
    endpoint,
    intDiv(intended_ns, 1000000000) AS second,
    bitTest(flags, 0) AS warmup,
    count() AS request_count,
    countIf(error != 0) AS error_count,
    sum(samples.bytes_in) AS bytes_in,
    max(lag_ns + service_ns) AS latency_max_ns,
    quantilesDDState(0.005, 0.5, 0.9, 0.95, 0.99, 0.999)(lag_ns + service_ns) AS latency
FROM samples_local AS samples
GROUP BY run_id, endpoint, second, warmup;

CREATE VIEW IF NOT EXISTS per_second ON CLUSTER lab AS
SELECT
    run_id,
    second,
    warmup,
    any(started_at) + toIntervalSecond(second) AS timestamp,
    sum(seconds.request_count) AS request_count,
    sum(seconds.error_count) AS error_count,
    sum(seconds.bytes_in) AS bytes_in,
    quantilesDDMerge(0.005, 0.5, 0.9, 0.95, 0.99, 0.999)(latency) AS percentiles,
    toInt64(percentiles[1]) AS latency_p50_ns,
    toInt64(percentiles[2]) AS latency_p90_ns,
    toInt64(percentiles[3]) AS latency_p95_ns,
    toInt64(percentiles[4]) AS latency_p99_ns,
    toInt64(percentiles[5]) AS latency_p99_9_ns,
    max(seconds.latency_max_ns) AS latency_max_ns
FROM endpoint_seconds AS seconds
WHERE run_id GLOBAL IN (SELECT id FROM runs)
GROUP BY run_id, second, warmup;

CREATE VIEW IF NOT EXISTS per_endpoint ON CLUSTER lab AS
SELECT
    run_id,
    endpoint,
    arrayConcat(
        JSONExtract(any(runs.plan), 'requests', 'Array(Tuple(name String))').name,
        JSONExtract(any(runs.plan), 'scenario', 'steps', 'Array(String)')
    )[endpoint + 1] AS name,
    sum(seconds.request_count) AS request_count,
    sum(seconds.error_count) AS error_count,
    sum(seconds.bytes_in) AS bytes_in,
    quantilesDDMerge(0.005, 0.5, 0.9, 0.95, 0.99, 0.999)(latency) AS percentiles,
    toInt64(percentiles[1]) AS latency_p50_ns,
    toInt64(percentiles[2]) AS latency_p90_ns,
    toInt64(percentiles[3]) AS latency_p95_ns,
    toInt64(percentiles[4]) AS latency_p99_ns,
    toInt64(percentiles[5]) AS latency_p99_9_ns,
    max(seconds.latency_max_ns) AS latency_max_ns
FROM endpoint_seconds AS seconds
GLOBAL INNER JOIN runs ON runs.id = seconds.run_id
WHERE NOT warmup
GROUP BY run_id, endpoint;

CREATE VIEW IF NOT EXISTS latency_histogram ON CLUSTER lab AS
WITH
    arrayConcat(
        [0],
        arrayFlatten(arrayMap(
            power -> arrayMap(
                step -> toInt64(step * intExp10(power)),
                [100, 112, 125, 140, 160, 180, 200, 224, 250, 280,
                    315, 355, 400, 450, 500, 560, 630, 710, 800, 900]
            ),
            range(1, 13)
        )),
        [1000000000000000]
    ) AS edges
SELECT
    run_id,
    roundDown(lag_ns + service_ns, edges) AS lower_ns,
    edges[indexOf(edges, lower_ns) + 1] AS upper_ns,
    count() AS request_count
FROM samples
WHERE NOT bitTest(flags, 0) AND run_id GLOBAL IN (SELECT id FROM runs)
GROUP BY run_id, lower_ns;

CREATE VIEW IF NOT EXISTS runs_latest ON CLUSTER lab AS
SELECT *
FROM runs
ORDER BY started_at DESC, id DESC
LIMIT 1 BY name;

CREATE TABLE IF NOT EXISTS imported_summaries_local ON CLUSTER lab (
    id String,
    tool LowCardinality(String),
    format LowCardinality(String),
    name String,
    url String,
    started_at Nullable(DateTime64(9, 'UTC')),
    duration_s Nullable(Float64),
    request_count Nullable(UInt64),
    error_count Nullable(UInt64),
    rate_rps Nullable(Float64),
    mean_ns Nullable(Int64),
    min_ns Nullable(Int64),
    max_ns Nullable(Int64),
    percentile_ratios Array(Float64) COMMENT '0 to 1, ascending',
    percentile_ns Array(Int64),
    percentile_counts Array(Nullable(UInt64)) COMMENT 'requests that took at most as long',
    notes Array(String),
    imported_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
ORDER BY id
SETTINGS replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS imported_summaries ON CLUSTER lab AS imported_summaries_local
ENGINE = Distributed(lab, currentDatabase(), imported_summaries_local, cityHash64(id));

CREATE TABLE IF NOT EXISTS imported_timeline_local ON CLUSTER lab (
    summary_id String,
    line UInt32,
    at DateTime('UTC'),
    endpoint String,
    user_count UInt32,
    rate_rps Float64,
    failure_rate_rps Float64,
    request_count UInt64,
    error_count UInt64,
    percentile_ratios Array(Float64),
    percentile_ns Array(Int64),
    imported_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
ORDER BY (summary_id, line)
SETTINGS replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS imported_timeline ON CLUSTER lab AS imported_timeline_local
ENGINE = Distributed(lab, currentDatabase(), imported_timeline_local, cityHash64(summary_id));

ALTER TABLE runs_local ON CLUSTER lab ADD COLUMN IF NOT EXISTS objective_count UInt32;

ALTER TABLE runs ON CLUSTER lab ADD COLUMN IF NOT EXISTS objective_count UInt32;

ALTER TABLE runs_local ON CLUSTER lab ADD COLUMN IF NOT EXISTS broken_objective_count UInt32;

ALTER TABLE runs ON CLUSTER lab ADD COLUMN IF NOT EXISTS broken_objective_count UInt32;

ALTER TABLE imported_timeline_local ON CLUSTER lab MODIFY COLUMN user_count Nullable(UInt32);

ALTER TABLE imported_timeline ON CLUSTER lab MODIFY COLUMN user_count Nullable(UInt32);

ALTER TABLE imported_timeline_local ON CLUSTER lab MODIFY COLUMN failure_rate_rps Nullable(Float64);

ALTER TABLE imported_timeline ON CLUSTER lab MODIFY COLUMN failure_rate_rps Nullable(Float64);

ALTER TABLE imported_timeline_local ON CLUSTER lab MODIFY COLUMN error_count Nullable(UInt64);

ALTER TABLE imported_timeline ON CLUSTER lab MODIFY COLUMN error_count Nullable(UInt64);

CREATE TABLE IF NOT EXISTS experiments_local ON CLUSTER lab (
    id String,
    started_at DateTime64(9, 'UTC'),
    kind LowCardinality(String),
    name String,
    run_ids Array(String) COMMENT 'in the order they were made',
    design String CODEC(ZSTD(3)),
    result String CODEC(ZSTD(3)),
    saved_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
ORDER BY id
SETTINGS replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS experiments ON CLUSTER lab AS experiments_local
ENGINE = Distributed(lab, currentDatabase(), experiments_local, cityHash64(id));

CREATE TABLE IF NOT EXISTS baselines_local ON CLUSTER lab (
    id String COMMENT 'its name',
    run_ids Array(String),
    set_at DateTime64(9, 'UTC')
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
ORDER BY (id, set_at)
SETTINGS replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS baselines ON CLUSTER lab AS baselines_local
ENGINE = Distributed(lab, currentDatabase(), baselines_local, cityHash64(id));

ALTER TABLE samples_local ON CLUSTER lab ADD COLUMN IF NOT EXISTS connection UInt16 CODEC(T64, ZSTD(1))
    COMMENT 'from 1, modulo 65,535; 0: not known';

ALTER TABLE samples ON CLUSTER lab ADD COLUMN IF NOT EXISTS connection UInt16
    COMMENT 'from 1, modulo 65,535; 0: not known';

CREATE TABLE IF NOT EXISTS faults_local ON CLUSTER lab (
    run_id LowCardinality(String) CODEC(ZSTD(1)),
    started_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'of the run',
    number UInt32 COMMENT 'its index among the faults of the plan',
    kind LowCardinality(String),
    fault String COMMENT 'as the plan has it',
    began_at DateTime64(9, 'UTC'),
    ended_at Nullable(DateTime64(9, 'UTC')) COMMENT 'null: never, as far as is known',
    began_ns Int64 COMMENT 'from the start of the run',
    ended_ns Nullable(Int64),
    error String COMMENT 'why it could not be set, kept or lifted; empty if it could'
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PARTITION BY toYYYYMM(started_at)
ORDER BY (run_id, number)
SETTINGS replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS faults ON CLUSTER lab AS faults_local
ENGINE = Distributed(lab, currentDatabase(), faults_local, cityHash64(run_id));

ALTER TABLE samples_local ON CLUSTER lab ADD COLUMN IF NOT EXISTS failed_try Bool ALIAS bitTest(flags, 6);

ALTER TABLE samples ON CLUSTER lab ADD COLUMN IF NOT EXISTS failed_try Bool ALIAS bitTest(flags, 6);

ALTER TABLE samples_local ON CLUSTER lab ADD COLUMN IF NOT EXISTS measured Bool ALIAS NOT bitTest(flags, 0) AND NOT bitTest(flags, 6)
    COMMENT 'a request of the measured window';

ALTER TABLE samples ON CLUSTER lab ADD COLUMN IF NOT EXISTS measured Bool ALIAS NOT bitTest(flags, 0) AND NOT bitTest(flags, 6)
    COMMENT 'a request of the measured window';

CREATE TABLE IF NOT EXISTS tries_local ON CLUSTER lab (
    run_id LowCardinality(String) CODEC(ZSTD(1)),
    started_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    seq Int64 CODEC(DoubleDelta, ZSTD(1)) COMMENT 'its sample',
    parent_seq Int64 CODEC(T64, ZSTD(1)) COMMENT 'the sample of the first try of the same request',
    number UInt32 CODEC(T64, ZSTD(1)) COMMENT 'of the try, from 2',
    reason UInt32 CODEC(T64, ZSTD(1)) COMMENT '1: retry, 2: hedge, 3: its reused connection was closed'
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PARTITION BY toYYYYMM(started_at)
ORDER BY (run_id, seq)
SETTINGS replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS tries ON CLUSTER lab AS tries_local
ENGINE = Distributed(lab, currentDatabase(), tries_local, cityHash64(run_id));

DROP VIEW IF EXISTS endpoint_seconds_mv ON CLUSTER lab SYNC;

CREATE MATERIALIZED VIEW IF NOT EXISTS endpoint_seconds_mv ON CLUSTER lab TO endpoint_seconds_local AS
SELECT
    run_id,
    any(samples.started_at) AS started_at,
    endpoint,
    intDiv(intended_ns, 1000000000) AS second,
    bitTest(flags, 0) AS warmup,
    count() AS request_count,
    countIf(error != 0) AS error_count,
    sum(samples.bytes_in) AS bytes_in,
    max(lag_ns + service_ns) AS latency_max_ns,
    quantilesDDState(0.005, 0.5, 0.9, 0.95, 0.99, 0.999)(lag_ns + service_ns) AS latency
FROM samples_local AS samples
WHERE NOT bitTest(flags, 6)
GROUP BY run_id, endpoint, second, warmup;

CREATE OR REPLACE VIEW run_percentiles ON CLUSTER lab AS
SELECT
    run_id,
    count() AS request_count,
    countIf(error != 0) AS error_count,
    quantilesExact(0.5, 0.9, 0.95, 0.99, 0.999)(latency_ns) AS latency,
    quantilesExact(0.5, 0.9, 0.95, 0.99, 0.999)(service_ns) AS service,
    latency[1] AS latency_p50_ns,
    latency[2] AS latency_p90_ns,
    latency[3] AS latency_p95_ns,
    latency[4] AS latency_p99_ns,
    latency[5] AS latency_p99_9_ns,
    max(latency_ns) AS latency_max_ns,
    service[1] AS service_p50_ns,
    service[2] AS service_p90_ns,
    service[3] AS service_p95_ns,
    service[4] AS service_p99_ns,
    service[5] AS service_p99_9_ns,
    max(service_ns) AS service_max_ns
FROM samples
WHERE measured AND run_id GLOBAL IN (SELECT id FROM runs)
GROUP BY run_id;

CREATE OR REPLACE VIEW latency_histogram ON CLUSTER lab AS
WITH
    arrayConcat(
        [0],
        arrayFlatten(arrayMap(
            power -> arrayMap(
                step -> toInt64(step * intExp10(power)),
                [100, 112, 125, 140, 160, 180, 200, 224, 250, 280,
                    315, 355, 400, 450, 500, 560, 630, 710, 800, 900]
            ),
            range(1, 13)
        )),
        [1000000000000000]
    ) AS edges
SELECT
    run_id,
    roundDown(lag_ns + service_ns, edges) AS lower_ns,
    edges[indexOf(edges, lower_ns) + 1] AS upper_ns,
    count() AS request_count
FROM samples
WHERE measured AND run_id GLOBAL IN (SELECT id FROM runs)
GROUP BY run_id, lower_ns;

CREATE VIEW IF NOT EXISTS run_tries ON CLUSTER lab AS
SELECT
    run_id,
    countIf(reason = 1) AS retries,
    countIf(reason = 2) AS hedges,
    countIf(reason = 3) AS resent
FROM tries
GLOBAL INNER JOIN (
    SELECT run_id, seq
    FROM samples
    WHERE NOT bitTest(flags, 0) AND run_id GLOBAL IN (SELECT id FROM runs)
) AS sample ON tries.run_id = sample.run_id AND tries.seq = sample.seq
GROUP BY run_id;

CREATE TABLE IF NOT EXISTS streams_local ON CLUSTER lab (
    run_id LowCardinality(String) CODEC(ZSTD(1)),
    started_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    seq Int64 CODEC(DoubleDelta, ZSTD(1)) COMMENT 'its sample',
    first_event_ns Int64 CODEC(Delta(8), ZSTD(1)) COMMENT 'from the start of the run; 0 without an event',
    last_event_ns Int64 CODEC(Delta(8), ZSTD(1)) COMMENT 'from the start of the run; 0 without an event',
    events UInt32 CODEC(T64, ZSTD(1)),
    stalls UInt32 CODEC(T64, ZSTD(1)) COMMENT 'gaps above the limit in the plan',
    event_bytes Int64 CODEC(T64, ZSTD(1)) COMMENT 'of data, without framing',
    gap_p50_ns Int64 CODEC(T64, ZSTD(1)) COMMENT 'exact, of this stream',
    gap_p99_ns Int64 CODEC(T64, ZSTD(1)) COMMENT 'exact, of this stream',
    gap_max_ns Int64 CODEC(T64, ZSTD(1)),
    gap_bucket Array(UInt8) CODEC(ZSTD(1)) COMMENT 'buckets with gaps',
    gap_count Array(UInt32) CODEC(ZSTD(1)) COMMENT 'gaps in each of these'
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PARTITION BY toYYYYMM(started_at)
ORDER BY (run_id, seq)
SETTINGS replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS streams ON CLUSTER lab AS streams_local
ENGINE = Distributed(lab, currentDatabase(), streams_local, cityHash64(run_id));

CREATE VIEW IF NOT EXISTS stream_times ON CLUSTER lab AS
SELECT
    streams.run_id AS run_id,
    streams.seq AS seq,
    sample.endpoint AS endpoint,
    sample.error AS error,
    sample.first_byte_ns AS first_byte_ns,
    if(streams.events = 0, NULL, streams.first_event_ns - sample.intended_ns) AS first_event_ns,
    if(streams.events = 0, NULL, streams.last_event_ns - sample.intended_ns) AS last_event_ns,
    streams.events AS events,
    streams.event_bytes AS event_bytes,
    streams.stalls AS stalls,
    streams.gap_p50_ns AS gap_p50_ns,
    streams.gap_p99_ns AS gap_p99_ns,
    streams.gap_max_ns AS gap_max_ns,
    streams.gap_bucket AS gap_bucket,
    streams.gap_count AS gap_count
FROM streams
GLOBAL INNER JOIN (
    SELECT run_id, seq, endpoint, error, intended_ns, lag_ns + service_ns - body_ns AS first_byte_ns
    FROM samples
    WHERE measured AND run_id GLOBAL IN (SELECT id FROM runs)
) AS sample ON streams.run_id = sample.run_id AND streams.seq = sample.seq;

CREATE VIEW IF NOT EXISTS run_streams ON CLUSTER lab AS
WITH
    sumMap(gap_bucket, gap_count) AS gaps,
    arrayCumSum(gaps.2) AS up_to,
    q -> gaps.1[arrayFirstIndex(n -> n >= ceil(q * up_to[-1]), up_to)] AS bucket_of,
    b -> greatest(intDiv(toInt64(b), 8) - 1, 0) AS level_of,
    b -> (toInt64(b) - 8 * level_of(b) + 1) * toInt64(exp2(level_of(b))) * 1024 - 1 AS upper_of
SELECT
    run_id,
    count() AS stream_count,
    sum(events) AS event_count,
    sum(stream_times.event_bytes) AS event_bytes,
    sum(stream_times.stalls) AS stalls,
    quantilesExact(0.5, 0.9, 0.99)(first_byte_ns) AS first_byte,
    first_byte[1] AS first_byte_p50_ns,
    first_byte[2] AS first_byte_p90_ns,
    first_byte[3] AS first_byte_p99_ns,
    quantilesExact(0.5, 0.9, 0.99)(first_event_ns) AS first_event,
    first_event[1] AS first_event_p50_ns,
    first_event[2] AS first_event_p90_ns,
    first_event[3] AS first_event_p99_ns,
    if(empty(up_to), NULL, upper_of(bucket_of(0.5))) AS gap_p50_ns,
    if(empty(up_to), NULL, upper_of(bucket_of(0.9))) AS gap_p90_ns,
    if(empty(up_to), NULL, upper_of(bucket_of(0.99))) AS gap_p99_ns,
    max(stream_times.gap_max_ns) AS gap_max_ns
FROM stream_times
GROUP BY run_id;

CREATE TABLE IF NOT EXISTS stream_events_local ON CLUSTER lab (
    run_id LowCardinality(String) CODEC(ZSTD(1)),
    started_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    seq Int64 CODEC(DoubleDelta, ZSTD(1)) COMMENT 'the sample of its stream',
    at_ns Int64 CODEC(Delta(8), ZSTD(1)) COMMENT 'from the start of the run',
    number UInt32 CODEC(T64, ZSTD(1)) COMMENT 'in its stream, from 1',
    bytes UInt32 CODEC(T64, ZSTD(1)) COMMENT 'of data, without framing'
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PARTITION BY toYYYYMM(started_at)
ORDER BY (run_id, seq, number)
SETTINGS replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS stream_events ON CLUSTER lab AS stream_events_local
ENGINE = Distributed(lab, currentDatabase(), stream_events_local, cityHash64(run_id));
