"""Runs whose latency follows a known level, with noise that remembers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchlab.runs.run import Run
from benchlab.samples.samples import Samples
from benchlab.units import NS_PER_S
from tests.runs.synthetic import make_run

__all__ = ["planted_run"]


def planted_run(
    level: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    count: int = 20_000,
    length_s: float = 50.0,
    seed: int = 1,
    deviation: float = 0.2,
    memory: float = 0.3,
    **plan: Any,
) -> Run:
    """A run whose median latency at each time in s is ``level``, a factor of 5 ms."""
    run = make_run(
        rate_rps=count / length_s, duration_s=length_s - 1, warmup_s=1, count=count, **plan
    )
    records = run.samples.records.copy()
    rng = np.random.default_rng(seed)
    new = rng.standard_normal(count)
    # A moving sum of the newest values: first-order memory, as far back as it matters.
    reach = memory ** np.arange(40)
    noise = np.convolve(new, reach)[:count] * np.sqrt(1 - memory**2)
    factor = level(records["intended_ns"] / NS_PER_S) * np.exp(deviation * noise)
    records["sent_ns"] = records["intended_ns"]
    records["done_ns"] = records["intended_ns"] + (5e6 * factor).astype(np.int64)
    records["first_byte_ns"] = records["done_ns"]
    return replace(run, samples=Samples(records, run.samples.endpoints))
