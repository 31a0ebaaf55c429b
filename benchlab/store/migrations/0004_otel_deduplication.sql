-- What makes a repeated insert of telemetry harmless: ours differ from the Collector's tables in
-- this setting. It is set here, not where they are created, since the Collector may have been first.
-- The table that a view fills needs it as well.
ALTER TABLE otel_traces MODIFY SETTING non_replicated_deduplication_window = 10000;
ALTER TABLE otel_traces_trace_id_ts MODIFY SETTING non_replicated_deduplication_window = 10000;
ALTER TABLE otel_metrics_gauge MODIFY SETTING non_replicated_deduplication_window = 10000;
ALTER TABLE otel_metrics_sum MODIFY SETTING non_replicated_deduplication_window = 10000;
ALTER TABLE otel_metrics_histogram MODIFY SETTING non_replicated_deduplication_window = 10000;
ALTER TABLE otel_metrics_exponential_histogram MODIFY SETTING non_replicated_deduplication_window = 10000;
ALTER TABLE otel_metrics_summary MODIFY SETTING non_replicated_deduplication_window = 10000;
