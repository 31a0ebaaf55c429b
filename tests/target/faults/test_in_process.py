"""Faults and the middleware without a server: what is drawn, pauses, leases, blocks."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
from opentelemetry.trace import INVALID_SPAN, NoOpTracer
from pydantic import TypeAdapter
from starlette.types import Message, Receive, Scope, Send

from target.app import create_app
from target.faults import ENABLED, waiting
from target.faults.background import Background, Pauses
from target.faults.effects import HttpRequest, Request, TimedEffect, effect_of
from target.faults.kinds import AnyFault, Block, Latency, RequestFault
from target.faults.middleware import FaultMiddleware
from target.faults.state import MAX_FAULTS, Faults, TooManyFaultsError
from target.faults.turns import TurnMiddleware

TRACER = NoOpTracer()
FOREVER_MS = 3_600_000.0


def fault(kind: str, **settings: Any) -> AnyFault:
    validated: AnyFault = TypeAdapter(AnyFault).validate_python({"kind": kind, **settings})
    return validated


def request_fault(kind: str, **settings: Any) -> RequestFault:
    validated = fault(kind, **settings)
    assert isinstance(validated, RequestFault)
    return validated


def in_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def run() -> None:
        asyncio.run(test())

    run.__name__ = test.__name__
    return run


async def receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: Message) -> None:
    pass


def request(path: str = "/api/x", client: tuple[str, int] = ("127.0.0.1", 1)) -> Request:
    return HttpRequest({"path": path, "client": client}, receive, send, INVALID_SPAN, Pauses())


class Server:
    """Requests to the middleware; the application behind it responds when it is `released`."""

    def __init__(self, faults: Faults) -> None:
        self.sent: list[str] = []
        self.begun = asyncio.Event()
        self.released = asyncio.Event()
        self._middleware = TurnMiddleware(FaultMiddleware(self._respond, faults), faults.turns)

    def request(self, path: str = "/api/x") -> asyncio.Task[None]:
        async def record(message: Message) -> None:
            self.sent.append(message["type"])

        scope = {"type": "http", "path": path}
        return asyncio.create_task(self._middleware(scope, receive, record))

    async def _respond(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.begun.set()
        await self.released.wait()
        await send({"type": "http.response.start"})
        await send({"type": "http.response.body"})


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def times_ms(**settings: Any) -> list[float]:
    drawn = effect_of(request_fault("latency", latency_ms=20.0, seed=1, **settings), TRACER)
    assert isinstance(drawn, TimedEffect)
    return [drawn.draw_s() * 1000 for _ in range(20_000)]


def test_a_latency_is_constant_unless_it_is_told_otherwise() -> None:
    assert set(times_ms()) == {20.0}


def test_a_normal_latency_has_its_mean_and_spread_and_is_never_below_0() -> None:
    times = times_ms(distribution="normal", spread_ms=5.0)
    assert statistics.fmean(times) == pytest.approx(20, rel=0.02)
    assert statistics.stdev(times) == pytest.approx(5, rel=0.03)
    assert min(times_ms(distribution="normal", spread_ms=40.0)) == 0


def test_a_uniform_latency_stays_within_its_spread() -> None:
    times = times_ms(distribution="uniform", spread_ms=5.0)
    assert min(times) == pytest.approx(15, abs=0.1)
    assert max(times) == pytest.approx(25, abs=0.1)


def test_an_exponential_latency_has_its_mean() -> None:
    times = times_ms(distribution="exponential")
    assert statistics.fmean(times) == pytest.approx(20, rel=0.03)
    assert statistics.median(times) == pytest.approx(20 * 0.6931, rel=0.03)


def test_a_pareto_latency_has_a_heavy_tail_above_its_minimum() -> None:
    times = times_ms(distribution="pareto")
    assert min(times) >= 20
    for factor in (2, 10):
        share = sum(time > 20 * factor for time in times) / len(times)
        assert share == pytest.approx(factor**-1.5, rel=0.1)


def hits(seed: int | None, **settings: Any) -> list[bool]:
    effect = effect_of(request_fault("error", ratio=0.3, seed=seed, **settings), TRACER)
    return [effect.arrive(request()) is not None for _ in range(300)]


def test_the_same_seed_hits_the_same_requests() -> None:
    assert hits(7) == hits(7)
    assert hits(7) != hits(8)
    assert hits(None) != hits(None)
    assert sum(hits(7)) == pytest.approx(90, abs=30)


def test_a_ratio_of_nothing_hits_none_and_of_all_hits_all() -> None:
    for ratio, expected in ((0.0, 0), (1.0, 50)):
        effect = effect_of(request_fault("drop", ratio=ratio), TRACER)
        for _ in range(50):
            effect.arrive(request())
        assert effect.hits == expected


def test_instances_get_connections_by_turns_and_one_of_them_is_slow() -> None:
    effect = effect_of(request_fault("slow_instance", slow_ms=5.0, of=3, seed=2), TRACER)
    clients = [("127.0.0.1", port) for port in range(9)]
    slow = [effect.arrive(request(client=client)) is not None for client in clients]
    assert slow[:3] == slow[3:6] == slow[6:]
    assert sum(slow) == 3
    # A connection stays where it is.
    assert [effect.arrive(request(client=client)) is not None for client in clients] == slow


@in_a_loop
async def test_a_pause_holds_what_is_in_flight_and_what_arrives() -> None:
    faults = Faults(TRACER)
    server = Server(faults)
    in_flight = server.request()
    await server.begun.wait()
    server.begun.clear()
    faults.set("gc", fault("pause", pause_ms=FOREVER_MS))
    await until(lambda: faults.pauses.any)

    arrived = server.request()
    server.released.set()
    await asyncio.sleep(0.01)
    assert server.sent == []
    assert not server.begun.is_set()

    faults.lift("gc")
    await asyncio.gather(in_flight, arrived)
    assert server.sent.count("http.response.body") == 2


@in_a_loop
async def test_a_pause_holds_a_request_that_waits_for_something_else() -> None:
    faults = Faults(TRACER)
    server = Server(faults)
    server.released.set()
    faults.set("slow", fault("latency", latency_ms=5.0))
    faults.set("gc", fault("pause", pause_ms=FOREVER_MS))
    task = server.request()  # before the pause, which begins when the loop has turned
    assert not faults.pauses.any
    await until(lambda: faults.pauses.any)
    await asyncio.sleep(0.02)
    assert not server.begun.is_set()
    faults.lift("gc")
    await task


@in_a_loop
async def test_a_pause_of_a_route_holds_no_other() -> None:
    faults = Faults(TRACER)
    server = Server(faults)
    server.released.set()
    faults.set("gc", fault("pause", pause_ms=FOREVER_MS, route="/api/y"))
    await until(lambda: faults.pauses.any)
    await server.request("/api/x")
    assert len(server.sent) == 2
    faults.lift_all()


@in_a_loop
async def test_pauses_and_blocks_repeat() -> None:
    for kind in ("pause", "block"):
        faults = Faults(TRACER)
        begin = time.perf_counter()
        faults.set("x", fault(kind, **{f"{kind}_ms": 10.0}, every_ms=30.0))
        await until(lambda faults=faults: faults.describe("x")["hits"] >= 3)  # type: ignore[misc]
        assert time.perf_counter() - begin >= 0.06
        faults.lift("x")


@in_a_loop
async def test_a_block_stops_the_whole_event_loop() -> None:
    background = Background(Block(kind="block", block_ms=80.0), Pauses())
    background.start()
    longest, last = 0.0, time.perf_counter()
    while not background.hits or longest < 0.08:
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    assert background.hits == 1
    background.lift()


@in_a_loop
async def test_the_lock_lets_requests_pass_one_by_one_in_order() -> None:
    faults = Faults(TRACER)
    faults.set("lock", fault("lock", hold_ms=5.0))
    order: list[int] = []

    async def enter(number: int) -> None:
        (effect,) = faults.effects
        held = request()
        action = effect.arrive(held)
        assert action is not None
        await action(held)
        order.append(number)

    begin = time.perf_counter()
    await asyncio.gather(*map(enter, range(8)))
    assert order == list(range(8))
    assert time.perf_counter() - begin >= 8 * 0.005


@in_a_loop
async def test_whoever_waits_for_the_lock_passes_once_it_is_lifted() -> None:
    faults = Faults(TRACER)
    server = Server(faults)
    server.released.set()
    faults.set("lock", fault("lock", hold_ms=500.0))
    tasks = [server.request() for _ in range(1000)]  # one by one: longer than a test may take
    await until(lambda: faults.describe("lock")["hits"] == 1000)
    faults.lift("lock")
    await asyncio.gather(*tasks)
    assert server.sent.count("http.response.body") == 1000


@in_a_loop
async def test_whoever_waits_when_a_fault_is_lifted_waits_on_for_a_bounded_time() -> None:
    faults = Faults(TRACER)
    server = Server(faults)
    server.released.set()
    faults.set("short", fault("latency", latency_ms=50.0))
    begin = time.perf_counter()
    task = server.request()
    await until(lambda: faults.describe("short")["hits"] == 1)
    faults.lift("short")
    await task
    assert time.perf_counter() - begin >= 0.05

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waiting, "AFTER_LIFT_S", 0.01)
        faults.set("long", fault("latency", latency_ms=FOREVER_MS))
        task = server.request()
        await until(lambda: faults.describe("long")["hits"] == 1)
        faults.lift("long")
        await task


@in_a_loop
async def test_requests_that_burn_the_processor_begin_one_in_a_turn_of_the_loop() -> None:
    faults = Faults(TRACER)
    server = Server(faults)
    server.released.set()
    faults.set("cpu", fault("cpu", cpu_ms=5.0))
    (effect,) = faults.effects
    tasks = [server.request() for _ in range(200)]
    for _ in range(10):  # turns in which a server reads what lifts the fault
        await asyncio.sleep(0)
    faults.lift("cpu")
    await asyncio.gather(*tasks)
    assert 0 < effect.hits <= 11
    assert server.sent.count("http.response.body") == 200


@in_a_loop
async def test_a_turn_ends_when_a_request_waits_for_something_else() -> None:
    faults = Faults(TRACER)
    server = Server(faults)
    faults.set("cpu", fault("cpu", cpu_ms=1.0))
    faults.set("slow", fault("latency", latency_ms=FOREVER_MS))
    slow = [server.request() for _ in range(2)]
    await until(lambda: faults.describe("slow")["hits"] == 2)
    faults.lift("slow")
    waiting_for_the_service = server.request()
    await server.begun.wait()
    server.released.set()
    await server.request()
    await waiting_for_the_service
    for task in slow:
        task.cancel()
    faults.lift_all()


@in_a_loop
async def test_a_lease_ends_unless_it_is_renewed() -> None:
    faults = Faults(TRACER)
    begin = time.monotonic()
    assert not faults.set("x", fault("drop", lease_s=0.05))
    assert faults.set("x", fault("drop", lease_s=0.15))
    assert len(faults.effects) == 1
    await until(lambda: not faults.effects)
    assert time.monotonic() - begin >= 0.15
    assert faults.describe_all()["faults"] == []


@in_a_loop
async def test_a_lease_does_not_end_before_what_arrived_in_time_is_read() -> None:
    faults = Faults(TRACER)
    faults.set("x", fault("drop", lease_s=0.01))
    await asyncio.sleep(0)  # the lease's task waits from here on
    time.sleep(0.05)  # an overloaded loop: the lease ends meanwhile
    for _ in range(3):  # turns in which a server accepts, reads and begins
        await asyncio.sleep(0)
    assert faults.set("x", fault("drop", lease_s=60.0))
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(faults.effects) == 1
    faults.lift_all()


@in_a_loop
async def test_renewing_keeps_what_was_drawn_and_other_settings_begin_anew() -> None:
    faults = Faults(TRACER)
    server = Server(faults)
    server.released.set()
    faults.set("x", fault("latency", latency_ms=1.0, seed=1))
    await server.request()
    assert faults.set("x", fault("latency", latency_ms=1.0, seed=1, lease_s=5.0))
    assert faults.describe("x")["hits"] == 1
    assert not faults.set("x", fault("latency", latency_ms=2.0, seed=1))
    assert faults.describe("x")["hits"] == 0
    assert faults.lift("x")
    assert not faults.lift("x")


@in_a_loop
async def test_the_number_of_faults_is_limited() -> None:
    faults = Faults(TRACER)
    for number in range(MAX_FAULTS):
        faults.set(f"{number}", fault("drop"))
    with pytest.raises(TooManyFaultsError):
        faults.set("more", fault("drop"))
    assert faults.set("0", fault("drop"))
    assert len(faults.lift_all()) == MAX_FAULTS


@in_a_loop
async def test_a_leak_is_bounded_and_released_when_it_is_lifted() -> None:
    faults = Faults(TRACER)
    server = Server(faults)
    server.released.set()
    faults.set("x", fault("leak", leak_bytes=1000, max_bytes=2500))
    for _ in range(4):
        await server.request()
    assert faults.describe("x")["held_bytes"] == 2000
    (effect,) = faults.effects
    faults.lift("x")
    assert effect.state() == {"held_bytes": 0}


@in_a_loop
async def test_faults_act_in_one_order_however_they_were_set() -> None:
    faults = Faults(TRACER)
    for kind, settings in (("error", {}), ("latency", {"latency_ms": 1.0}), ("drop", {})):
        faults.set(kind, fault(kind, **settings))
    assert [effect.fault.kind for effect in faults.effects] == ["latency", "drop", "error"]
    faults.lift_all()


@in_a_loop
async def test_every_request_to_the_api_counts_and_no_other() -> None:
    faults = Faults(TRACER)
    server = Server(faults)
    server.released.set()
    for path in ("/api/x", "/health", "/faults", "/api", "/openapi.json", "/api/y"):
        await server.request(path)
    assert faults.requests_served == 2


def test_an_amount_is_named_by_its_kind() -> None:
    assert Latency(kind="latency", latency_ms=3.0).amount_ms == 3.0


@in_a_loop
async def test_nothing_is_there_unless_it_is_enabled() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(ENABLED, raising=False)
        app = create_app()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1"
    ) as client:
        absent = await client.get("/nowhere")
        for method in ("GET", "PUT", "DELETE"):
            for path in ("/faults", "/faults/x"):
                response = await client.request(method, path, json={"kind": "drop"})
                assert (response.status_code, response.text) == (404, absent.text)
        assert "/faults" not in (await client.get("/openapi.json")).text
    stack: Any = app.middleware_stack
    while stack is not None:
        assert not isinstance(stack, FaultMiddleware)
        stack = getattr(stack, "app", None)
