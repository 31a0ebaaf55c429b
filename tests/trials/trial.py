"""A trial: which causes are injected where, how strongly, and under which load; drawn by a seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

__all__ = ["CAUSES", "RATES", "Kind", "Trial", "draw"]

Kind = Literal["single", "healthy", "double"]
Rates = Literal["dev", "report"]

RATES: dict[str, tuple[float, ...]] = {
    "dev": (100, 200, 400, 800, 1500),
    "report": (140, 280, 550, 1100, 1900),
}
"""Rates that the detectors were developed on, and those that they are judged on, which differ."""

_MS = 1_000_000
_S = 1_000_000_000
_NAMES = ("SELECT orders", "GET inventory", "cache.get", "SELECT prices", "render")
_PAUSES = {"stall", "periodic_pause", "event_loop"}

_DOUBLE = (
    "stall",
    "periodic_pause",
    "event_loop",
    "drift",
    "bimodal",
    "one_of_many",
    "payload_size",
    "tcp_stall",
    "errors",
    "slow_body",
    "child_span",
    "contention",
)
"""Causes of which two occur at once."""


@dataclass
class Trial:
    """What is done in a trial; all of it follows from ``seed``, ``attempt``, kind and rates.

    ``service`` are the settings of the fault server, ``plan`` the parameters of the load, and
    ``beside`` what disturbs the machine or the generator meanwhile.
    """

    seed: int
    attempt: int
    kind: Kind
    rates: Rates
    causes: list[str]
    traced: bool
    length_s: float
    service: dict[str, Any]
    plan: dict[str, Any]
    beside: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of the fields."""
        return asdict(self)


class _Draw:
    """A trial while it is drawn."""

    def __init__(self, seed: int, attempt: int, kind: Kind, rates: Rates, traced: bool) -> None:
        self.rng = np.random.default_rng([seed, attempt, len(kind), len(rates)])
        rng = self.rng
        self.kind, self.traced = kind, traced
        self.length_s = round(float(rng.uniform(5.0, 6.0)), 2)
        self.rate = float(rng.choice(RATES[rates])) * float(rng.uniform(0.95, 1.05))
        self.base = self.log(2.0, 12.0)  # ms
        self.sigma = float(rng.uniform(0.08, 0.35))
        tail = float(rng.choice([0.0, 0.0, 0.3, 0.6])) * self.base
        self.endpoints = int(rng.choice([1, 1, 2, 3, 5]))
        self.faults: list[dict[str, Any]] = []
        self.load = str(rng.choice(["constant", "poisson", "closed"], p=[0.4, 0.35, 0.25]))
        self.transport: dict[str, Any] = {}
        self.plan_more: dict[str, Any] = {}
        self.beside: dict[str, Any] = {}
        self.service: dict[str, Any] = {
            "seed": int(rng.integers(2**31)),
            "size": {"median": self.log(300, 6000), "sigma": float(rng.uniform(0.0, 1.0))},
            "instances": int(rng.choice([1, 1, 2, 4])),
            "instance_by": str(rng.choice(["connection", "request"])),
            "targets": 1,
            "tls": bool(rng.random() < 0.1),
            "base": {"tail_ns": int(tail * _MS)},
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
        return [int(start * _S), int((start + share * self.length_s) * _S)]

    def high(self) -> float:
        """About the p99 of the service alone, in ms."""
        tail = float(self.service["base"]["tail_ns"]) / _MS
        return self.base * math.exp(2.33 * self.sigma) + 4.6 * tail

    def open_loop(self) -> None:
        """Not a closed loop."""
        if self.load == "closed":
            self.load = str(self.rng.choice(["constant", "poisson"]))

    def add(self, kind: str, cause: int, **options: Any) -> None:
        """Another fault of the service."""
        self.faults.append({"kind": kind, "cause": cause, **options})

    def finish(self, seed: int, attempt: int, rates: Rates, causes: list[str]) -> Trial:
        """The trial."""
        rng = self.rng
        self.service["base"] |= {"median_ns": int(self.base * _MS), "sigma": self.sigma}
        self.service["faults"] = self.faults
        plan: dict[str, Any] = {"load": self.load, "rate_rps": round(self.rate, 1)}
        plan |= {"endpoints": self.endpoints, "transport": self.transport, "seed": seed}
        if self.load == "closed":
            fit = self.rate * self.base / 1e3
            plan["connections"] = int(min(max(fit, 4), 48))
            if rng.random() < 0.3:
                plan["think_ms"] = round(self.log(1.0, 10.0), 2)
        plan["warmup_s"] = float(rng.choice([0.0, 0.0, 0.5]))
        return Trial(
            seed,
            attempt,
            self.kind,
            rates,
            causes,
            self.traced,
            self.length_s,
            self.service,
            plan | self.plan_more,
            self.beside,
        )


def _queueing(draw: _Draw, cause: int) -> None:
    draw.open_loop()
    slots = int(draw.rng.choice([1, 2, 3, 4, 8]))
    most = 40.0 * draw.rate / 1e3  # service times of 1 to 40 ms
    slots = max(1, min(slots, int(most) or 1))
    used = float(draw.rng.uniform(0.88, 1.1))
    mean = slots * used / draw.rate * 1e3
    if draw.load == "constant" and used < 0.98:
        draw.sigma = float(draw.rng.uniform(0.4, 0.8))  # else nobody waits
    draw.service["base"]["tail_ns"] = 0
    draw.base = mean / math.exp(draw.sigma**2 / 2)
    draw.service |= {"slots": slots, "slots_cause": cause}


def _stall(draw: _Draw, cause: int) -> None:
    length = max(draw.log(120, 700), 3 * draw.high())
    at = float(draw.rng.uniform(0.15, 0.8)) * draw.length_s
    kind = "hold" if draw.rng.random() < 0.6 else "block"
    draw.add(kind, cause, pauses=[[int(at * _S), int(length * _MS)]])


def _periodic_pause(draw: _Draw, cause: int) -> None:
    period = draw.log(0.35, 1.1)
    length = max(draw.log(30, 150), 2 * draw.high(), 20 * period)
    start = float(draw.rng.uniform(0.1, 1.0)) * period
    pauses = []
    while start < draw.length_s + 1:
        jitter = float(draw.rng.normal(0, 0.01)) * period
        pauses.append(
            [int((start + jitter) * _S), int(length * float(draw.rng.uniform(0.9, 1.1)) * _MS)]
        )
        start += period
    draw.add("hold", cause, pauses=pauses)


def _event_loop(draw: _Draw, cause: int) -> None:
    length = max(draw.log(30, 150), 2 * draw.high())
    per_second = min(draw.log(0.8, 4.0), 300 / length)
    if draw.rng.random() < 0.5:
        ratio = min(per_second / draw.rate, 0.02)
        draw.add("block_request", cause, amount_ns=int(length * _MS), sigma=0.2, ratio=ratio)
        return
    at, pauses = 0.0, []
    while True:
        at += 0.05 + float(draw.rng.exponential(1 / per_second))
        if at > draw.length_s:
            break
        pauses.append([int(at * _S), int(length * float(draw.rng.uniform(0.6, 1.4)) * _MS)])
    draw.add("block", cause, pauses=pauses)


def _drift(draw: _Draw, cause: int) -> None:
    amount = draw.high() * draw.log(1.5, 8.0)
    decay = float(draw.rng.choice([0.0, 0.0, draw.rng.uniform(2.0, 6.0)]))
    draw.add(
        "drift", cause, amount_ns=int(amount * _MS), decay=decay, length_ns=int(draw.length_s * _S)
    )


def _bimodal(draw: _Draw, cause: int) -> None:
    amount = draw.high() * draw.log(1.5, 8.0)
    draw.add(
        "extra",
        cause,
        amount_ns=int(amount * _MS),
        sigma=float(draw.rng.uniform(0.05, 0.2)),
        ratio=draw.ratio(0.03, 0.4),
    )


def _one_of_many(draw: _Draw, cause: int) -> None:
    rng = draw.rng
    places = ["endpoint", "endpoint", "target", "connection", "instance"]
    where = str(rng.choice(places))
    if where == "instance" and not draw.traced:
        draw.service["instance_by"] = "connection"
    count = int(rng.integers(3, 7))
    if where == "endpoint":
        draw.endpoints = count
    elif where == "target":
        draw.service |= {"targets": count, "instances": count, "instance_by": "target"}
    elif where == "instance":
        draw.service["instances"] = count
    if where == "connection" or (where == "instance" and not draw.traced):
        draw.load = "closed"
        draw.rate = max(draw.rate, 1.5 * count * 1e3 / draw.base)
    amount = draw.high() * draw.log(1.2, 6.0)
    draw.add(
        "extra",
        cause,
        where=where,
        which=int(rng.integers(count)),
        amount_ns=int(amount * _MS),
        sigma=float(rng.uniform(0.1, 0.4)),
    )


def _payload_size(draw: _Draw, cause: int) -> None:
    most = 15e6 / draw.rate  # bytes
    median = min(draw.log(2_000, 30_000), most / 2)
    sigma = float(draw.rng.uniform(0.8, 1.2))
    draw.service["size"] = {"median": median, "sigma": sigma}
    at_p90 = median * math.exp(1.28 * sigma)
    cost = draw.high() * draw.log(0.7, 4.0)
    draw.add("per_byte", cause, ns=cost * _MS / at_p90)


def _new_connections(draw: _Draw, cause: int) -> None:
    form = str(draw.rng.choice(["handshake", "handshake", "first"]))
    amount = draw.high() * draw.log(1.0, 5.0)
    if draw.rng.random() < 0.4:
        draw.transport["keep_alive"] = False
        if form == "first":
            draw.service["responses_per_connection"] = int(draw.log(2, 12))
            draw.transport = {}
    else:
        draw.service["responses_per_connection"] = int(draw.log(2, 12))
    draw.rate = min(draw.rate, 600.0)
    if form == "first":
        draw.add("extra", cause, where="first", amount_ns=int(amount * _MS), sigma=0.25)
    else:
        draw.service |= {
            "tls": True,
            "handshake_ns": int(amount * _MS),
            "handshake_sigma": float(draw.rng.uniform(0.05, 0.4)),
            "handshake_cause": cause,
        }


def _tcp_stall(draw: _Draw, cause: int) -> None:
    draw.base = min(draw.base, 8.0)
    amount = int(draw.rng.choice([40, 200]))
    draw.service["size"]["median"] = max(draw.service["size"]["median"], 400)
    draw.add(
        "tcp",
        cause,
        amount_ns=amount * _MS,
        again=0.0 if amount == 40 else float(draw.rng.uniform(0.0, 0.3)),
        place=str(draw.rng.choice(["before", "before", "between"])),
        ratio=draw.ratio(0.025, 0.3),
        window=draw.window(),
    )


def _contention(draw: _Draw, cause: int) -> None:
    draw.open_loop()
    used = float(draw.rng.uniform(0.75, 0.97))
    hold = used / draw.rate * 1e3
    wait = hold * used / (1 - used)
    draw.base = min(draw.base, max(0.8 * wait, 1.0))
    draw.add(
        "lock",
        cause,
        amount_ns=int(hold * _MS),
        random=draw.load == "constant" or bool(draw.rng.random() < 0.5),
        child="lock" if draw.rng.random() < 0.4 else None,
    )


def _child_span(draw: _Draw, cause: int) -> None:
    draw.children(float(draw.rng.random()))
    ratio = draw.ratio(0.05, 1.0)
    amount = draw.high() * draw.log(1.0, 5.0)
    draw.add(
        "child",
        cause,
        amount_ns=int(amount * _MS),
        sigma=float(draw.rng.uniform(0.2, 0.5)),
        exponential=bool(draw.rng.random() < 0.4),
        ratio=ratio,
    )


def _errors(draw: _Draw, cause: int) -> None:
    form = str(draw.rng.choice(["status", "status", "drop", "limit"]))
    if form == "limit":
        draw.open_loop()
        draw.add("limit", cause, rps=draw.rate * float(draw.rng.uniform(0.5, 0.93)))
        return
    status = 0 if form == "drop" else int(draw.rng.choice([500, 503]))
    draw.add(
        "error",
        cause,
        status=status,
        quick=bool(draw.rng.random() < 0.5),
        ratio=draw.ratio(0.03, 0.3),
        window=draw.window(),
    )


def _slow_body(draw: _Draw, cause: int) -> None:
    size = draw.service["size"]
    size |= {"median": max(size["median"], 1500), "sigma": min(size["sigma"], 0.5)}
    draw.add(
        "slow_body",
        cause,
        amount_ns=int(draw.high() * draw.log(1.2, 6.0) * _MS),
        sigma=float(draw.rng.uniform(0.2, 0.5)),
        ratio=draw.ratio(0.1, 1.0),
        window=draw.window(),
    )


def _connection_cap(draw: _Draw, cause: int) -> None:
    draw.open_loop()
    used = float(draw.rng.uniform(0.88, 1.08))
    draw.rate = max(draw.rate, 3 / draw.base * 1e3)
    tail = draw.service["base"]["tail_ns"] / _MS
    mean = draw.base * math.exp(draw.sigma**2 / 2) + tail
    cap = max(1, round(draw.rate * mean / 1e3 / used))
    draw.rate = cap * used / mean * 1e3
    draw.plan_more["max_connections"] = cap


def _generator(draw: _Draw, cause: int) -> None:
    form = str(draw.rng.choice(["freeze", "freeze", "burn", "slow driver"]))
    draw.open_loop()
    if form == "freeze":
        length = max(draw.log(15, 80), 1.5 * draw.high())
        gap = draw.log(80, 400)
        draw.beside = {"freeze_ms": length, "gap_ms": max(gap, 2 * length)}
    elif form == "burn":
        draw.base = min(draw.base, 3.0)
        draw.beside = {"burn_worker": int(draw.rng.integers(3, 7)), "nice": -10}
    else:
        draw.base = min(draw.base, 5.0)
        draw.rate = float(draw.rng.uniform(1100, 2500))
        draw.plan_more["driver"] = "httpx"


def _noise(draw: _Draw, cause: int) -> None:
    draw.base = draw.log(0.2, 0.8)
    draw.sigma = min(draw.sigma, 0.15)
    draw.service["base"]["tail_ns"] = 0
    draw.beside = {"burn_all": int(draw.rng.integers(2, 7))}


_DRAW: dict[str, Callable[[_Draw, int], None]] = {
    "queueing": _queueing,
    "stall": _stall,
    "periodic_pause": _periodic_pause,
    "drift": _drift,
    "bimodal": _bimodal,
    "one_of_many": _one_of_many,
    "payload_size": _payload_size,
    "new_connections": _new_connections,
    "tcp_stall": _tcp_stall,
    "contention": _contention,
    "event_loop": _event_loop,
    "child_span": _child_span,
    "errors": _errors,
    "slow_body": _slow_body,
    "connection_cap": _connection_cap,
    "generator": _generator,
    "noise": _noise,
}
CAUSES = tuple(_DRAW)
"""The causes that are injected, in the order in which seeds go through them."""


def _two(rng: np.random.Generator, traced: bool) -> list[str]:
    while True:
        first, second = (str(name) for name in rng.permutation(_DOUBLE)[:2])
        if not traced and "child_span" in {first, second}:
            continue
        if {first, second} <= _PAUSES:
            continue
        return [first, second]


def draw(seed: int, kind: Kind, rates: Rates, attempt: int = 0) -> Trial:
    """The trial of a ``seed``; another ``attempt`` has the same causes and draws the rest again.

    Consecutive seeds go through all causes. A slow child span can only be seen with traces.
    """
    rng = np.random.default_rng([seed, len(kind)])
    traced = bool(rng.random() < 0.5)
    causes: list[str] = []
    if kind == "single":
        causes = [CAUSES[seed % len(CAUSES)]]
        traced = traced or causes == ["child_span"]
    elif kind == "double":
        causes = _two(rng, traced)
    drawn = _Draw(seed, attempt, kind, rates, traced)
    for number, cause in enumerate(causes):
        _DRAW[cause](drawn, number)
    return drawn.finish(seed, attempt, rates, causes)
