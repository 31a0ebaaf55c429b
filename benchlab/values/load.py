"""Load shapes: when the next request should be sent.

A closed loop sends when a connection is free. An open loop sends at times fixed in advance, and
yields those times here: integer nanoseconds from the start of a phase, in order, in blocks of
bounded size, so that a long run does not hold its whole schedule in memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import InputError
from benchlab.units import NS_PER_S

__all__ = ["ClosedLoop", "ConstantRate", "Load", "PoissonRate", "load_from_dict", "load_to_dict"]

BLOCK = 2_048  # made while the run goes on: small enough not to delay a send by 0.1 ms
_MAX_RATE_RPS = 10_000_000.0
_MAX_CONNECTIONS = 60_000


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """``connections`` users, each sending its next request when the answer to the last is in.

    Throughput follows the service; intended time equals sending time, so a stall of the service
    is seen by at most ``connections`` requests.
    """

    connections: int = 64
    kind: ClassVar[str] = "closed_loop"

    def __post_init__(self) -> None:
        whole = isinstance(self.connections, int) and not isinstance(self.connections, bool)
        if not (whole and 1 <= self.connections <= _MAX_CONNECTIONS):
            raise InputError(
                f"connections={self.connections!r} must be a whole number"
                f" from 1 to {_MAX_CONNECTIONS}"
            )

    def describe(self) -> str:
        """What it does, as a phrase."""
        noun = "connection" if self.connections == 1 else "connections"
        return f"closed loop of {self.connections:,} {noun}"


@dataclass(frozen=True, slots=True)
class ConstantRate:
    """An open loop with equal gaps: request k is intended at k / ``rate_rps``."""

    rate_rps: float
    kind: ClassVar[str] = "constant_rate"

    def __post_init__(self) -> None:
        _check_rate(self.rate_rps)

    def describe(self) -> str:
        """What it does, as a phrase."""
        return f"open loop of {self.rate_rps:,.10g} requests/s at equal intervals"

    def offsets(self, duration_ns: int, seed: int) -> Iterator[NDArray[np.int64]]:
        """Exactly round(rate × duration) intended times in [0, ``duration_ns``). Unseeded."""
        del seed
        gap_ns = NS_PER_S / self.rate_rps
        count = round(self.rate_rps * duration_ns / NS_PER_S)
        for start in range(0, count, BLOCK):
            index = np.arange(start, min(start + BLOCK, count), dtype=np.float64)
            yield np.minimum((index * gap_ns).astype(np.int64), duration_ns - 1)


@dataclass(frozen=True, slots=True)
class PoissonRate:
    """An open loop with independent, exponentially distributed gaps of mean 1 / ``rate_rps``.

    This is how requests of many independent users arrive. The realised count varies around
    rate × duration, and is fixed by the seed.
    """

    rate_rps: float
    kind: ClassVar[str] = "poisson_rate"

    def __post_init__(self) -> None:
        _check_rate(self.rate_rps)

    def describe(self) -> str:
        """What it does, as a phrase."""
        return f"open loop of {self.rate_rps:,.10g} requests/s at random (Poisson) intervals"

    def offsets(self, duration_ns: int, seed: int) -> Iterator[NDArray[np.int64]]:
        """Arrival times of one realisation in [0, ``duration_ns``); the same for the same seed."""
        rng = np.random.default_rng(seed)
        last = 0.0
        while True:
            gaps = rng.exponential(NS_PER_S / self.rate_rps, size=BLOCK)
            times = last + np.cumsum(gaps)
            last = float(times[-1])
            yield times[times < duration_ns].astype(np.int64)
            if last >= duration_ns:
                return


Load = ClosedLoop | ConstantRate | PoissonRate

_KINDS: dict[str, type[Load]] = {
    shape.kind: shape for shape in (ClosedLoop, ConstantRate, PoissonRate)
}


def load_to_dict(load: Load) -> dict[str, Any]:
    """A JSON-ready dict with the shape's name under ``kind``."""
    return {"kind": load.kind, **asdict(load)}


def load_from_dict(data: Mapping[str, Any]) -> Load:
    """The load shape that `load_to_dict` wrote.

    Raises:
        InputError: an unknown ``kind``.
    """
    values = dict(data)
    kind = values.pop("kind", None)
    if kind not in _KINDS:
        raise InputError(f"load kind {kind!r} is unknown: use one of {', '.join(sorted(_KINDS))}")
    return _KINDS[kind](**values)


def _check_rate(rate_rps: float) -> None:
    number = isinstance(rate_rps, int | float) and not isinstance(rate_rps, bool)
    if not (number and math.isfinite(rate_rps) and 0 < rate_rps <= _MAX_RATE_RPS):
        raise InputError(
            f"rate_rps={rate_rps!r} must be above 0 and at most {_MAX_RATE_RPS:,.0f} requests/s"
        )
