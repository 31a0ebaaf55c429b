-- The events of streams, one row for each, if the plan asks for them.
CREATE TABLE IF NOT EXISTS stream_events (
    run_id LowCardinality(String) CODEC(ZSTD(1)),
    started_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    seq Int64 CODEC(DoubleDelta, ZSTD(1)) COMMENT 'the sample of its stream',
    at_ns Int64 CODEC(Delta(8), ZSTD(1)) COMMENT 'from the start of the run',
    number UInt32 CODEC(T64, ZSTD(1)) COMMENT 'in its stream, from 1',
    bytes UInt32 CODEC(T64, ZSTD(1)) COMMENT 'of data, without framing'
) ENGINE = MergeTree
PARTITION BY toYYYYMM(started_at)
ORDER BY (run_id, seq, number)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;
