-- When a summary's time series was imported, so that a TTL can take both. Rows from before get the
-- time of this step.
ALTER TABLE imported_timeline ADD COLUMN IF NOT EXISTS imported_at DateTime64(3, 'UTC') DEFAULT now64(3);

ALTER TABLE imported_timeline MATERIALIZE COLUMN imported_at;
