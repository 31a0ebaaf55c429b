"""Stored runs made of drawn numbers: a history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from typing import Any

import numpy as np

from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ConstantRate
from benchlab.runs.stored_run import StoredRun

__all__ = ["ENVIRONMENT", "PLAN", "drawn_ms", "history_of"]

PLAN = Plan(Request("GET", "http://127.0.0.1:8000/items"), ConstantRate(100), name="nightly")
ENVIRONMENT = {
    "host": "bench-1",
    "cpu_model": "EPYC 7763",
    "cpu_count": 4,
    "kernel": "Linux 6.8.0",
    "packages": {"benchlab": "0.9.0"},
}


def drawn_ms(count: int, *, step: float = 1.0, at: int = 0, seed: int = 1) -> list[float]:
    """Latencies around 10 ms with 3 % of noise, ``step`` times as long from run ``at`` on."""
    noise = np.random.default_rng(seed).normal(0, 0.03, count)
    levels = np.where(np.arange(count) >= at, 10 * step, 10.0)
    return [float(value) for value in levels * np.exp(noise)]


def history_of(
    values_ms: Iterable[float],
    *,
    environments: Mapping[int, Mapping[str, Any]] | None = None,
    plans: Mapping[int, Plan] | None = None,
    invalid: Sequence[int] = (),
    errors: Mapping[int, int] | None = None,
) -> list[StoredRun]:
    """A run per value, one a night, each of 10,000 requests and of its own commit.

    ``environments`` and ``plans`` hold from the run with that number on.
    """
    runs = []
    environment: Mapping[str, Any] = ENVIRONMENT
    plan = PLAN
    for number, value_ms in enumerate(values_ms):
        environment = (environments or {}).get(number, environment)
        plan = (plans or {}).get(number, plan)
        runs.append(
            StoredRun(
                id=f"{number:016x}",
                started_at=datetime(2026, 1, 1, 2, tzinfo=UTC) + timedelta(days=number),
                plan=plan,
                environment={**environment, "git_commit": sha1(f"{number}".encode()).hexdigest()},
                verdict="invalid" if number in invalid else "valid",
                invalid_reason="the generator fell behind" if number in invalid else None,
                count=10_000,
                error_count=(errors or {}).get(number, 0),
                figures={
                    "rate_rps": 1000 / value_ms,
                    "duration_s": 10.0,
                    **{
                        f"latency_{name}_ns": round(value_ms * 1e6 * factor)
                        for name, factor in (
                            ("p50", 0.5),
                            ("p90", 0.8),
                            ("p95", 0.9),
                            ("p99", 1.0),
                            ("p99_9", 1.5),
                            ("mean", 0.6),
                        )
                    },
                },
            )
        )
    return runs
