"""A store of very many long runs, made in SQL: their samples are drawn by the engine itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from clickhouse_connect.driver.client import Client

from benchlab import ConstantRate, Plan, Request
from benchlab.runs.head import RunHead
from benchlab.runs.health import Health, WorkerHealth
from benchlab.runs.run import Run
from benchlab.samples.samples import SAMPLE_DTYPE, Samples
from benchlab.store import Store
from benchlab.units import NS_PER_S

__all__ = ["RUN_SAMPLES", "TRACED", "add_runs", "disk_bytes", "run_ids"]

TRACED = 10
"""The number of the run that has spans: of each 100th request, as with ``--trace-ratio 0.01``."""

RUN_SAMPLES, RATE_RPS = 10_000_000, 50_000
_STARTED_NS = 1_795_460_064 * NS_PER_S
_HOUR_NS = 3600 * NS_PER_S
_TEMPLATE = "f" * 16
_TRACED_EACH = 100

_SAMPLES = f"""
INSERT INTO samples (
    run_id, started_at, seq, intended_ns, lag_ns, service_ns, body_ns, bytes_in, status, endpoint,
    error, flags, connection
)
SELECT
    {{id:String}},
    fromUnixTimestamp64Nano({{started_ns:Int64}}),
    toInt64(number),
    toInt64(number * {NS_PER_S // RATE_RPS}),
    toInt64(randLogNormal(10.5, 0.4)),
    toInt64(randLogNormal(14, 0.5)) AS took_ns,
    least(took_ns, toInt64(5000 + rand(1) % 45000)),
    toInt64(100 + rand(2) % 20),
    200,
    toUInt16(rand(3) % 2),
    toUInt8(if(rand(4) % 1000 = 0, 2, 0)),
    0,
    toUInt16(1 + rand(5) % 64)
FROM numbers({RUN_SAMPLES})
"""  # noqa: S608  # constants

_SPANS = f"""
INSERT INTO otel_traces (
    Timestamp, TraceId, SpanId, SpanName, SpanKind, ServiceName, SpanAttributes, Duration,
    StatusCode
)
SELECT
    fromUnixTimestamp64Nano({{started_ns:Int64}} + seq * {NS_PER_S // RATE_RPS}),
    concat({{id:String}}, lower(leftPad(hex(seq), 16, '0'))),
    lower(hex(rand64())),
    'GET /a',
    'Server',
    'made',
    map('http.response.status_code', '200'),
    toUInt64(randLogNormal(13.5, 0.5)),
    'Unset'
FROM (SELECT toInt64(number * {_TRACED_EACH}) AS seq FROM numbers({RUN_SAMPLES // _TRACED_EACH}))
"""  # noqa: S608  # constants

_DURATIONS = {"latency": "lag_ns + service_ns", "service": "service_ns", "lag": "lag_ns"}
_RATIOS = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999}


def add_runs(store: Store, gigabytes: float) -> Iterator[int]:
    """Add runs until the store has so many GB; yields the number of runs after each.

    A run that an earlier call was making when it was stopped is made again.
    """
    with store.connect() as client:
        if not store.has(_TEMPLATE):
            store.save(_template())
        client.command("SET mutations_sync = 1")
        while disk_bytes(client) < gigabytes * 1e9:
            number = len(run_ids(client))
            _add(client, f"{number:016x}", _STARTED_NS + number * _HOUR_NS)
            yield number + 1


def run_ids(client: Client) -> list[str]:
    """The runs that were made, the first first."""
    found = client.query(
        "SELECT id FROM runs WHERE id != {id:String} ORDER BY id", parameters={"id": _TEMPLATE}
    )
    return [row[0] for row in found.result_rows]


def disk_bytes(client: Client) -> int:
    """What all parts of the store take on the disk."""
    ((size,),) = client.query(
        "SELECT sum(bytes_on_disk) FROM system.parts WHERE active"
    ).result_rows
    return int(size)


def _template() -> Run:
    """A run whose row is that of all: its plan is theirs."""
    plan = Plan(
        [Request("GET", f"http://127.0.0.1:1/{name}") for name in "ab"],
        ConstantRate(RATE_RPS),
        duration_s=RUN_SAMPLES / RATE_RPS,
        workers=2,
        name="long",
    )
    health = Health((WorkerHealth(0), WorkerHealth(1)))
    head = RunHead(_TEMPLATE, plan, _STARTED_NS - _HOUR_NS, {"host": "made"}, health)
    records = np.zeros(10, dtype=SAMPLE_DTYPE)
    records["seq"] = np.arange(10)
    records["done_ns"] = 1_000_000
    return Run.from_head(head, Samples(records, plan.endpoint_names))


def _add(client: Client, run_id: str, started_ns: int) -> None:
    parameters = {"id": run_id, "started_ns": started_ns}
    for table in ("samples", "endpoint_seconds"):  # of a call that was stopped
        client.command(
            f"DELETE FROM {table} WHERE run_id = {{id:String}}",  # noqa: S608  # constants
            parameters=parameters,
        )
    client.command(_SAMPLES, parameters=parameters)
    if run_id == f"{TRACED:016x}":
        client.command("TRUNCATE TABLE otel_traces")
        client.command(_SPANS, parameters=parameters)
    values = {
        **_counts(client, run_id),
        "id": f"'{run_id}'",
        "started_at": f"fromUnixTimestamp64Nano(toInt64({started_ns}))",
        "verdict": "'valid'",
        "reason": "''",
    }
    replaced = ", ".join(f"{value} AS {name}" for name, value in values.items())
    client.command(
        f"INSERT INTO runs SELECT * REPLACE({replaced})"  # noqa: S608  # numbers
        f" FROM (SELECT * FROM runs WHERE id = '{_TEMPLATE}')"
    )


def _counts(client: Client, run_id: str) -> dict[str, Any]:
    """The columns of the run's row that follow from its samples: of durations, from a part of them.

    Whoever asks for one run or for all of them does not take longer for other numbers.
    """
    columns = {}
    for name, value in _DURATIONS.items():
        columns[f"{name}_mean_ns"] = f"toInt64(round(avg({value})))"
        columns[f"{name}_min_ns"], columns[f"{name}_max_ns"] = f"min({value})", f"max({value})"
        ratios = ", ".join(map(str, _RATIOS.values()))
        columns[f"{name}_quantiles"] = f"quantilesExact({ratios})({value})"
    sql = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    found = client.query(
        f"SELECT {sql} FROM samples"  # noqa: S608  # constants
        f" WHERE run_id = {{id:String}} AND seq < {RUN_SAMPLES // 20}",
        parameters={"id": run_id},
    )
    row = dict(zip(columns, found.result_rows[0], strict=True))
    for name in _DURATIONS:
        exact = row.pop(f"{name}_quantiles")
        row |= {f"{name}_{key}_ns": value for key, value in zip(_RATIOS, exact, strict=True)}
    sums = "sum(request_count), sum(error_count), sum(endpoint_seconds.bytes_in)"
    found = client.query(
        f"SELECT {sums} FROM endpoint_seconds WHERE run_id = {{id:String}}",  # noqa: S608  # constants
        parameters={"id": run_id},
    )
    row["request_count"], row["error_count"], row["bytes_in"] = found.result_rows[0]
    row["sample_count"] = row["request_count"]
    row["errors"] = f"map('timeout', toUInt64({row['error_count']}))"
    row["duration_s"] = RUN_SAMPLES / RATE_RPS
    row["rate_rps"] = row["intended_rate_rps"] = float(RATE_RPS)
    return row
