-- One row per fault of a run, when it really was on.
CREATE TABLE IF NOT EXISTS faults (
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
) ENGINE = MergeTree
PARTITION BY toYYYYMM(started_at)
ORDER BY (run_id, number)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;
