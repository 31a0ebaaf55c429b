-- Several runs that were made to answer one question: an A/B, a search for capacity. Its runs are in
-- `runs`, with the tag `experiment`. `design` (what was asked) and `result` are JSON objects. The row
-- is written last: without it the runs are there all the same.
CREATE TABLE IF NOT EXISTS experiments (
    id String,
    started_at DateTime64(9, 'UTC'),
    kind LowCardinality(String),
    name String,
    run_ids Array(String) COMMENT 'in the order they were made',
    design String CODEC(ZSTD(3)),
    result String CODEC(ZSTD(3)),
    saved_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = MergeTree
ORDER BY id
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Runs that later ones are compared with, under a name. The last row of a name counts; without runs
-- the name was removed.
CREATE TABLE IF NOT EXISTS baselines (
    id String COMMENT 'its name',
    run_ids Array(String),
    set_at DateTime64(9, 'UTC')
) ENGINE = MergeTree
ORDER BY (id, set_at)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;
