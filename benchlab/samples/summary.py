"""Summaries: counts, rates and distributions, all derived from samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchlab.decoding import Integer
from benchlab.displayed import Displayed
from benchlab.samples.percentile_interval import PercentileInterval, percentile_intervals
from benchlab.samples.percentiles import Extent, OrderStatistics
from benchlab.samples.samples import Samples
from benchlab.samples.statistics import DURATIONS, PERCENTILES, STATISTICS
from benchlab.units import NS_PER_MS, NS_PER_S

__all__ = ["Distribution", "Summary", "flat_ms", "summarize"]


@dataclass(frozen=True, slots=True)
class Distribution:
    """Mean, extremes and exact percentiles of a duration, all in integer ns.

    >>> found = Distribution.of(np.arange(1, 1001))
    >>> found.p50, found.p99, found.max
    (501, 991, 1000)
    """

    mean: Integer
    min: Integer
    p50: Integer
    p90: Integer
    p95: Integer
    p99: Integer
    p99_9: Integer
    max: Integer
    # One that is added is int | None = None, down here: floors were stored without it.

    @classmethod
    def of(cls, values_ns: NDArray[np.int64]) -> Distribution | None:
        """The distribution of a 1-d int64 array of ns; None if it is empty."""
        return cls.of_blocks([values_ns])

    @classmethod
    def of_blocks(cls, blocks: Iterable[NDArray[np.int64]]) -> Distribution | None:
        """The distribution of the values in ``blocks``, which are iterated several times."""
        extent = Extent.of(blocks)
        return None if extent is None else cls.of_ordered(OrderStatistics(blocks, extent))

    @classmethod
    def of_ordered(cls, ordered: OrderStatistics) -> Distribution:
        """The distribution of values that can be asked by rank."""
        found = ordered.percentiles(list(PERCENTILES.values()))
        exact = dict(zip(PERCENTILES, found, strict=True))
        extent = ordered.extent
        return cls(extent.mean, extent.low, max=extent.high, **exact)

    def to_dict(self) -> dict[str, int]:
        """Statistic to ns, in display order."""
        return {key: getattr(self, key) for key in STATISTICS}


@dataclass(frozen=True, slots=True)
class Summary(Displayed):
    """Counts, rates and distributions of a window of samples. Failed requests are included.

    ``duration_s`` is the length of the window, ``rate_rps`` the requests completed within it per
    second: a later response counts in the latencies, not in the throughput. ``intended_rate_rps``
    is None for a closed loop. The distributions are None without samples. ``latency_intervals`` has
    the 95 % interval of each of `PERCENTILES` of the latency; it is empty without samples.
    """

    count: int
    error_count: int
    errors: dict[str, int]
    bytes_in: int
    duration_s: float
    rate_rps: float
    intended_rate_rps: float | None
    latency_ns: Distribution | None
    service_ns: Distribution | None
    lag_ns: Distribution | None
    latency_intervals: Mapping[str, PercentileInterval] = field(default_factory=dict)

    @property
    def error_ratio(self) -> float:
        """Share of failed requests, 0 to 1; 0 without requests."""
        return self.error_count / self.count if self.count else 0.0

    @property
    def durations(self) -> dict[str, Distribution]:
        """The distribution of each of `DURATIONS`; empty without samples."""
        found = {name: getattr(self, f"{name}_ns") for name in DURATIONS}
        return {name: part for name, part in found.items() if part is not None}

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict; absent distributions and limits are None."""
        durations: dict[str, dict[str, Any]] = {
            name: part.to_dict() for name, part in self.durations.items()
        }
        if self.latency_intervals:
            durations["latency"] = self._latency_with_intervals(durations["latency"])
        return {
            "duration_s": self.duration_s,
            "count": self.count,
            "error_count": self.error_count,
            "error_ratio": self.error_ratio,
            "errors": self.errors,
            "rate_rps": self.rate_rps,
            "intended_rate_rps": self.intended_rate_rps,
            **{f"{name}_ns": durations.get(name) for name in DURATIONS},
        }

    def flat(self) -> dict[str, float | None]:
        """Every duration in ms, as `flat_ms` names them, and the intervals of the latency.

        Those are ``latency_p99_low_ms``, ``latency_p99_high_ms`` and ``latency_p99_n_eff``.
        """
        row = flat_ms(self.durations)
        for key, interval in self.latency_intervals.items():
            for side, limit_ns in (("low", interval.low_ns), ("high", interval.high_ns)):
                limit = None if limit_ns is None else limit_ns / NS_PER_MS
                row[f"latency_{key}_{side}_ms"] = limit
            row[f"latency_{key}_n_eff"] = interval.n_eff or None
        return row

    def _latency_with_intervals(self, latency: Mapping[str, int]) -> dict[str, float | None]:
        """Each percentile's limits and n_eff behind it."""
        whole: dict[str, float | None] = {}
        for key, value in latency.items():
            whole[key] = value
            if interval := self.latency_intervals.get(key):
                whole[f"{key}_low"] = interval.low_ns
                whole[f"{key}_high"] = interval.high_ns
                whole[f"{key}_n_eff"] = interval.n_eff or None
        return whole


def summarize(
    samples: Samples, start_ns: int, end_ns: int, intended_count: int | None = None
) -> Summary:
    """Summarize ``samples``, which were intended in the window ``start_ns`` to ``end_ns``.

    ``intended_count`` is the number of requests scheduled in the window; None for a closed loop.
    """
    window_ns = end_ns - start_ns
    finished = samples.done_by(end_ns)
    intended_rate_rps = None
    if intended_count is not None and window_ns > 0:
        intended_rate_rps = intended_count * NS_PER_S / window_ns
    latency_ns, intervals = _latency_of(samples, start_ns, end_ns)
    return Summary(
        count=len(samples),
        error_count=samples.error_count,
        errors=samples.errors,
        bytes_in=sum(int(received.sum()) for received in samples.in_blocks("bytes_in")),
        duration_s=window_ns / NS_PER_S,
        rate_rps=finished * NS_PER_S / window_ns if window_ns > 0 else 0.0,
        intended_rate_rps=intended_rate_rps,
        latency_ns=latency_ns,
        service_ns=Distribution.of_blocks(samples.in_blocks("service_ns")),
        lag_ns=Distribution.of_blocks(samples.in_blocks("lag_ns")),
        latency_intervals=intervals,
    )


def _latency_of(
    samples: Samples, start_ns: int, end_ns: int
) -> tuple[Distribution | None, dict[str, PercentileInterval]]:
    """Distribution and intervals of the latency, from one sorting."""
    latencies = samples.in_blocks("latency_ns")
    extent = Extent.of(latencies)
    if extent is None:
        return None, {}
    ordered = OrderStatistics(latencies, extent)
    found = percentile_intervals(
        samples, start_ns, end_ns, list(PERCENTILES.values()), ordered=ordered
    )
    return Distribution.of_ordered(ordered), dict(zip(PERCENTILES, found, strict=True))


def flat_ms(durations: Mapping[str, Distribution]) -> dict[str, float | None]:
    """Every statistic of every duration in ms, under names such as ``latency_p99_ms``."""
    return {
        f"{name}_{key}_ms": None if value is None else value / NS_PER_MS
        for name, part in durations.items()
        for key, value in part.to_dict().items()
    }
