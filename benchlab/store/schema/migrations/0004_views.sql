-- The summary row per run, in seconds.
CREATE VIEW IF NOT EXISTS benchmark_results AS
SELECT
    started_at AS timestamp,
    id AS run_id,
    name,
    url,
    endpoint,
    latency_mean_ns / 1e9 AS avg_latency,
    latency_p50_ns / 1e9 AS p50_latency,
    latency_p90_ns / 1e9 AS p90_latency,
    latency_p95_ns / 1e9 AS p95_latency,
    latency_p99_ns / 1e9 AS p99_latency,
    latency_p99_9_ns / 1e9 AS p99_9_latency,
    latency_min_ns / 1e9 AS min_latency,
    latency_max_ns / 1e9 AS max_latency,
    request_count AS total_requests,
    error_count,
    rate_rps,
    intended_rate_rps,
    duration_s,
    verdict,
    reason,
    tags
FROM runs;

-- Exact percentiles straight from the samples of a run's measured window, errors included.
CREATE VIEW IF NOT EXISTS run_percentiles AS
SELECT
    run_id,
    count() AS request_count,
    countIf(error != 0) AS error_count,
    quantilesExact(0.5, 0.9, 0.95, 0.99, 0.999)(latency_ns) AS latency,
    quantilesExact(0.5, 0.9, 0.95, 0.99, 0.999)(service_ns) AS service,
    latency[1] AS latency_p50_ns,
    latency[2] AS latency_p90_ns,
    latency[3] AS latency_p95_ns,
    latency[4] AS latency_p99_ns,
    latency[5] AS latency_p99_9_ns,
    max(latency_ns) AS latency_max_ns,
    service[1] AS service_p50_ns,
    service[2] AS service_p90_ns,
    service[3] AS service_p95_ns,
    service[4] AS service_p99_ns,
    service[5] AS service_p99_9_ns,
    max(service_ns) AS service_max_ns
FROM samples
WHERE NOT warmup AND run_id IN (SELECT id FROM runs)
GROUP BY run_id;

-- Sums and sketches of the requests of one endpoint that were intended in one second of a run. They
-- merge over seconds, endpoints and runs. A percentile from them is within 0.5 % of the exact one
-- (DDSketch: Masson, Rim, Lee 2019); those of a run in `runs` and `run_percentiles` are exact.
-- A view fills this table, block by block of samples. The writer compares the sums of both before
-- it lets the run exist, so what was interrupted or repeated is repaired then.
CREATE TABLE IF NOT EXISTS endpoint_seconds (
    run_id LowCardinality(String),
    started_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    endpoint UInt16 CODEC(T64, ZSTD(1)),
    second Int64 CODEC(Delta(8), ZSTD(1)) COMMENT 'of the run, by intended time',
    warmup Bool,
    request_count SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    error_count SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    bytes_in SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    latency_max_ns SimpleAggregateFunction(max, Int64) CODEC(T64, ZSTD(1)),
    latency AggregateFunction(quantilesDD(0.005, 0.5, 0.9, 0.95, 0.99, 0.999), Int64) CODEC(ZSTD(1))
) ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(started_at)
ORDER BY (run_id, endpoint, second, warmup)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS endpoint_seconds_mv TO endpoint_seconds AS
SELECT
    run_id,
    any(samples.started_at) AS started_at,
    endpoint,
    intDiv(intended_ns, 1000000000) AS second,
    bitTest(flags, 0) AS warmup,
    count() AS request_count,
    countIf(error != 0) AS error_count,
    sum(samples.bytes_in) AS bytes_in,
    max(lag_ns + service_ns) AS latency_max_ns,
    quantilesDDState(0.005, 0.5, 0.9, 0.95, 0.99, 0.999)(lag_ns + service_ns) AS latency
FROM samples
GROUP BY run_id, endpoint, second, warmup;

-- A run over time: one row per second in which requests were intended, all endpoints together.
CREATE VIEW IF NOT EXISTS per_second AS
SELECT
    run_id,
    second,
    warmup,
    any(started_at) + toIntervalSecond(second) AS timestamp,
    sum(seconds.request_count) AS request_count,
    sum(seconds.error_count) AS error_count,
    sum(seconds.bytes_in) AS bytes_in,
    quantilesDDMerge(0.005, 0.5, 0.9, 0.95, 0.99, 0.999)(latency) AS percentiles,
    toInt64(percentiles[1]) AS latency_p50_ns,
    toInt64(percentiles[2]) AS latency_p90_ns,
    toInt64(percentiles[3]) AS latency_p95_ns,
    toInt64(percentiles[4]) AS latency_p99_ns,
    toInt64(percentiles[5]) AS latency_p99_9_ns,
    max(seconds.latency_max_ns) AS latency_max_ns
FROM endpoint_seconds AS seconds
WHERE run_id IN (SELECT id FROM runs)
GROUP BY run_id, second, warmup;

-- The measured window of a run by endpoint; `name` is that of the request in the plan, or of the
-- scenario's step: steps are numbered on after the plan's requests.
CREATE VIEW IF NOT EXISTS per_endpoint AS
SELECT
    run_id,
    endpoint,
    arrayConcat(
        JSONExtract(any(runs.plan), 'requests', 'Array(Tuple(name String))').name,
        JSONExtract(any(runs.plan), 'scenario', 'steps', 'Array(String)')
    )[endpoint + 1] AS name,
    sum(seconds.request_count) AS request_count,
    sum(seconds.error_count) AS error_count,
    sum(seconds.bytes_in) AS bytes_in,
    quantilesDDMerge(0.005, 0.5, 0.9, 0.95, 0.99, 0.999)(latency) AS percentiles,
    toInt64(percentiles[1]) AS latency_p50_ns,
    toInt64(percentiles[2]) AS latency_p90_ns,
    toInt64(percentiles[3]) AS latency_p95_ns,
    toInt64(percentiles[4]) AS latency_p99_ns,
    toInt64(percentiles[5]) AS latency_p99_9_ns,
    max(seconds.latency_max_ns) AS latency_max_ns
FROM endpoint_seconds AS seconds
INNER JOIN runs ON runs.id = seconds.run_id
WHERE NOT warmup
GROUP BY run_id, endpoint;

-- Histogram of the measured window, in buckets that are the same for every
-- run: 0, then 20 a decade from 1 µs to 1,000,000 s at the preferred numbers of ISO 3:1973.
CREATE VIEW IF NOT EXISTS latency_histogram AS
WITH
    arrayConcat(
        [0],
        arrayFlatten(arrayMap(
            power -> arrayMap(
                step -> toInt64(step * intExp10(power)),
                [100, 112, 125, 140, 160, 180, 200, 224, 250, 280,
                    315, 355, 400, 450, 500, 560, 630, 710, 800, 900]
            ),
            range(1, 13)
        )),
        [1000000000000000]
    ) AS edges
SELECT
    run_id,
    roundDown(lag_ns + service_ns, edges) AS lower_ns,
    edges[indexOf(edges, lower_ns) + 1] AS upper_ns,
    count() AS request_count
FROM samples
WHERE NOT bitTest(flags, 0) AND run_id IN (SELECT id FROM runs)
GROUP BY run_id, lower_ns;

-- The last run of each name.
CREATE VIEW IF NOT EXISTS runs_latest AS
SELECT *
FROM runs
ORDER BY started_at DESC, id DESC
LIMIT 1 BY name;
