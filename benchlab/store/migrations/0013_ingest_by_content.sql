-- A file is known by what is in it, wherever it lies: `file_id` is a hash of its first line, and for
-- one that begins like another and goes on otherwise, that and a hash of where they part. Noted
-- before, it was made of device, inode and the first line. The tail says whether another file has
-- the same bytes up to the end of a block, the sums up to which line.
ALTER TABLE ingest_blocks ADD COLUMN IF NOT EXISTS tail_hash String AFTER end_offset;
ALTER TABLE ingest_blocks ADD COLUMN IF NOT EXISTS line_sums Array(UInt32) CODEC(ZSTD(1)) AFTER tail_hash;
-- Of two processes that begin a block at the same place, the first decides how long it is.
ALTER TABLE ingest_blocks MODIFY SETTING non_replicated_deduplication_window = 10000;
