-- What `benchlab ingest` has read of which file. A block is noted before its rows are inserted and
-- again, with a higher state, after: a block that was begun and not finished is read again over
-- exactly the same bytes, and the deduplication token made of them keeps its rows single. Of two
-- processes that begin a block at the same place, the first decides how long it is.
-- A file is known by what is in it, wherever it lies: `file_id` is a hash of its first line, and for
-- one that begins like another and goes on otherwise, that and a hash of where they part. The tail
-- says whether another file has the same bytes up to the end of a block, the sums up to which line.
CREATE TABLE IF NOT EXISTS ingest_blocks (
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
    noted_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplacingMergeTree(state)
ORDER BY (file_id, start_offset)
SETTINGS non_replicated_deduplication_window = 10000;

-- Lines that could not be read. `file_offset` is where the line starts.
CREATE TABLE IF NOT EXISTS ingest_errors (
    file_id String,
    path String,
    file_offset UInt64,
    reason String,
    line_head String,
    noted_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = MergeTree
ORDER BY (file_id, file_offset)
SETTINGS non_replicated_deduplication_window = 10000;
