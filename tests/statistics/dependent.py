"""Series of dependent durations whose true percentiles are known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal, stats

from benchlab.samples.samples import SAMPLE_DTYPE, Samples

__all__ = ["AutoRegression", "Queue", "Series", "samples_of"]

_NS = 1_000_000.0  # of one unit of time


@dataclass(frozen=True)
class Series:
    """Durations, when each was intended, and the end of the window."""

    intended_ns: NDArray[np.int64]
    latency_ns: NDArray[np.int64]
    end_ns: int


@dataclass(frozen=True)
class Queue:
    """Sojourn times of an M/M/1 queue in its steady state; a service takes 1 ms on average."""

    load: float

    def __str__(self) -> str:
        return f"M/M/1, ρ = {self.load:g}"

    @property
    def relaxation_requests(self) -> float:
        """Arrivals in the relaxation time 1 / (μ (1 - √ρ)²)."""
        return self.load / (1 - math.sqrt(self.load)) ** 2

    def true_ns(self, ratio: float) -> float:
        """The percentile: sojourn times are exponential with rate μ - λ."""
        return -math.log1p(-ratio) / (1 - self.load) * _NS

    def draw(self, rng: np.random.Generator, count: int) -> Series:
        """``count`` requests by Lindley's recursion, from a stationary start."""
        gaps, services = rng.exponential(1 / self.load, count), rng.exponential(1, count)
        steps = np.empty(count)
        steps[0] = rng.exponential(1 / (1 - self.load)) if rng.random() < self.load else 0
        steps[1:] = services[:-1] - gaps[1:]
        walk = np.cumsum(steps)
        waiting = walk - np.minimum(np.minimum.accumulate(walk), 0)
        times = np.cumsum(gaps)
        return _series(times, waiting + services, times[-1])


@dataclass(frozen=True)
class AutoRegression:
    """An AR(1) series mapped to a heavy tail by a Gaussian copula; one request per ms."""

    coefficient: float
    tail: Literal["exponential", "pareto"]

    def __str__(self) -> str:
        return f"AR(1), φ = {self.coefficient:g}, {self.tail}"

    @property
    def relaxation_requests(self) -> float:
        """Requests over which the correlation falls to 1/e."""
        return -1 / math.log(self.coefficient)

    def true_ns(self, ratio: float) -> float:
        """The percentile of the marginal distribution: exponential, or Pareto with index 1.5."""
        return float(self._mapped(np.array([stats.norm.ppf(ratio)]))[0]) * _NS

    def draw(self, rng: np.random.Generator, count: int) -> Series:
        """``count`` requests at a constant rate."""
        noise = rng.standard_normal(count)
        noise[1:] *= np.sqrt(1 - self.coefficient**2)
        normal = signal.lfilter([1.0], [1.0, -self.coefficient], noise)
        return _series(np.arange(count, dtype=np.float64) + 0.5, self._mapped(normal), count)

    def _mapped(self, normal: NDArray[np.float64]) -> NDArray[np.float64]:
        above: NDArray[np.float64] = -stats.norm.logsf(normal)  # exponential with mean 1
        return above if self.tail == "exponential" else np.exp(above / 1.5)


def samples_of(series: Series) -> Samples:
    """``series`` as the samples of a run."""
    records = np.zeros(len(series.latency_ns), dtype=SAMPLE_DTYPE)
    records["seq"] = np.arange(len(records))
    records["intended_ns"] = records["sent_ns"] = series.intended_ns
    records["done_ns"] = series.intended_ns + series.latency_ns
    return Samples(records, ["GET /"])


def _series(times: NDArray[np.float64], durations: NDArray[np.float64], end: float) -> Series:
    intended_ns, latency_ns = ((part * _NS).astype(np.int64) for part in (times, durations))
    return Series(intended_ns, latency_ns, int(end * _NS) + 1)
