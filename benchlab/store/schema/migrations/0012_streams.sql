-- Responses that were read as streams: one row for each. The gaps between the events of a stream are a
-- histogram, the one aggregate that is stored without its values; add the histograms of several
-- streams with sumMap(gap_bucket, gap_count). Bucket b begins at (b - 8 * l) * 2^l * 1024 ns, with
-- l = greatest(intDiv(b, 8) - 1, 0), and is 2^l * 1024 ns wide.
CREATE TABLE IF NOT EXISTS streams (
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
) ENGINE = MergeTree
PARTITION BY toYYYYMM(started_at)
ORDER BY (run_id, seq)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- The streams of each run's measured window; times count from the intended time, as latency does.
CREATE VIEW IF NOT EXISTS stream_times AS
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
INNER JOIN (
    SELECT run_id, seq, endpoint, error, intended_ns, lag_ns + service_ns - body_ns AS first_byte_ns
    FROM samples
    WHERE measured AND run_id IN (SELECT id FROM runs)
) AS sample ON streams.run_id = sample.run_id AND streams.seq = sample.seq;

-- One row per run with streams. Gaps are of all its streams together, from their merged histogram:
-- at most 12.5 % above the exact value.
CREATE VIEW IF NOT EXISTS run_streams AS
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
