-- Requests that were tried several times: each try is a sample, and the request is its last try. The
-- others have a flag, and are no requests.
ALTER TABLE samples ADD COLUMN IF NOT EXISTS failed_try Bool ALIAS bitTest(flags, 6);
ALTER TABLE samples ADD COLUMN IF NOT EXISTS measured Bool ALIAS NOT bitTest(flags, 0) AND NOT bitTest(flags, 6)
    COMMENT 'a request of the measured window';

-- One row per try but the first of each request.
CREATE TABLE IF NOT EXISTS tries (
    run_id LowCardinality(String) CODEC(ZSTD(1)),
    started_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    seq Int64 CODEC(DoubleDelta, ZSTD(1)) COMMENT 'its sample',
    parent_seq Int64 CODEC(T64, ZSTD(1)) COMMENT 'the sample of the first try of the same request',
    number UInt32 CODEC(T64, ZSTD(1)) COMMENT 'of the try, from 2',
    reason UInt32 CODEC(T64, ZSTD(1)) COMMENT '1: retry, 2: hedge, 3: its reused connection was closed'
) ENGINE = MergeTree
PARTITION BY toYYYYMM(started_at)
ORDER BY (run_id, seq)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- The sums of seconds are of requests.
DROP VIEW IF EXISTS endpoint_seconds_mv;

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
WHERE NOT bitTest(flags, 6)
GROUP BY run_id, endpoint, second, warmup;

CREATE OR REPLACE VIEW run_percentiles AS
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
WHERE measured AND run_id IN (SELECT id FROM runs)
GROUP BY run_id;

CREATE OR REPLACE VIEW latency_histogram AS
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
WHERE measured AND run_id IN (SELECT id FROM runs)
GROUP BY run_id, lower_ns;

-- How often the requests of a run's measured window were tried.
CREATE VIEW IF NOT EXISTS run_tries AS
SELECT
    run_id,
    countIf(reason = 1) AS retries,
    countIf(reason = 2) AS hedges,
    countIf(reason = 3) AS resent
FROM tries
INNER JOIN (
    SELECT run_id, seq
    FROM samples
    WHERE NOT bitTest(flags, 0) AND run_id IN (SELECT id FROM runs)
) AS sample ON tries.run_id = sample.run_id AND tries.seq = sample.seq
GROUP BY run_id;
