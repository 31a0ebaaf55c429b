-- The first failed requests of each kind, as a JSON array; empty for runs saved before there were any.
ALTER TABLE runs ADD COLUMN IF NOT EXISTS examples String CODEC(ZSTD(3)) AFTER health;
