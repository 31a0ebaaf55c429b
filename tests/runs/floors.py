"""A noise floor made of arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from benchlab.runs.floor import Floor, Probe, Timer
from benchlab.samples.summary import Distribution

HOST = {
    "host": "bench-1",
    "cpu_model": "Fast 9000",
    "cpu_count": 2,
    "cpu_usable": 2,
    "cpu_quota": None,
    "kernel": "Linux 6.1",
    "python": "3.11.7",
    "benchlab": "0.1.0",
}
ENVIRONMENT = {**HOST, "packages": {"benchlab": "0.1.0"}}


def spread(low_ns: int) -> Distribution:
    """1,000 values from ``low_ns``, a microsecond apart."""
    found = Distribution.of(low_ns + np.arange(1_000, dtype=np.int64) * 1_000)
    assert found is not None
    return found


def make_floor(**changes: Any) -> Floor:
    """A floor of 0.1 to 1.1 ms for open and 0.05 to 1.05 ms for closed loops."""
    known = {
        "measured_at": datetime(2026, 11, 1, 9, 30, tzinfo=UTC),
        "host": HOST,
        "quick": False,
        "rate_rps": 500.0,
        "count": 1_000,
        "latency_ns": spread(100_000),
        "service_ns": spread(50_000),
        "lag_ns": spread(20_000),
        "probes": (Probe(1_000_000, 1_000, spread(0), spread(100_000), spread(50_000)),),
        "max_rate_rps": 61_234.5,
        "max_rate_cpu_ratio": 0.99,
        "timer": Timer("timerfd", 50_000, 90_000, 120_000),
        "cores": "server alone on core 1, generator on the others",
    }
    return Floor(**{**known, **changes})
