-- Runs of other tools of which only percentiles and totals are known: no samples, so no row in `runs`.
-- Times are ns; NULL is what the file did not say. The row is written last and makes the summary
-- exist.
CREATE TABLE IF NOT EXISTS imported_summaries (
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
) ENGINE = MergeTree
ORDER BY id
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- The time series of such a run. Counts are totals since its start, percentiles those of the window
-- that the tool chose; the endpoint is '' for all requests together. `imported_at` is there so that a
-- TTL can take both.
CREATE TABLE IF NOT EXISTS imported_timeline (
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
) ENGINE = MergeTree
ORDER BY (summary_id, line)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;
