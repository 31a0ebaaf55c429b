"""What all trials of the fault server draw before a cause is injected, and how strong is strong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["MS", "RATES", "RATE_SPREAD", "SECOND", "Drawing"]

RATES: dict[str, tuple[float, ...]] = {
    "dev": (100, 120, 140, 170, 200, 240, 280, 340, 400, 475, 550, 670, 800, 940, 1100, 1290, 1500,
            1690, 1900),
    "judged": (110, 130, 154, 184, 219, 259, 308, 369, 436, 511, 607, 732, 867, 1017, 1191,
               1391, 2050),
    "judged_later": (106.4, 148.9, 159.3, 188.8, 212.3, 225.7, 297.9, 318.5, 359.3, 423.6, 448, 586,
                     628, 710.4, 753.3, 844.8, 1161, 1590, 1790),
    "report": (105.5, 113.1, 126.7, 150.2, 160.7, 179.4, 210.7, 224.1, 265.1, 300.5, 321.4, 378.2,
               591.6, 622.3, 715.3, 888.7, 991.8, 1220.1, 1358.8, 2002),
}  # fmt: skip
"""Rates that the detectors were developed on (also since they were judged on them), and others."""

RATE_SPREAD = {"dev": 0.05, "judged": 0.02, "judged_later": 0.004, "report": 0.0025}
"""How far a trial's rate is from the one it drew at most, as a ratio."""

MS = 1_000_000
SECOND = 1_000_000_000
_NAMES = ("SELECT orders", "GET inventory", "cache.get", "SELECT prices", "render")


class Drawing:
    """A trial while it is drawn: the fault server, its load, and what is beside."""

    def __init__(self, rng: np.random.Generator, seed: int, rates: str, traced: bool) -> None:
        self.rng, self.seed, self.traced = rng, seed, traced
        self.length_s = round(float(rng.uniform(5.0, 5.5)), 2)
        self.rate = float(rng.choice(RATES[rates]))
        self.rate *= 1 + RATE_SPREAD[rates] * float(rng.uniform(-1, 1))
        self.base = self.log(2.0, 12.0)  # ms
        self.sigma = float(rng.uniform(0.08, 0.35))
        tail = float(rng.choice([0.0, 0.0, 0.3, 0.6])) * self.base
        self.endpoints = int(rng.choice([1, 1, 2, 3, 5]))
        self.faults: list[dict[str, Any]] = []
        self.load = str(rng.choice(["constant", "poisson", "closed"], p=[0.4, 0.35, 0.25]))
        self.transport: dict[str, Any] = {}
        self.plan_more: dict[str, Any] = {}
        self.plan_faults: list[str] = []
        self.beside: dict[str, Any] = {}
        self.service: dict[str, Any] = {
            "seed": int(rng.integers(2**31)),
            "size": {"median": self.log(300, 6000), "sigma": float(rng.uniform(0.0, 1.0))},
            "instances": int(rng.choice([1, 1, 2, 4])),
            "instance_by": str(rng.choice(["connection", "request"])),
            "targets": 1,
            "tls": bool(rng.random() < 0.1),
            "base": {"tail_ns": int(tail * MS)},
        }
        if traced and rng.random() < 0.5:
            self.children(float(rng.random()))

    def log(self, low: float, high: float) -> float:
        """Log-uniform between two bounds."""
        return float(math.exp(self.rng.uniform(math.log(low), math.log(high))))

    def ratio(self, low: float, high: float) -> float:
        """Log-uniform, as a share."""
        return round(self.log(low, high), 4)

    def children(self, which: float) -> None:
        """Let the handler call others: child spans, none of them slow."""
        count = int(self.rng.integers(2, 5))
        names = [str(name) for name in self.rng.permutation(_NAMES)[:count]]
        self.service |= {"children": names, "slow_child": int(which * count)}

    def window(self) -> list[int] | None:
        """All of the run, or a part of it."""
        if self.rng.random() < 0.6:
            return None
        share = float(self.rng.uniform(0.4, 0.8))
        start = float(self.rng.uniform(0, 1 - share)) * self.length_s
        return [int(start * SECOND), int((start + share * self.length_s) * SECOND)]

    def high(self) -> float:
        """About the p99 of the service alone, in ms."""
        tail = float(self.service["base"]["tail_ns"]) / MS
        return self.base * math.exp(2.33 * self.sigma) + 4.6 * tail

    def open_loop(self) -> None:
        """Not a closed loop."""
        if self.load == "closed":
            self.load = str(self.rng.choice(["constant", "poisson"]))

    def add(self, kind: str, cause: int, **options: Any) -> None:
        """Another fault of the service."""
        self.faults.append({"kind": kind, "cause": cause, **options})

    def settings(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The settings of the service, and those of the plan."""
        rng = self.rng
        self.service["base"] |= {"median_ns": int(self.base * MS), "sigma": self.sigma}
        self.service["faults"] = self.faults
        plan: dict[str, Any] = {"load": self.load, "rate_rps": round(self.rate, 1)}
        plan |= {"endpoints": self.endpoints, "transport": self.transport, "seed": self.seed}
        if self.load == "closed":
            fit = self.rate * self.base / 1e3
            plan["connections"] = int(min(max(fit, 4), 48))
            if rng.random() < 0.3:
                plan["think_ms"] = round(self.log(1.0, 10.0), 2)
        plan["faults"] = self.plan_faults
        plan["warmup_s"] = float(rng.choice([0.0, 0.0, 0.5]))
        return self.service, plan | self.plan_more
