"""Simulated runs: requests that pass a generator, a network and a service, on a noisy machine.

A request passes, in order: the generator (its schedule, its connections), a network, a service with
one core, and back. The machine takes both processes off their cores for some milliseconds now and
then, as shared machines do, whatever the cause.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ClosedLoop, ConstantRate, LoadShape, PoissonRate
from benchlab.runs.health import Health, WorkerHealth
from benchlab.runs.request_spans import ChildSpans, RequestSpans
from benchlab.runs.run import Run
from benchlab.samples.connections import CONNECTION_DTYPE, Connections
from benchlab.samples.samples import SAMPLE_DTYPE, Flag, Samples

__all__ = ["MS", "Arrived", "Floats", "Simulated", "World", "carry_out", "draw_world", "poisson"]

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


def draw_world(rng: np.random.Generator, rates: tuple[float, float]) -> World:
    """A healthy world, at a rate between two bounds."""
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


def poisson(rng: np.random.Generator, rate: float, length: float) -> Floats:
    """Times of random events."""
    return np.sort(rng.uniform(0, length, rng.poisson(rate * length)))


def _hiccups(world: World) -> None:
    rng = world.rng
    for at in poisson(rng, world.hiccups, world.length).tolist():
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


@dataclass(frozen=True)
class _Drawn:
    """What was drawn for each request: who sends it, to whom, and how long each part takes."""

    arrived: Arrived
    is_new: NDArray[np.bool_]
    connecting: Floats
    network: Floats
    children: list[Floats]
    took: Floats
    body: Floats
    failed: NDArray[np.bool_]
    status: int
    kind: int


@dataclass(frozen=True)
class _Times:
    """When what happened to each request, in seconds."""

    intended: Floats
    sent: Floats
    began: Floats
    finished: Floats
    responded: Floats
    done: Floats
    waited: NDArray[np.bool_]


def carry_out(world: World, causes: tuple[str, ...]) -> Simulated:
    """The run of a world, and its spans."""
    _hiccups(world)
    drawn = _drawn(world, _offsets(world))
    times = _timed(world, drawn)
    spans = _spans_of(world, drawn, times) if world.spans else None
    return Simulated(_run_of(world, drawn, times), spans, causes, world.numbers)


def _drawn(world: World, intended: Floats) -> _Drawn:
    rng, count = world.rng, len(intended)
    endpoint = rng.integers(0, world.endpoints, count)
    target = rng.integers(0, world.targets, count)
    bytes_in = np.full(count, 120) if world.sizes is None else rng.choice(world.sizes, count)
    sizes = world.request_sizes or [0] * world.endpoints
    users = world.users or 8
    connection = np.arange(count) % users if world.users else rng.integers(0, users, count)
    any_of = rng.integers(0, 1 << 30, count)
    instance = (connection if rng.random() < 0.5 else any_of) % max(world.instances, 1)
    arrived = Arrived(
        intended, endpoint, instance, connection, target, bytes_in, np.array(sizes)[endpoint],
        world.length,
    )  # fmt: skip
    is_new = rng.random(count) < 1 / world.lives
    is_new[:1] = True
    children = [each(arrived) for each in world.children]
    own = world.base * rng.lognormal(0, world.sigma, count)
    own = np.where(rng.random(count) < 0.004, own * rng.uniform(1.5, 3, count), own)
    own = own + sum((each(arrived) for each in world.extra), np.zeros(count))
    took = own + sum(children, np.zeros(count))
    body = sum((each(arrived) for each in world.bodies), np.full(count, 30e-6))
    failed, status, kind = np.zeros(count, dtype=bool), 200, 0
    if world.errors is not None:
        failed, status, kind = world.errors(arrived)
    return _Drawn(
        arrived=arrived,
        is_new=is_new,
        connecting=np.where(is_new, world.connect * rng.lognormal(0, 0.15, count), 0.0),
        network=sum((each(arrived) for each in world.network), np.zeros(count)),
        children=children,
        took=np.where(failed, 0.3 * MS, took),
        body=np.where(failed, 30e-6, body),
        failed=failed,
        status=status,
        kind=kind,
    )


def _timed(world: World, drawn: _Drawn) -> _Times:
    rng, count = world.rng, len(drawn.arrived)
    generator, server = _shares(world.generator_freezes), _shares(world.server_freezes)
    intended, nothing = drawn.arrived.at, np.zeros(count)
    needed = drawn.took + drawn.network + drawn.body + drawn.connecting
    if world.users:
        intended = _closed_loop(world, needed, server)
    scheduled = _after(intended, np.full(count, 20e-6), generator)
    sent = _one_by_one(scheduled, rng.exponential(world.generator_core, count))
    if world.users:  # a user sends when it does: there is no schedule to be late for
        intended = sent
    waited = np.zeros(count, dtype=bool)
    if world.cap < 1000:
        begun = _by_slots(sent, needed + 0.1 * MS + world.core, world.cap)
        waited, sent = begun > sent + 1e-7, begun
    drawn.arrived.at = sent
    began, finished = _served(world, drawn, server)
    back = finished + drawn.network + 40e-6
    responded = _after(back, nothing, generator)
    done = _after(back + drawn.body, nothing, generator)
    # Responses are read one by one.
    done = np.maximum(_one_by_one(done, np.full(count, min(10e-6, 0.1 / world.rate))), responded)
    return _Times(intended, sent, began, finished, responded, done, waited)


def _served(world: World, drawn: _Drawn, server: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Start and end of each request's span."""
    at, count = drawn.arrived.at, len(drawn.arrived)
    received = _after(at + drawn.connecting + 40e-6, np.zeros(count), server)
    came = _one_by_one(received, np.full(count, world.core))
    began, took, start = came, drawn.took, came
    if world.slots and world.slot_time is not None:
        held = world.slot_time(drawn.arrived)
        uses = held > 0
        start = came.copy()
        start[uses] = _by_slots(came[uses], held[uses], world.slots)
        began, took = came if world.slot_inside else start, held + took
    finished = _after(start, took, server)
    return began, _one_by_one(finished, np.full(count, world.core / 4))


def _run_of(world: World, drawn: _Drawn, times: _Times) -> Run:
    count, arrived = len(drawn.arrived), drawn.arrived
    plan = _plan(world)
    records = np.zeros(count, dtype=SAMPLE_DTYPE)
    records["seq"] = np.arange(count)
    for name, values in (("intended_ns", times.intended), ("sent_ns", times.sent),
                         ("first_byte_ns", times.responded), ("done_ns", times.done)):  # fmt: skip
        records[name] = np.round(values * 1e9)
    records["bytes_in"] = arrived.bytes_in
    records["status"] = np.where(drawn.failed, drawn.status, 200)
    records["error"] = np.where(drawn.failed, drawn.kind, 0)
    records["endpoint"] = arrived.endpoint * world.targets + arrived.target
    records["flags"] = drawn.is_new * Flag.NEW_CONNECTION | times.waited * Flag.CAP_WAIT
    records["connection"] = 1 + arrived.connection
    opened = np.zeros(int(drawn.is_new.sum()), dtype=CONNECTION_DTYPE)
    opened["seq"] = np.flatnonzero(drawn.is_new)
    opened["start_ns"] = records["sent_ns"][drawn.is_new]
    tls = drawn.connecting * (0.8 if world.connect > 1 * MS else 0)
    opened["tls_ns"] = np.round(tls * 1e9)[drawn.is_new]
    opened["connect_ns"] = np.round((drawn.connecting - tls) * 1e9)[drawn.is_new]
    stalls = [length for _, length in world.generator_freezes if length > 5 * MS]
    worker = WorkerHealth(
        0,
        cpu_ratio=float(min(0.99, 0.05 + world.rate * world.generator_core)),
        stall_count=len(stalls),
        stall_max_ns=round(max(stalls, default=0) * 1e9),
        stall_total_ns=round(sum(stalls) * 1e9),
    )
    return Run(
        id="0193f0a1b2c3d4e5",
        plan=plan,
        started_at_ns=1_762_178_531_000_000_000,
        samples=Samples(records, [request.name for request in plan.requests]),
        connections=Connections(opened),
        health=Health((worker,)),
        environment={"host": "bench-1", "cpu_count": 2},
    )


def _spans_of(world: World, drawn: _Drawn, times: _Times) -> RequestSpans:
    traced = np.flatnonzero(world.rng.random(len(drawn.arrived)) < world.spans)
    start, end = times.began[traced], times.finished[traced]
    kinds = []
    for number, lasted in enumerate(drawn.children):
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
    return RequestSpans(
        seq=traced.astype(np.int64),
        start_ns=np.round(start * 1e9).astype(np.int64),
        server_ns=np.round((end - start) * 1e9).astype(np.int64),
        instance=drawn.arrived.instance[traced].astype(np.int32),
        instances=tuple(f"service-{each}" for each in range(world.instances)),
        children=tuple(kinds),
    )


def _plan(world: World) -> Plan:
    shape: LoadShape = PoissonRate(world.rate) if world.poisson else ConstantRate(world.rate)
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
