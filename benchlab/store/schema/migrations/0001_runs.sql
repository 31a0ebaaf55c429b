-- A run exists once its row is here: the row is inserted last, and views ignore samples without it.
-- Percentiles are exact and NULL where a run measured nothing. `stop_reason` says why a condition of
-- the plan ended the run early, and is empty if none did; `examples` is a JSON array of the first
-- failed requests of each kind; `metadata` is a JSON object of what has no column of its own.
CREATE TABLE IF NOT EXISTS runs (
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
) ENGINE = MergeTree
ORDER BY id
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- One row per request. Times are stored as differences, which pack into half the bytes of the
-- times themselves; the times are there under their own names as aliases.
-- All of a block lies in one partition, so a block is stored whole or not at all.
CREATE TABLE IF NOT EXISTS samples (
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
) ENGINE = MergeTree
PARTITION BY toYYYYMM(started_at)
ORDER BY (run_id, seq)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- One row per connection that a run opened, or failed to: where the time before a request went.
CREATE TABLE IF NOT EXISTS connections (
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
) ENGINE = MergeTree
PARTITION BY toYYYYMM(started_at)
ORDER BY (run_id, start_ns)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;
