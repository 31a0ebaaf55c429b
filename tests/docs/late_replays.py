"""The table of docs/replay.md that says what the figures of fidelity show: simulated replays.

Three recordings are sent by seven kinds of generators, each late in its own way. Seeds are fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchlab.runs.fidelity import TOLERANCE_NS
from benchlab.statistics.kolmogorov_smirnov import ks_distance
from benchlab.units import NS_PER_MS, NS_PER_S, format_count

__all__ = ["render"]

Times: TypeAlias = NDArray[np.int64]

_COUNT = 20_000


def _random(rate_rps: float) -> Times:
    gaps_s = np.random.default_rng(1).exponential(1 / rate_rps, _COUNT)
    at_ns: Times = np.rint(np.cumsum(gaps_s) * NS_PER_S).astype(np.int64)
    return at_ns


_RECORDED: Mapping[str, Times] = {
    "even, 1,000/s": np.arange(_COUNT, dtype=np.int64) * NS_PER_MS,
    "random, 1,000/s": _random(1_000),
    "random, 100/s": _random(100),
}


def _drawn_late(mean_ns: float) -> Callable[[Times], Times]:
    """Each is late by itself, by an exponential time, and none is sent before the one before it."""

    def sent(due_ns: Times) -> Times:
        late_ns = np.random.default_rng(2).exponential(mean_ns, len(due_ns)).astype(np.int64)
        at_ns: Times = np.maximum.accumulate(due_ns + late_ns)
        return at_ns

    return sent


def _ticks(tick_ns: int) -> Callable[[Times], Times]:
    """A timer that only fires at multiples of ``tick_ns``: what is due then is sent at once."""
    return lambda due_ns: due_ns + -due_ns % tick_ns


def _at_most(rate_rps: float) -> Callable[[Times], Times]:
    """Requests queue up where more are due than can be sent."""
    cost_ns = round(NS_PER_S / rate_rps)

    def sent(due_ns: Times) -> Times:
        turns = np.arange(len(due_ns)) * cost_ns
        at_ns: Times = np.maximum.accumulate(due_ns - turns) + turns
        return at_ns

    return sent


def _slower(ratio: float) -> Callable[[Times], Times]:
    return lambda due_ns: np.rint(due_ns * ratio).astype(np.int64)


def _pause(due_ns: Times) -> Times:
    """Nothing is sent for a second, in the middle."""
    middle_ns = int(due_ns[-1]) // 2
    held = (due_ns > middle_ns) & (due_ns < middle_ns + NS_PER_S)
    return np.where(held, middle_ns + NS_PER_S, due_ns)


_SENT: Mapping[str, Callable[[Times], Times]] = {
    "late by 0.02 ms on average": _drawn_late(20_000),
    "late by 0.1 ms on average": _drawn_late(100_000),
    "a timer of 1 ms": _ticks(NS_PER_MS),
    "a timer of 10 ms": _ticks(10 * NS_PER_MS),
    "at most 900 requests/s": _at_most(900),
    "a pause of 1 s": _pause,
    "5 % slower": _slower(1.05),
    "half as fast": _slower(2),
}


def _cell(due_ns: Times, sent_ns: Times) -> str:
    gaps = np.diff(due_ns), np.diff(sent_ns)
    distance, tolerant = ks_distance(*gaps), ks_distance(*gaps, TOLERANCE_NS)
    lag_ms = float(np.quantile(sent_ns - due_ns, 0.99)) / NS_PER_MS
    shown = format_count(round(lag_ms)) if lag_ms >= 10 else f"{lag_ms:.2g}"
    return f"{distance:.2f}, {tolerant:.2f}, {shown} ms"


def render() -> str:
    """A row per kind of lateness, and a column per recording: KS, KS beyond 0.1 ms, lag p99."""
    rows = [
        [name, *(_cell(due_ns, late(due_ns)) for due_ns in _RECORDED.values())]
        for name, late in _SENT.items()
    ]
    head, *lines = (f"| {' | '.join(row)} |" for row in [["sent", *_RECORDED], *rows])
    return "\n".join([head, "|---" * (1 + len(_RECORDED)) + "|", *lines])
