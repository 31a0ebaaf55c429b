"""Services whose latency is known beforehand: what they do to a request, and closed forms of that.

λ is the arrival rate in requests/s, S the service time, D the length of a stall, K the number of
stalls within T seconds, c the number of slots that serve at the same time, and ρ = λS/c.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fault", "capacity_stall", "latencies_s", "overload", "ramp", "stall"]


@dataclass(frozen=True)
class Fault:
    """A service that serves each request for ``service_s``, and does not begin any in a pause.

    ``ramp_s`` is what the service time grows to over ``over_s`` (None: it stays). ``slots`` is how
    many requests are served at the same time, in order of arrival (0: any number). Pauses are
    (start, length), in seconds from the first request.
    """

    service_s: float
    slots: int = 0
    pauses: Sequence[tuple[float, float]] = ()
    ramp_s: float | None = None
    over_s: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of all fields."""
        return asdict(self)

    def finisher(self) -> Callable[[float], float]:
        """A function from each request's arrival, in order, to when its answer is due."""
        free = [0.0] * self.slots

        def finish(arrival_s: float) -> float:
            begin_s = max(arrival_s, heapq.heappop(free)) if free else arrival_s
            for start_s, length_s in self.pauses:
                if start_s <= begin_s < start_s + length_s:
                    begin_s = start_s + length_s
            done_s = begin_s + self._service_s(arrival_s)
            if self.slots:
                heapq.heappush(free, done_s)
            return done_s

        return finish

    def _service_s(self, arrival_s: float) -> float:
        if self.ramp_s is None:
            return self.service_s
        return self.service_s + (self.ramp_s - self.service_s) * arrival_s / self.over_s


def latencies_s(fault: Fault, arrivals_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each request sees that arrives at ``arrivals_s``; the service starts with the first."""
    finish = fault.finisher()
    start_s = arrivals_s[0]
    return np.array([finish(at - start_s) - (at - start_s) for at in arrivals_s])


Quantile = Callable[[float], float]
"""From a ratio (0 to 1) to a latency in seconds."""


def stall(fault: Fault, t: float) -> Quantile:
    """Any number of slots, K equal stalls: Q(p) = max(S, S + D - (1 - p) T / K)."""
    s, d, k = fault.service_s, fault.pauses[0][1], len(fault.pauses)
    return lambda p: max(s, s + d - (1 - p) * t / k)


def ramp(fault: Fault, t: float) -> Quantile:
    """A service time that grows: Q(p) = S(p T)."""
    s, highest = fault.service_s, fault.ramp_s
    assert highest is not None
    return lambda p: s + (highest - s) * p * t / fault.over_s


def capacity_stall(fault: Fault, t: float, rate_rps: float) -> Quantile:
    """c slots, ρ < 1, one stall: Q(p) = max(S, S + D - (1 - p) T (1 - ρ))."""
    s, d = fault.service_s, fault.pauses[0][1]
    rho = rate_rps * s / fault.slots
    return lambda p: max(s, s + d - (1 - p) * t * (1 - rho))


def overload(fault: Fault, t: float, rate_rps: float) -> Quantile:
    """c slots, ρ > 1: Q(p) = S + (ρ - 1) p T."""
    s = fault.service_s
    rho = rate_rps * s / fault.slots
    return lambda p: s + (rho - 1) * p * t
