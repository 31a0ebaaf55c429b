"""Simulated runs with a known cause, of random strength and place, drawn by a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchlab.samples.samples import ErrorKind
from tests.analysis.causes.world import (
    MS,
    Arrived,
    Floats,
    Simulated,
    World,
    carry_out,
    draw_world,
    poisson,
)

__all__ = ["CAUSES", "TOGETHER", "describe", "is_same", "simulate", "simulate_two"]

TOGETHER = ({"queueing", "contention"}, {"stall", "periodic_pause", "event_loop"})
"""Causes that cannot be told apart without spans."""


def _strength(world: World) -> float:
    """A time that moves the p99 visibly: from half of it up."""
    own = world.base * np.exp(2.3 * world.sigma) + world.hiccup * min(world.hiccups, 1)
    return float(own * np.exp(world.rng.uniform(np.log(0.7), np.log(20))))


def healthy(world: World) -> None:
    """Nothing but the machine's own hiccups."""


def queueing(world: World) -> None:
    rng = world.rng
    world.slots = int(rng.choice([1, 1, 2, 4]))
    load = float(rng.uniform(0.75, 0.97)) if rng.random() < 0.8 else float(rng.uniform(1.02, 1.3))
    mean = world.slots * load / world.rate
    spread = float(rng.uniform(0, 1)) if world.poisson or load > 1 else float(rng.uniform(0.7, 1.1))
    world.slot_time = lambda a: mean * rng.gamma(1 / max(spread, 0.05) ** 2,
                                                 max(spread, 0.05) ** 2, len(a))  # fmt: skip
    world.base = min(world.base, mean)
    world.numbers = {"capacity_rps": world.slots / mean}


def contention(world: World) -> None:
    rng = world.rng
    world.slots, world.slot_inside = 1, True
    ratio = float(rng.choice([1.0, rng.uniform(0.2, 1)]))
    load = float(rng.uniform(0.7, 0.95))
    hold = load / (world.rate * ratio)
    world.poisson = world.poisson or ratio == 1.0
    world.slot_time = lambda a: np.where(rng.random(len(a)) < ratio, hold, 0.0)
    world.numbers = {"hold_ns": hold * 1e9}


def stall(world: World) -> None:
    rng = world.rng
    length = float(max(world.length * 0.01 * np.exp(rng.uniform(np.log(1.5), np.log(8))), 0.06))
    at = float(rng.uniform(0.05, 0.9)) * world.length
    world.server_freezes.append((at, length))
    world.numbers = {"length_ns": length * 1e9, "at_ns": at * 1e9}


def periodic_pause(world: World) -> None:
    rng = world.rng
    period = float(rng.uniform(0.3, world.length / 5))
    length = float(max(period * rng.uniform(0.02, 0.15), 15 * MS, 1.5 * world.base))
    starts = np.arange(rng.uniform(0, period), world.length, period)
    for at in starts + rng.normal(0, 0.01 * period, len(starts)):
        world.server_freezes.append((float(max(at, 0)), length * float(rng.uniform(0.9, 1.1))))
    world.numbers = {"length_ns": length * 1e9, "period_ns": period * 1e9}


def event_loop(world: World) -> None:
    rng = world.rng
    length = float(np.exp(rng.uniform(np.log(25 * MS), np.log(150 * MS))))
    often = float(rng.uniform(0.03, 0.15)) / length
    for at in poisson(rng, often, world.length):
        world.server_freezes.append((float(at), length * float(rng.uniform(0.8, 1.2))))
    world.numbers = {"length_ns": length * 1e9}


def drift(world: World) -> None:
    rng = world.rng
    by = world.base * float(rng.uniform(0.8, 5))
    form = rng.integers(0, 3)

    def level(arrived: Arrived) -> Floats:
        at = arrived.at / arrived.length
        grown: Floats = (at, np.exp(-4 * at), at**2)[form]
        return by * grown

    world.extra.append(level)


def bimodal(world: World) -> None:
    rng = world.rng
    ratio, cost = float(rng.uniform(0.03, 0.4)), max(_strength(world), 1.5 * world.base)
    spread = float(rng.uniform(0, 0.25))
    world.extra.append(
        lambda a: (rng.random(len(a)) < ratio) * cost * rng.lognormal(0, spread, len(a))
    )
    world.numbers = {"share_ratio": ratio}


def one_of_many(world: World) -> None:
    rng = world.rng
    place = int(rng.integers(0, 4))
    cost = _strength(world)
    count = int(rng.integers(3, 7))
    slow = int(rng.integers(0, count))
    if place == 0:
        world.endpoints = count
        world.extra.append(lambda a: (a.endpoint == slow) * cost)
    elif place == 1:
        world.endpoints, world.targets = 1, count
        world.extra.append(lambda a: (a.target == slow) * cost)
    elif place == 2:
        world.instances, world.spans = count, world.spans or 1.0
        world.extra.append(lambda a: (a.instance == slow) * cost)
    else:
        world.network.append(lambda a: (a.connection == slow) * cost)
    world.numbers = {"place": place}


def payload_size(world: World) -> None:
    rng = world.rng
    sizes = np.exp(rng.uniform(np.log(1e3), np.log(1e6), int(rng.choice([5, 20, 500]))))
    cost = _strength(world)
    world.numbers = {"ns_per_byte": cost / float(np.quantile(sizes, 0.98)) * 1e9}
    each = world.numbers["ns_per_byte"] * 1e-9
    if rng.random() < 0.4:
        world.endpoints = 6
        world.request_sizes = [int(x) for x in np.exp(np.linspace(np.log(200), np.log(1e5), 6))]
        each *= float(np.quantile(sizes, 0.98)) / 1e5
        world.numbers["ns_per_byte"] = each * 1e9
        world.extra.append(lambda a: np.asarray(a.bytes_out * each, dtype=np.float64))
        return
    world.sizes = sizes.astype(np.int64)
    where = world.bodies if rng.random() < 0.5 else world.extra
    where.append(lambda a: np.asarray(a.bytes_in * each, dtype=np.float64))


def new_connections(world: World) -> None:
    rng = world.rng
    world.connect = max(_strength(world), 1.5 * MS)
    world.lives = float(rng.choice([1.0, rng.uniform(2, 20)]))


def tcp_stall(world: World) -> None:
    rng = world.rng
    ratio = float(rng.uniform(0.015, 0.1))
    if rng.random() < 0.5:
        world.network.append(
            lambda a: (rng.random(len(a)) < ratio) * rng.uniform(40 * MS, 42 * MS, len(a))
        )
    else:
        world.network.append(
            lambda a: (
                (rng.random(len(a)) < ratio)
                * (0.2 * 2.0 ** np.minimum(rng.geometric(0.75, len(a)) - 1, 3))
            )
        )


def child_span(world: World) -> None:
    rng = world.rng
    world.spans = world.spans or 1.0
    ratio = float(rng.choice([1.0, rng.uniform(0.03, 0.3)]))
    cost, spread = max(_strength(world), 5 * MS), float(rng.uniform(0.05, 0.5))
    world.children.append(lambda a: np.full(len(a), 0.1 * world.base))
    world.children.append(
        lambda a: (
            0.2 * world.base
            + (rng.random(len(a)) < ratio) * cost * rng.lognormal(0, spread, len(a))
        )
    )


def errors(world: World) -> None:
    rng = world.rng
    kind = int(rng.integers(0, 3))
    if kind == 0:
        ratio = float(rng.uniform(0.02, 0.4))
        world.errors = lambda a: (rng.random(len(a)) < ratio, 503, ErrorKind.STATUS)
    elif kind == 1:
        ratio = float(rng.uniform(0.02, 0.2))
        world.errors = lambda a: (rng.random(len(a)) < ratio, 0, ErrorKind.RESET)
    else:
        limit = world.rate * float(rng.uniform(0.5, 0.95))

        def limited(arrived: Arrived) -> tuple[NDArray[np.bool_], int, int]:
            tokens, last, over = limit * 0.1, 0.0, np.zeros(len(arrived), dtype=bool)
            for index, at in enumerate(arrived.at.tolist()):
                tokens = min(tokens + (at - last) * limit, limit * 0.1)
                last = at
                over[index] = tokens < 1
                tokens -= not over[index]
            return over, 429, ErrorKind.STATUS

        world.errors = limited
        world.numbers = {"limit_rps": limit}


def slow_body(world: World) -> None:
    rng = world.rng
    ratio, cost = float(rng.choice([1.0, rng.uniform(0.03, 0.5)])), max(_strength(world), 3 * MS)
    world.bodies.append(
        lambda a: (rng.random(len(a)) < ratio) * cost * rng.lognormal(0, 0.1, len(a))
    )


def connection_cap(world: World) -> None:
    rng = world.rng
    world.base = max(world.base, 3 / world.rate)
    need = world.rate * (world.base * np.exp(world.sigma**2 / 2) + 0.3 * MS)
    over = float(rng.uniform(0.85, 1.1))
    world.cap = max(2, int(need / over))
    world.poisson = world.poisson or over < 1
    world.server_freezes.clear()


def generator(world: World) -> None:
    rng = world.rng
    if rng.random() < 0.5:
        world.generator_core = float(rng.uniform(0.85, 1.05)) / world.rate
    else:
        often, length = float(rng.uniform(1, 6)), float(rng.uniform(0.02, 0.15))
        for at in poisson(rng, often, world.length):
            world.generator_freezes.append((float(at), length * float(rng.uniform(0.5, 1.5))))


_CLOSED = (
    "drift", "bimodal", "one_of_many", "payload_size",
    "tcp_stall", "child_span", "slow_body", "healthy", "new_connections",
)  # fmt: skip
"""Causes that also occur in closed loops."""

CAUSES: dict[str, Callable[[World], None]] = {
    each.__name__: each
    for each in (
        queueing, stall, periodic_pause, drift, bimodal, one_of_many, payload_size,
        new_connections, tcp_stall, contention, event_loop, child_span, errors, slow_body,
        connection_cap, generator, healthy,
    )
}  # fmt: skip
"""What can be injected, by name."""


def simulate(cause: str, seed: int, rates: tuple[float, float] = (100, 2000)) -> Simulated:
    """A run with one cause, that accounts for at least 20 % of its 99th percentile."""
    for attempt in range(20):
        rng = np.random.default_rng([seed, sum(cause.encode()), attempt])
        world = draw_world(rng, rates)
        if cause in ("stall", "periodic_pause", "event_loop", "bimodal"):
            world.rate = max(world.rate, 150)
        if cause in _CLOSED and rng.random() < 0.3:
            world.users = int(np.clip(world.rate * world.base, 4, 48))
            world.rate = min(world.rate, 0.5 * world.users / world.base)
            world.think = float(rng.choice([0.0, world.base]))
            world.core = world.generator_core = 5e-6
        CAUSES[cause](world)
        made = carry_out(world, (cause,))
        if cause in ("healthy", "errors"):
            return made
        without = np.random.default_rng([seed, sum(cause.encode()), attempt])
        bare = draw_world(without, rates)
        bare = replace(bare, rate=world.rate, base=world.base, users=world.users)
        if _p99(made) >= 1.25 * _p99(carry_out(bare, ())):
            return made
    return made


def is_same(one: str, other: str, traced: bool) -> bool:
    """Whether two causes are the same, as far as the spans tell."""
    return one == other or (not traced and any({one, other} <= group for group in TOGETHER))


def simulate_two(first: str, second: str, seed: int) -> Simulated:
    """A run with two causes at once."""
    rng = np.random.default_rng([seed, sum(first.encode()), sum(second.encode())])
    world = draw_world(rng, (150, 1500))
    CAUSES[first](world)
    CAUSES[second](world)
    return carry_out(world, (first, second))


def _p99(made: Simulated) -> float:
    return float(np.quantile(made.run.samples.latency_ns, 0.99))


def describe(made: Simulated) -> dict[str, Any]:
    """What matters about a run, for whoever looks at one that was named wrong."""
    latency = made.run.samples.latency_ns / 1e6
    return {
        "load": made.run.plan.load.describe(),
        "length_s": made.run.plan.length_s,
        "p50_ms": float(np.median(latency)),
        "p90_ms": float(np.quantile(latency, 0.9)),
        "p99_ms": float(np.quantile(latency, 0.99)),
        "max_ms": float(latency.max()),
        "traced": 0 if made.spans is None else len(made.spans.seq),
        **made.numbers,
    }
