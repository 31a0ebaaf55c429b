"""How long a load has to last before it shows what it does to a service."""

from __future__ import annotations

import math

__all__ = ["overload_resolution", "overload_shows_after_s", "relaxation_time_s"]


def overload_shows_after_s(
    limit_s: float, service_s: float, overload: float, ratio: float
) -> float:
    """The least time after which an ``overload`` breaks a limit on a percentile.

    With a constant overload of ρ − 1 (0.01: 1 % more requests than the service can take) the queue
    grows steadily, and a request that arrives at t takes S + (ρ − 1) t. The percentile ``ratio``
    of a window of T from an empty queue is then S + (ρ − 1) · ratio · T: it passes ``limit_s``
    after (limit − S) / ((ρ − 1) · ratio).

    >>> round(overload_shows_after_s(0.050, 0.005, 0.01, 1.0), 3)
    4.5
    """
    return max(limit_s - service_s, 0.0) / (overload * ratio)


def overload_resolution(
    limit_s: float, service_s: float, warmup_s: float, length_s: float, ratio: float
) -> float:
    """The smallest overload that breaks a limit within a probe: `overload_shows_after_s` solved
    for ρ − 1, where the queue also grew during a warm-up at the same rate."""
    return max(limit_s - service_s, 0.0) / (warmup_s + ratio * length_s)


def relaxation_time_s(rate_rps: float, utilization: float) -> float:
    """How long a queue of random arrivals remembers its state: 1 / (μ (1 − √ρ)²).

    The relaxation time of the M/M/1 queue (Cohen, *The Single Server Queue*, 1982, II.2.1), for
    the service rate μ = ``rate_rps`` / ρ. Infinite at a ``utilization`` of 1.

    >>> round(relaxation_time_s(90, 0.9), 2)
    3.8
    """
    if utilization >= 1:
        return math.inf
    return utilization / (rate_rps * (1 - math.sqrt(utilization)) ** 2)
