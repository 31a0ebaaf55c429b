"""Simulated runs with a known cause: seeded, of random strength and place, on a noisy machine.

A request passes, in order: the generator (its schedule, its connections), a network, a service with
one core, and back. The machine takes both processes off their cores for some milliseconds now and
then, as shared machines do, whatever the cause.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ClosedLoop, ConstantRate, LoadShape, PoissonRate
from benchlab.runs.health import Health, WorkerHealth
from benchlab.runs.request_spans import ChildSpans, RequestSpans
from benchlab.runs.run import Run
from benchlab.samples.connections import CONNECTION_DTYPE, Connections
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Flag, Samples

__all__ = ["CAUSES", "Simulated", "simulate", "simulate_two"]

Floats = NDArray[np.float64]
MS = 1e-3
URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Simulated:
    """A run, its spans if it has any, and what was injected."""

    run: Run
    spans: RequestSpans | None
    causes: tuple[str, ...]
    numbers: dict[str, float]


@dataclass
class World:
    """What is random about a run, in seconds. A cause changes some of it."""

    rng: np.random.Generator
    rate: float
    length: float
    poisson: bool
    users: int
    think: float
    base: float
    sigma: float
    core: float
    """Time of the service's core that each request takes: what a backlog is worked off at."""
    hiccups: float
    hiccup: float
    spans: float
    endpoints: int = 1
    instances: int = 1
    targets: int = 1
    cap: int = 1000
    connect: float = 0.15 * MS
    lives: float = 1e9
    """Requests that a connection serves before the service closes it."""
    server_freezes: list[tuple[float, float]] = field(default_factory=list)
    generator_freezes: list[tuple[float, float]] = field(default_factory=list)
    generator_core: float = 0.06 * MS
    extra: list[Callable[[Arrived], Floats]] = field(default_factory=list)
    """Times that requests spend in the service beyond the base."""
    network: list[Callable[[Arrived], Floats]] = field(default_factory=list)
    children: list[Callable[[Arrived], Floats]] = field(default_factory=list)
    bodies: list[Callable[[Arrived], Floats]] = field(default_factory=list)
    slots: int = 0
    slot_time: Callable[[Arrived], Floats] | None = None
    slot_inside: bool = False
    """Whether waiting for a slot is inside of the server span."""
    sizes: NDArray[np.int64] | None = None
    request_sizes: list[int] | None = None
    errors: Callable[[Arrived], tuple[NDArray[np.bool_], int, int]] | None = None
    numbers: dict[str, float] = field(default_factory=dict)
    freezes_before_spans: bool = True


@dataclass
class Arrived:
    """Requests as the service sees them."""

    at: Floats
    endpoint: NDArray[np.int64]
    instance: NDArray[np.int64]
    connection: NDArray[np.int64]
    target: NDArray[np.int64]
    bytes_in: NDArray[np.int64]
    bytes_out: NDArray[np.int64]
    length: float

    def __len__(self) -> int:
        return len(self.at)


def _world(rng: np.random.Generator, rates: tuple[float, float]) -> World:
    rate = float(np.exp(rng.uniform(*np.log(rates))))
    length = float(rng.uniform(4, 20))
    base = float(np.exp(rng.uniform(np.log(0.5 * MS), np.log(8 * MS))))
    return World(
        rng=rng,
        rate=rate,
        length=length,
        poisson=bool(rng.random() < 0.5),
        users=0,
        think=0.0,
        base=base,
        sigma=float(rng.uniform(0.08, 0.4)),
        core=float(min(rng.uniform(0.05, 0.3) * MS, 0.3 / rate)),
        hiccups=float(rng.uniform(0, 3)),
        hiccup=float(rng.uniform(1, 4)) * MS,
        spans=float(rng.choice([0.0, 0.0, 1.0, 0.3])),
        endpoints=int(rng.choice([1, 1, 2, 4])),
    )


def _shares(events: list[tuple[float, float]]) -> tuple[Floats, Floats]:
    """Nodes of the running time against the time: it stands still in a freeze."""
    merged: list[list[float]] = []
    for start, length in sorted(events):
        if merged and start < merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], start + length)
        else:
            merged.append([start, start + length])
    real, running, lost = [0.0], [0.0], 0.0
    for start, end in merged:
        real += [start, end]
        running += [start - lost, start - lost + 1e-12]
        lost += end - start
    real.append(1e6)
    running.append(1e6 - lost)
    return np.array(real), np.array(running)


def _after(start: Floats, took: Floats, clock: tuple[Floats, Floats]) -> Floats:
    """When something that takes ``took`` is finished by a process that is frozen at times."""
    real, running = clock
    begun = np.interp(start, real, running)
    return np.interp(begun + np.maximum(took, 1e-9), running, real)


def _one_by_one(ready: Floats, took: Floats) -> Floats:
    """When each is finished by a single worker, first come, first served."""
    order = np.argsort(ready, kind="stable")
    sums = np.cumsum(took[order])
    ends = sums + np.maximum.accumulate(ready[order] - (sums - took[order]))
    done = np.empty_like(ends)
    done[order] = ends
    return done


def _by_slots(ready: Floats, took: Floats, slots: int) -> Floats:
    """When each is begun by ``slots`` workers, first come, first served."""
    if slots == 1:
        return _one_by_one(ready, took) - took
    order = np.argsort(ready, kind="stable")
    free = [0.0] * slots
    begun = np.empty(len(ready))
    for index in order.tolist():
        start = max(heapq.heappop(free), ready[index])
        begun[index] = start
        heapq.heappush(free, start + took[index])
    return begun


def _poisson(rng: np.random.Generator, rate: float, length: float) -> Floats:
    return np.sort(rng.uniform(0, length, rng.poisson(rate * length)))


def _hiccups(world: World) -> None:
    rng = world.rng
    for at in _poisson(rng, world.hiccups, world.length).tolist():
        took = float(min(rng.exponential(world.hiccup), 20 * MS))
        kind = rng.random()
        if kind < 0.8:
            world.server_freezes.append((at, took))
        if kind > 0.6:
            world.generator_freezes.append((at, took))


def _offsets(world: World) -> Floats:
    count = int(world.rate * world.length)
    if world.poisson:
        return np.sort(world.rng.uniform(0, world.length, count))
    return np.arange(count) / world.rate


def _closed_loop(world: World, took: Floats, server: tuple[Floats, Floats]) -> Floats:
    """When each user sends its next request: when it has the response, and has thought."""
    sent = np.empty(len(took))
    free = world.rng.uniform(0, world.base, world.users)
    for start in range(0, len(took), world.users):
        step = took[start : start + world.users]
        at = free[: len(step)]
        sent[start : start + len(step)] = at
        free[: len(step)] = _after(at + 80e-6, step + world.core, server) + 80e-6
        free[: len(step)] += world.think * world.rng.random(len(step))
    return sent


def _make(world: World, causes: tuple[str, ...]) -> Simulated:
    rng = world.rng
    _hiccups(world)
    generator = _shares(world.generator_freezes)
    server = _shares(world.server_freezes)
    intended = _offsets(world)
    count = len(intended)
    endpoint = rng.integers(0, world.endpoints, count)
    target = rng.integers(0, world.targets, count)
    if world.sizes is not None:
        bytes_in = rng.choice(world.sizes, count)
    else:
        bytes_in = np.full(count, 120)
    if world.request_sizes is not None:
        bytes_out = np.array(world.request_sizes)[endpoint]
    else:
        bytes_out = np.zeros(count, dtype=np.int64)
    users = world.users or 8
    connection = np.arange(count) % users if world.users else rng.integers(0, users, count)
    instance = (connection if rng.random() < 0.5 else rng.integers(0, 1 << 30, count)) % max(
        world.instances, 1
    )
    arrived = Arrived(
        intended, endpoint, instance, connection, target, bytes_in, bytes_out, world.length
    )
    is_new = np.zeros(count, dtype=bool)
    if world.lives < 1e9:
        is_new = rng.random(count) < 1 / world.lives
    is_new[:1] = True
    connecting = np.where(is_new, world.connect * rng.lognormal(0, 0.15, count), 0.0)
    network_s = sum((each(arrived) for each in world.network), np.zeros(count))
    children = [each(arrived) for each in world.children]
    own = world.base * rng.lognormal(0, world.sigma, count)
    own = np.where(rng.random(count) < 0.004, own * rng.uniform(1.5, 3, count), own)
    own = own + sum((each(arrived) for each in world.extra), np.zeros(count))
    took = own + sum(children, np.zeros(count))
    body_s = sum((each(arrived) for each in world.bodies), np.full(count, 30e-6))
    failed, status, kind = np.zeros(count, dtype=bool), 200, 0
    if world.errors is not None:
        failed, status, kind = world.errors(arrived)
        took = np.where(failed, 0.3 * MS, took)
        body_s = np.where(failed, 30e-6, body_s)

    if world.users:
        intended = _closed_loop(world, took + network_s + body_s + connecting, server)
    scheduled = _after(intended, np.full(count, 20e-6), generator)
    sent = _one_by_one(scheduled, rng.exponential(world.generator_core, count))
    if world.users:  # a user sends when it does: there is no schedule to be late for
        intended = sent

    def serve(at: Floats) -> tuple[Floats, Floats, Floats]:
        came = _one_by_one(_after(at + connecting + 40e-6, np.zeros(count), server),
                           np.full(count, world.core))  # fmt: skip
        began = came
        if world.slots and world.slot_time is not None:
            held = world.slot_time(arrived)
            uses = held > 0
            start = came.copy()
            start[uses] = _by_slots(came[uses], held[uses], world.slots)
            began = came if world.slot_inside else start
            finished = _after(start, held + took, server)
        else:
            finished = _after(came, took, server)
        return came, began, _one_by_one(finished, np.full(count, world.core / 4))

    if world.cap < 1000:
        held_s = took + connecting + 0.1 * MS + network_s + body_s + world.core
        begun = _by_slots(sent, held_s, world.cap)
        waited = begun > sent + 1e-7
        sent = begun
    else:
        waited = np.zeros(count, dtype=bool)
    arrived.at = sent
    came, began, finished = serve(sent)
    responded = _after(finished + network_s + 40e-6, np.zeros(count), generator)
    done = _after(finished + network_s + 40e-6 + body_s, np.zeros(count), generator)
    # Responses are read one by one.
    done = np.maximum(_one_by_one(done, np.full(count, min(10e-6, 0.1 / world.rate))), responded)

    plan = _plan(world, count)
    records = np.zeros(count, dtype=SAMPLE_DTYPE)
    records["seq"] = np.arange(count)
    for name, values in (("intended_ns", intended), ("sent_ns", sent),
                         ("first_byte_ns", responded), ("done_ns", done)):  # fmt: skip
        records[name] = np.round(values * 1e9)
    records["bytes_in"] = bytes_in
    records["status"] = np.where(failed, status, 200)
    records["error"] = np.where(failed, kind, 0)
    records["endpoint"] = endpoint * world.targets + target
    records["flags"] = np.where(is_new, Flag.NEW_CONNECTION, 0) | np.where(waited, Flag.CAP_WAIT, 0)
    if "connection" in (SAMPLE_DTYPE.names or ()):
        records["connection"] = 1 + connection
    opened = np.zeros(int(is_new.sum()), dtype=CONNECTION_DTYPE)
    opened["seq"] = np.flatnonzero(is_new)
    opened["start_ns"] = records["sent_ns"][is_new]
    tls = connecting * (0.8 if world.connect > 1 * MS else 0)
    opened["tls_ns"] = np.round(tls * 1e9)[is_new]
    opened["connect_ns"] = np.round((connecting - tls) * 1e9)[is_new]
    stalls = [length for _, length in world.generator_freezes if length > 5 * MS]
    worker = WorkerHealth(
        0,
        cpu_ratio=float(min(0.99, 0.05 + world.rate * world.generator_core)),
        stall_count=len(stalls),
        stall_max_ns=round(max(stalls, default=0) * 1e9),
        stall_total_ns=round(sum(stalls) * 1e9),
    )
    run = Run(
        id="0193f0a1b2c3d4e5",
        plan=plan,
        started_at_ns=1_762_178_531_000_000_000,
        samples=Samples(records, [request.name for request in plan.requests]),
        connections=Connections(opened),
        health=Health((worker,)),
        environment={"host": "bench-1", "cpu_count": 2},
    )
    spans = None
    if world.spans:
        traced = np.flatnonzero(rng.random(count) < world.spans)
        start, end = began[traced], finished[traced]
        kinds = []
        for number, lasted in enumerate(children):
            chosen = np.flatnonzero(lasted[traced] > 0)
            kinds.append(
                ChildSpans(
                    f"query {number}",
                    "service",
                    chosen.astype(np.int32),
                    np.round(start[chosen] * 1e9).astype(np.int64),
                    np.round(lasted[traced][chosen] * 1e9).astype(np.int64),
                )
            )
        spans = RequestSpans(
            seq=traced.astype(np.int64),
            start_ns=np.round(start * 1e9).astype(np.int64),
            server_ns=np.round((end - start) * 1e9).astype(np.int64),
            instance=(instance[traced] if world.instances > 1 else np.zeros(len(traced))).astype(
                np.int32
            ),
            instances=tuple(f"service-{each}" for each in range(world.instances)),
            children=tuple(kinds),
        )
    return Simulated(run, spans, causes, world.numbers)


def _plan(world: World, count: int) -> Plan:
    shape: LoadShape
    shape = PoissonRate(world.rate) if world.poisson else ConstantRate(world.rate)
    if world.users:
        shape = ClosedLoop(world.users)
    requests = []
    for number in range(world.endpoints):
        body = b"x" * world.request_sizes[number] if world.request_sizes is not None else b""
        for target in range(world.targets):
            requests.append(
                Request(
                    "POST",
                    f"http://127.0.0.1:{8000 + target}/{number}",
                    body=body,
                    name=f"{number}@{target}",
                )
            )
    return Plan(requests, shape, duration_s=world.length, max_connections=world.cap)


# Causes. Each changes a world so that the cause accounts for a good part of the 99th percentile.


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
    for at in _poisson(rng, often, world.length):
        world.server_freezes.append((float(at), length * float(rng.uniform(0.8, 1.2))))
    world.numbers = {"length_ns": length * 1e9}


def drift(world: World) -> None:
    rng = world.rng
    by = world.base * float(rng.uniform(0.8, 5))
    form = rng.integers(0, 3)
    shapes = [lambda x: x, lambda x: np.exp(-4 * x), lambda x: x**2]
    world.extra.append(lambda a: by * shapes[form](a.at / a.length))


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
        world.extra.append(lambda a: a.bytes_out * each)
        return
    world.sizes = sizes.astype(np.int64)
    where = world.bodies if rng.random() < 0.5 else world.extra
    where.append(lambda a: a.bytes_in * each)


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
                + rng.uniform(0, 3 * MS, len(a)) * 0
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
        for at in _poisson(rng, often, world.length):
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
        world = _world(rng, rates)
        if cause in ("stall", "periodic_pause", "event_loop", "bimodal"):
            world.rate = max(world.rate, 150)
        if cause in _CLOSED and rng.random() < 0.3:
            world.users = int(np.clip(world.rate * world.base, 4, 48))
            world.rate = min(world.rate, 0.5 * world.users / world.base)
            world.think = float(rng.choice([0.0, world.base]))
            world.core = world.generator_core = 5e-6
        CAUSES[cause](world)
        made = _make(world, (cause,))
        if cause in ("healthy", "errors"):
            return made
        without = np.random.default_rng([seed, sum(cause.encode()), attempt])
        bare = _world(without, rates)
        bare = replace(bare, rate=world.rate, base=world.base, users=world.users)
        if _p99(made) >= 1.25 * _p99(_make(bare, ())):
            return made
    return made


def simulate_two(first: str, second: str, seed: int) -> Simulated:
    """A run with two causes at once."""
    rng = np.random.default_rng([seed, sum(first.encode()), sum(second.encode())])
    world = _world(rng, (150, 1500))
    CAUSES[first](world)
    CAUSES[second](world)
    return _make(world, (first, second))


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
