"""A run that replayed recorded arrivals, made of arithmetic: each sent as late as is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchlab.plan.request import Request
from benchlab.plan.shapes import Replay
from benchlab.runs.run import Run
from benchlab.samples.samples import Samples
from benchlab.units import NS_PER_S
from tests.runs.synthetic import URL, make_run

__all__ = ["poisson_s", "replayed_run"]

ENDPOINTS = (
    Request("GET", URL, name="GET /a", weight=2),
    Request("GET", URL, name="GET /b"),
    Request("GET", URL, name="GET /c"),
)


def poisson_s(count: int, rate_rps: float = 100.0, seed: int = 1) -> NDArray[np.float64]:
    """Random arrivals in s, the first at 0."""
    gaps = np.random.default_rng(seed).exponential(1 / rate_rps, count)
    at_s: NDArray[np.float64] = np.cumsum(gaps) - gaps[0]
    return at_s


def replayed_run(
    due_s: Sequence[float] | NDArray[np.float64],
    late_ns: int | NDArray[np.int64] = 0,
    requests: Sequence[Request] = ENDPOINTS,
    **options: Any,
) -> Run:
    """A run of `Replay` at ``due_s``, without a warm-up, whose requests were sent ``late_ns``."""
    load = Replay(np.asarray(due_s, dtype=float).tolist())
    run = make_run(
        load=load, count=len(due_s), warmup_s=0, duration_s=load.duration_s, requests=requests,
        **options,
    )  # fmt: skip
    records = run.samples.records.copy()
    took_ns = records["done_ns"] - records["sent_ns"]
    due_ns = np.rint(np.asarray(load.offsets_s) * NS_PER_S).astype(np.int64)
    records["intended_ns"] = due_ns[: len(records)]
    records["sent_ns"] = records["intended_ns"] + late_ns
    records["done_ns"] = records["sent_ns"] + took_ns
    records["first_byte_ns"] = records["done_ns"] - 20_000
    records["endpoint"] = [run.plan.request_of(seq) for seq in records["seq"].tolist()]
    return replace(run, samples=Samples(records, run.samples.endpoints))
