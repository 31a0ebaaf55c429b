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
