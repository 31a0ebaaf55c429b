"""How causes are drawn for the bundled target: as faults of its own control API."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["OWN_MS", "TARGET_CAUSES", "TARGET_RATES", "TARGET_RATE_SPREAD", "TargetDrawing"]

TARGET_RATES = {
    "dev": (60, 67, 75, 82, 90, 97, 105, 112, 120),
    "judged": (52, 135, 150),
    "judged_later": (55.8, 63.4, 70.9, 78.4, 85.9, 127.2, 142.2),
    "report": (54.4, 62.3, 69.6, 72.2, 93.4, 124.8, 139.9),
}
"""As :data:`tests.trials.drawing.RATES`, lower: the target does more than the fault server."""

TARGET_RATE_SPREAD = {"dev": 0.03, "judged": 0.03, "judged_later": 0.01, "report": 0.004}
"""As :data:`tests.trials.drawing.RATE_SPREAD`."""

_LONG_BYTES = 10_000  # in a request, when sizes are to matter
OWN_MS = 5.0
"""What the target itself takes at most, beyond the latency that a trial gives it."""


class TargetDrawing:
    """A trial while it is drawn: the target with a latency of its own, and its load."""

    def __init__(self, rng: np.random.Generator, seed: int, rates: str, traced: bool) -> None:
        self.rng, self.seed, self.traced = rng, seed, traced
        self.length_s = round(float(rng.uniform(5.0, 5.5)), 2)
        self.rate = float(rng.choice(TARGET_RATES[rates]))
        self.rate *= 1 + TARGET_RATE_SPREAD[rates] * float(rng.uniform(-1, 1))
        self.base = self.log(4.0, 15.0)  # ms
        self.spread = self.base * float(rng.uniform(0.08, 0.2))
        self.load = str(rng.choice(["constant", "poisson", "closed"], p=[0.4, 0.35, 0.25]))
        self.sizes = False
        self.faults: list[dict[str, Any]] = []
        self.plan_more: dict[str, Any] = {}
        self.beside: dict[str, Any] = {}

    def log(self, low: float, high: float) -> float:
        """Log-uniform between two bounds."""
        return float(math.exp(self.rng.uniform(math.log(low), math.log(high))))

    def high(self) -> float:
        """About the p99 of the service alone, in ms; rather too high."""
        return self.base + 2.33 * self.spread + OWN_MS

    def add(self, kind: str, *, at_s: float = 0.0, **settings: Any) -> None:
        """Set a fault, from ``at_s`` of the run on."""
        self.faults.append({"at_s": at_s, "body": {"kind": kind, "lease_s": 60.0, **settings}})

    def pause_ms(self) -> float:
        """How long a pause takes that recurs, and that several requests meet."""
        return max(self.log(50, 180), 2 * self.high(), 8e3 / self.rate)

    def drawn(self) -> dict[str, Any]:
        """The seed of a fault of requests."""
        return {"seed": int(self.rng.integers(2**31))}

    def settings(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The settings of the service, and those of the plan."""
        base: dict[str, Any] = {
            "distribution": "normal",
            "latency_ms": self.base,
            "spread_ms": self.spread,
        }
        own = {"at_s": 0.0, "body": {"kind": "latency", "lease_s": 60.0, **base, **self.drawn()}}
        service = {"faults": [own, *self.faults], "high_ms": self.high(), "sizes": self.sizes}
        plan: dict[str, Any] = {"load": self.load, "rate_rps": round(self.rate, 1)}
        plan |= {"transport": {}, "seed": self.seed, "warmup_s": 1.0}
        if self.load == "closed":
            plan["connections"] = int(min(max(self.rate * self.base / 1e3, 2), 4))
            plan["think_ms"] = round(plan["connections"] / self.rate * 1e3, 2)
        return service, plan | self.plan_more


def _stall(draw: TargetDrawing) -> None:
    at_s = float(draw.rng.uniform(0.2, 0.8)) * draw.length_s
    draw.add("pause", at_s=at_s, pause_ms=max(draw.log(150, 700), 3 * draw.high()))


def _periodic_pause(draw: TargetDrawing) -> None:
    period = draw.log(400, 1100)
    draw.add("pause", pause_ms=draw.pause_ms(), every_ms=period)


def _event_loop(draw: TargetDrawing) -> None:
    # At no regular distance, as work blocks it: a regular one would be a periodic pause as well.
    at_s = float(draw.rng.uniform(0.2, 0.6))
    length_ms = draw.pause_ms()
    while at_s < draw.length_s - 0.5:
        draw.add("block", at_s=at_s, block_ms=length_ms * float(draw.rng.uniform(0.7, 1.3)))
        at_s += length_ms / 1e3 + float(draw.rng.uniform(0.15, 1.3))


def _drift(draw: TargetDrawing) -> None:
    amount = draw.high() * draw.log(1.5, 6.0)
    size = 20_000
    held_mib = size * draw.rate * draw.length_s / 2**20
    draw.load = "constant" if draw.load == "closed" else draw.load
    draw.add("leak", leak_bytes=size, slowdown_ms_per_mib=amount / held_mib)


def _bimodal(draw: TargetDrawing) -> None:
    amount = draw.high() * draw.log(1.5, 6.0)
    draw.add(
        "cache_miss",
        miss_ms=amount,
        ratio=draw.log(0.05, 0.4),
        distribution="normal",
        spread_ms=amount * float(draw.rng.uniform(0.03, 0.15)),
        **draw.drawn(),
    )


def _one_of_many(draw: TargetDrawing) -> None:
    draw.load = "closed"
    count = int(draw.rng.integers(3, 6))
    draw.plan_more["connections"] = count * int(draw.rng.integers(1, 3))
    draw.plan_more["think_ms"] = draw.plan_more["connections"] / draw.rate * 1e3
    draw.add("slow_instance", slow_ms=draw.high() * draw.log(1.5, 6.0), of=count, **draw.drawn())


def _payload_size(draw: TargetDrawing) -> None:
    draw.sizes, draw.rate = True, min(draw.rate, 90.0)  # it computes for long vectors
    cost_ms = draw.high() * draw.log(1.5, 5.0)
    draw.add("payload", ns_per_byte=cost_ms * 1e6 / _LONG_BYTES)


def _contention(draw: TargetDrawing) -> None:
    draw.load = "poisson" if draw.load == "closed" else draw.load
    hold = float(draw.rng.uniform(0.8, 0.95)) / draw.rate * 1e3
    draw.add("lock", hold_ms=hold, distribution="exponential", **draw.drawn())


def _child_span(draw: TargetDrawing) -> None:
    amount = draw.high() * draw.log(1.5, 5.0)
    draw.add(
        "dependency",
        dependency_ms=amount,
        ratio=draw.log(0.08, 1.0),
        distribution="exponential",
        **draw.drawn(),
    )


def _errors(draw: TargetDrawing) -> None:
    ratio = draw.log(0.04, 0.3)
    if draw.rng.random() < 0.4:
        draw.add("drop", ratio=ratio, **draw.drawn())
    else:
        draw.add("error", ratio=ratio, status=int(draw.rng.choice([429, 500, 503])), **draw.drawn())


def _slow_body(draw: TargetDrawing) -> None:
    amount = draw.high() * draw.log(1.5, 6.0)
    draw.add(
        "slow_body",
        body_ms=amount,
        ratio=draw.log(0.1, 1.0),
        distribution="normal",
        spread_ms=amount * float(draw.rng.uniform(0.1, 0.3)),
        **draw.drawn(),
    )


TARGET_CAUSES: dict[str, Callable[[TargetDrawing], None]] = {
    "stall": _stall,
    "periodic_pause": _periodic_pause,
    "event_loop": _event_loop,
    "drift": _drift,
    "bimodal": _bimodal,
    "one_of_many": _one_of_many,
    "payload_size": _payload_size,
    "contention": _contention,
    "child_span": _child_span,
    "errors": _errors,
    "slow_body": _slow_body,
}
"""The causes that the target's faults can be, and how they are injected."""
