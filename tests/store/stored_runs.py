"""Runs made of drawn numbers. Processes that tests start import this too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ConstantRate
from benchlab.runs.fault_record import FaultRecord
from benchlab.runs.head import new_run_id
from benchlab.runs.health import Health, WorkerHealth
from benchlab.runs.run import Run
from benchlab.samples.connections import CONNECTION_DTYPE, Connections
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Flag, Samples

__all__ = ["make_run"]


def make_run(
    count: int = 1000,
    *,
    seed: int = 1,
    run_id: str = "",
    name: str = "drawn",
    trace_ratio: float = 1.0,
    started_at_ns: int = 1_795_460_064_981_497_375,
    stopped_ns: int | None = None,
    spool: Path | None = None,
) -> Run:
    """A run with ``count`` samples drawn by ``seed``: warm-up, errors and two endpoints in it."""
    rng = np.random.default_rng(seed)
    plan = Plan(
        requests=[
            Request("POST", "http://127.0.0.1:8000/api/add?x=1", json={"a": [1], "b": [2]}),
            Request("GET", "http://127.0.0.1:8000/größe", headers={"X-A": "é"}, body=b"\xff\x00"),
        ],
        load=ConstantRate(1000.0),
        duration_s=max(count - count // 20, 1) / 1000,
        warmup_s=count // 20 / 1000,
        workers=2,
        trace_ratio=trace_ratio,
        name=name,
        tags={"commit": "abc", "quote": "it's"},
        faults=["drop ratio=1%", "latency 5ms for 1ms"],
    )
    records = np.zeros(count, dtype=SAMPLE_DTYPE)
    records["seq"] = np.arange(count)
    records["intended_ns"] = np.arange(count) * 1_000_000
    records["sent_ns"] = records["intended_ns"] + rng.lognormal(11, 0.5, count).astype(np.int64)
    records["done_ns"] = records["sent_ns"] + rng.lognormal(14, 0.5, count).astype(np.int64)
    records["first_byte_ns"] = records["done_ns"] - rng.lognormal(9, 0.5, count).astype(np.int64)
    records["bytes_in"] = rng.integers(20, 30, count)
    records["status"] = 200
    records["endpoint"] = rng.integers(0, 2, count)
    records["connection"] = rng.integers(0, 2**16, count)
    failed = rng.random(count) < 0.01
    records["error"][failed] = ErrorKind.CONNECT
    records["status"][failed] = 0
    records["first_byte_ns"][failed] = 0
    records["flags"][: count // 20] = Flag.WARMUP
    return Run(
        id=run_id or new_run_id(),
        plan=plan,
        started_at_ns=started_at_ns,
        samples=Samples(records, [request.name for request in plan.requests]),
        connections=Connections(_connections(rng)),
        health=Health((WorkerHealth(0, cpu_ratio=0.25, clock="timerfd"), WorkerHealth(1))),
        environment={"python": "3.11", "cpus": 2, "nested": {"a": [1, 2.5, None, "ü"]}},
        stopped_ns=stopped_ns,
        faults=(
            FaultRecord(1, "latency 5ms at 0s for 1ms", "latency", 1_234_567, 2_345_678),
            FaultRecord(0, "drop ratio=1%", "drop", 1_500_000, None, "cannot be lifted: it's"),
        ),
        spool=spool,
    )


def _connections(rng: np.random.Generator) -> NDArray[np.void]:
    records = np.zeros(7, dtype=CONNECTION_DTYPE)
    records["seq"] = [-1, -1, 3, 4, 5, 9, 12]
    records["start_ns"] = np.arange(7) * 1_000_000 - 1_500_000
    for name in ("dns_ns", "connect_ns", "tls_ns"):
        records[name] = rng.integers(0, 2_000_000, 7)
    records["origin"] = [0, 1, 0, 1, 0, 1, 0]
    records["error"][5] = ErrorKind.CONNECT
    return records
