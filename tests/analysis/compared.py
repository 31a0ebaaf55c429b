"""Runs with latencies of one's choice, to be compared."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchlab.analysis.run_statistics import METRICS, RunStatistics
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ConstantRate
from benchlab.runs.health import Health, WorkerHealth
from benchlab.runs.run import Run
from benchlab.samples.records import ErrorKind
from benchlab.samples.samples import SAMPLE_DTYPE, Samples
from benchlab.units import NS_PER_S, utc_from_ns

__all__ = ["PLAN", "latencies_ms", "pairs_of", "statistics_of", "timed_run"]

RATE_RPS = 100.0
PLAN = Plan(Request("GET", "http://127.0.0.1:8000/api"), ConstantRate(RATE_RPS), duration_s=2.0)
HOST = {"host": "bench-1", "cpu_model": "EPYC 7763", "cpu_count": 4, "kernel": "Linux 6.8.0"}


def timed_run(
    number: int,
    latency_ms: ArrayLike,
    *,
    failed: ArrayLike = False,
    lag_ns: int = 0,
    environment: dict[str, Any] | None = None,
    **changes: Any,
) -> Run:
    """The run with this ``number`` for its id, whose requests took ``latency_ms``, all valid."""
    took_ns = (np.asarray(latency_ms, dtype=np.float64) * 1e6).astype(np.int64)
    rate_rps = changes.pop("rate_rps", RATE_RPS)
    length_s = len(took_ns) / rate_rps
    plan = PLAN.replace(load=ConstantRate(rate_rps), duration_s=length_s, **changes)
    records = np.zeros(len(took_ns), dtype=SAMPLE_DTYPE)
    records["seq"] = np.arange(len(took_ns))
    records["intended_ns"] = records["seq"] * round(NS_PER_S / rate_rps)
    records["sent_ns"] = records["intended_ns"] + lag_ns
    records["done_ns"] = records["sent_ns"] + took_ns
    records["status"] = 200
    records["error"] = np.where(failed, ErrorKind.STATUS, ErrorKind.OK)
    return Run(
        id=f"{number:016x}",
        plan=plan,
        started_at_ns=number * NS_PER_S,
        samples=Samples(records, [request.name for request in plan.requests]),
        health=Health((WorkerHealth(0),)),
        environment=HOST if environment is None else environment,
    )


def latencies_ms(
    rng: np.random.Generator, count: int = 200, median: float = 10.0, spread: float = 0.3
) -> NDArray[np.float64]:
    """Log-normal latencies."""
    return median * np.exp(spread * rng.standard_normal(count))


def pairs_of(
    seed: int, count: int = 20, *, ratio: float = 1.0, spread: float = 0.3, **options: Any
) -> list[tuple[Run, Run]]:
    """Blocks whose level drifts, the new side's median being ``ratio`` times that of the base."""
    rng = np.random.default_rng(seed)
    found = []
    for index in range(count):
        level = 10.0 * math.exp(0.5 * index / count)
        base, new = (latencies_ms(rng, median=level * side, spread=spread) for side in (1, ratio))
        found.append((timed_run(2 * index + 1, base), timed_run(2 * index + 2, new, **options)))
    return found


def statistics_of(number: int, value_ns: float, **changes: Any) -> RunStatistics:
    """A run of which every duration is ``value_ns``."""
    values = {name: value_ns if metric.unit == "ns" else 100.0 for name, metric in METRICS.items()}
    whole: dict[str, Any] = {
        "id": f"{number:016x}",
        "plan": PLAN,
        "environment": HOST,
        "started_at": utc_from_ns(number * NS_PER_S),
        "verdict": "valid",
        "invalid_reason": None,
        "count": 1000,
        "error_count": 0,
        "error_variance": 0.0,
        "metrics": values,
    }
    return RunStatistics(**{**whole, **changes})
