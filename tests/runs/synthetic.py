"""Runs made of arithmetic instead of requests: the same on every machine, to the nanosecond."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ConstantRate, LoadShape
from benchlab.plan.tracing import trace_id
from benchlab.runs.health import Health, WorkerHealth
from benchlab.runs.run import Run
from benchlab.runs.trace import Trace, TracedRequest
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Flag, Samples
from benchlab.units import NS_PER_S

RUN_ID = "0193f0a1b2c3d4e5"
STARTED_AT_NS = int(datetime(2026, 11, 3, 14, 2, 11, tzinfo=UTC).timestamp()) * NS_PER_S
URL = "http://127.0.0.1:8000/api/vector/add"


def make_run(
    *,
    rate_rps: float = 100.0,
    duration_s: float = 10.0,
    warmup_s: float = 1.0,
    count: int | None = None,
    load: LoadShape | None = None,
    requests: Sequence[Request] | None = None,
    lag_ns: int = 40_000,
    stall: bool = False,
    errors: bool = False,
    all_failed: ErrorKind = ErrorKind.OK,
    equal: bool = False,
    instant: bool = False,
    stopped_ns: int | None = None,
    environment: Mapping[str, Any] | None = None,
    workers: Sequence[WorkerHealth] | None = None,
    **plan: Any,
) -> Run:
    """A run at ``rate_rps`` whose service times spread over 1 to 4 ms, with a longer tail.

    ``count`` cuts the samples short; ``stall`` delays every response from 5 s to 6 s;
    ``errors`` lets every 50th request fail, in turn by status and by reset.
    """
    requests = requests or [Request("POST", URL, json={"a": [1, 2], "b": [3, 4]})]
    shape = load or ConstantRate(rate_rps)
    whole = Plan(requests, shape, duration_s=duration_s, warmup_s=warmup_s, **plan)
    made = round(rate_rps * (duration_s + warmup_s)) if count is None else count
    index = np.arange(made, dtype=np.int64)
    records = np.zeros(made, dtype=SAMPLE_DTYPE)
    records["seq"] = index
    records["intended_ns"] = index * round(NS_PER_S / rate_rps)
    records["sent_ns"] = records["intended_ns"] + lag_ns + (0 if equal else index * 37 % 11 * 1_000)
    step = index * 7_919 % 1_009
    service_ns = 1_000_000 + step * 1_500 + np.where(step > 990, step * 9_000, 0)
    records["done_ns"] = records["sent_ns"] + (5_000_000 if equal else service_ns)
    if instant:
        records["done_ns"] = records["sent_ns"]
    if stall:
        held = (records["sent_ns"] >= 5 * NS_PER_S) & (records["sent_ns"] < 6 * NS_PER_S)
        records["done_ns"][held] = 6 * NS_PER_S + service_ns[held]
    records["first_byte_ns"] = records["done_ns"] - 20_000
    records["status"] = 200
    records["bytes_in"] = 24
    records["endpoint"] = index % len(requests)
    if errors:
        records["error"][::50], records["status"][::50] = ErrorKind.STATUS, 503
        records["error"][25::100], records["status"][25::100] = ErrorKind.RESET, 0
    if all_failed:
        records["error"], records["status"] = all_failed, 0
    records["flags"][:1] = Flag.NEW_CONNECTION
    records["flags"][records["intended_ns"] < whole.warmup_ns] |= np.uint8(Flag.WARMUP)
    if stopped_ns is not None:
        records = records[records["intended_ns"] < stopped_ns]
    if workers is None:
        workers = [WorkerHealth(0, 0.23, 3, 11_200_000, 17, connections_opened=12)]
    return Run(
        id=RUN_ID,
        plan=whole,
        started_at_ns=STARTED_AT_NS,
        samples=Samples(records, [request.name for request in requests]),
        health=Health(tuple(workers)),
        environment={"host": "bench-1", "cpu_count": 2} if environment is None else environment,
        stopped_ns=stopped_ns,
    )


def join_server(run: Run) -> pd.DataFrame:
    """Server spans of ``run`` as a store would find them: 60 % of each service time."""
    table = run.measured.to_pandas()[["seq", "endpoint", "status", "latency_ms", "service_ms"]]
    return table.assign(
        server_ms=table["service_ms"] * 0.6,
        network_ms=table["service_ms"] * 0.4,
        span_name="POST /api/vector/add",
        trace_id=[trace_id(run.id, seq) for seq in table["seq"]],
    )


def make_trace(run: Run, *, seq: int = 0, late_ms: float = 0.4, depth: int = 2) -> Trace:
    """A request of ``run`` with ``depth`` spans, each in the one before; the last one failed."""
    record = run.samples.records[seq]
    times = [int(record[name]) for name in ("intended_ns", "sent_ns", "first_byte_ns", "done_ns")]
    label = ErrorKind(record["error"]).label if record["error"] else ""
    request = TracedRequest(run.id, seq, "add", int(record["status"]), label, *times)
    service_ms = request.service_ns / 1e6
    offset_ms = [request.lag_ns / 1e6 + late_ms + 0.1 * level for level in range(depth)]
    spans = pd.DataFrame(
        {
            "offset_ms": offset_ms,
            "duration_ms": [service_ms * 0.5 / (level + 1) for level in range(depth)],
            "service": "benchlab-target",
            "span_name": ["POST /api/vector/add", *["vector.add"] * depth][:depth],
            "status": ["Error" if level == depth - 1 else "Unset" for level in range(depth)],
            "status_message": "unequal lengths",
            "span_id": [f"{level + 1:016x}" for level in range(depth)],
            "parent_span_id": [f"{level:016x}" for level in range(depth)],
        }
    )
    return Trace(trace_id(run.id, seq), request, spans)


def make_buckets(run: Run) -> pd.DataFrame:
    """The metric of a service that took 60 % of each service time, warm-up included."""
    took_ms = run.samples.service_ns * 0.6 / 1e6
    place = np.ceil(np.log2(np.maximum(took_ms, 1e-3) / 1e3) * 16).astype(int) - 1
    places, counts = np.unique(place, return_counts=True)
    lower_ms, upper_ms = np.exp2(places / 16) * 1e3, np.exp2((places + 1) / 16) * 1e3
    columns = {"lower_ms": lower_ms, "upper_ms": upper_ms, "count": counts}
    return pd.DataFrame(columns).assign(service="benchlab-target")


def edge_cases() -> dict[str, Run]:
    """Edge cases by name: runs with little to show."""
    return {
        "ordinary": make_run(stall=True, errors=True),
        "no samples": make_run(count=0),
        "warm-up only": make_run(count=50),
        "one sample": make_run(count=1, warmup_s=0),
        "two samples": make_run(count=2, warmup_s=0),
        "all equal": make_run(equal=True, lag_ns=0),
        "all failed": make_run(all_failed=ErrorKind.TIMEOUT),
        "invalid": make_run(lag_ns=15_000_000),
        "interrupted": make_run(stopped_ns=4 * NS_PER_S),
        "interrupted in the warm-up": make_run(stopped_ns=NS_PER_S // 2),
        "interrupted at once": make_run(stopped_ns=0),
        "instant": make_run(count=5, warmup_s=0, lag_ns=0, instant=True),
    }
