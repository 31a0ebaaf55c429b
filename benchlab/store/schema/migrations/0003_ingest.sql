-- The ledger of `benchlab ingest`: which blocks of which files were read. A row is inserted before
-- the rows of a block are, and a second, with a higher state, after: a block that was begun and not
-- finished is read again over exactly the same bytes, so that its deduplication token is the same.
-- Of two processes that begin a block at the same offset, the first decides its length.
-- Files are identified by content: `file_id` is a hash of the first line, followed, for a file that
-- starts like another and then diverges, by a hash of where it does. The tail hash shows whether
-- another file has the same bytes up to the end of a block, the line sums up to which line.
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
    recorded_at DateTime64(3, 'UTC') DEFAULT now64(3)
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
    recorded_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = MergeTree
ORDER BY (file_id, file_offset)
SETTINGS non_replicated_deduplication_window = 10000;
