-- Not every tool's time series has every count: NULL is what the file did not say.
ALTER TABLE imported_timeline MODIFY COLUMN user_count Nullable(UInt32);
ALTER TABLE imported_timeline MODIFY COLUMN failure_rate_rps Nullable(Float64);
ALTER TABLE imported_timeline MODIFY COLUMN error_count Nullable(UInt64);
