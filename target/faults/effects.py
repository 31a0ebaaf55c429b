"""What faults do to a request.

Each class is one fault while it is on. `arrive` is called with every request of its route when that
arrives, in order, and draws whether and how long it is hit. What it returns is awaited afterwards,
within the request's SERVER span.
"""

import asyncio
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from .background import Pauses
from .kinds import (
    MAX_BLOCKING_MS,
    MAX_MS,
    MIB,
    CacheMiss,
    Cpu,
    Dependency,
    Drop,
    Error,
    Latency,
    Leak,
    Lock,
    Payload,
    RequestFault,
    SlowBody,
    SlowInstance,
    TimedFault,
)
from .waiting import Sleepers

FAULT = "a fault was set"
"""What the client of a request is told that gets an error."""

_SPUN_S = 0.002  # shorter waits than this one a timer cannot keep
_CONNECTIONS = 65_536


class Request(ABC):
    """A request that faults may hit, over HTTP or gRPC, and its SERVER span."""

    def __init__(self, path: str, client: object, span: Span, pauses: Pauses) -> None:
        self.path = path
        self.client = client
        self.span = span
        self._pauses = pauses

    async def go_on(self) -> None:
        """Wait until no pause holds the request; to be awaited after every other wait."""
        await self._pauses.wait(self.path)

    @abstractmethod
    async def refuse(self, status: int, retry_after_s: int | None) -> None:
        """End the request with an error in place of the service's response."""


class HttpRequest(Request):
    """A request over HTTP, whose messages faults may hold up."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, span: Span, pauses: Pauses
    ) -> None:
        super().__init__(scope["path"], scope.get("client"), span, pauses)
        self.scope = scope
        self.receive = self.server_receive = receive
        self.send = send

    async def refuse(self, status: int, retry_after_s: int | None) -> None:
        headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s}"}
        response = JSONResponse({"detail": FAULT}, status, headers)
        await response(self.scope, self.receive, self.send)


Action = Callable[[Request], Awaitable[bool]]
"""The rest of an effect; whether the request is done with, so that the service never sees it."""

FaultT = TypeVar("FaultT", bound=RequestFault)
TimedT = TypeVar("TimedT", bound=TimedFault)


class Effect(Generic[FaultT]):
    """The effect of one fault. `hits` is the number of requests that it has hit."""

    order: ClassVar[int]
    """Of the faults that hit a request, the one with the lowest acts first."""
    needs_http: ClassVar[bool] = False
    """Whether it acts on what HTTP sends, and so hits no gRPC call."""

    def __init__(self, fault: FaultT, tracer: Tracer) -> None:
        self.fault = fault
        self.hits = 0
        self._tracer = tracer
        self._random = random.Random(fault.seed)
        self._is_lifted = False
        self._sleepers = Sleepers()

    def arrive(self, request: Request) -> Action | None:
        """What the fault does to `request`; None if it is not hit."""
        if not self._is_drawn():
            return None
        self.hits += 1
        return self._act

    def lift(self) -> None:
        """No request is hit from now on."""
        self._is_lifted = True
        self._sleepers.lift()

    def state(self) -> dict[str, float]:
        """More than `hits` that `GET /faults` shows."""
        return {}

    def _is_drawn(self) -> bool:
        # Drawn also if all are hit, so that the times of a seed do not depend on the ratio.
        return self._random.random() < self.fault.ratio

    async def _act(self, request: Request) -> bool:
        raise NotImplementedError

    async def _wait(self, seconds: float, request: Request) -> None:
        """Let `request` wait for something that a pause does not hold up."""
        await self._sleepers.sleep_s(seconds)
        await request.go_on()


class TimedEffect(Effect[TimedT]):
    """An effect that takes a time, which is drawn for each request."""

    def arrive(self, request: Request) -> Action | None:
        is_hit, seconds = self._is_drawn(), self.draw_s()
        if not is_hit:
            return None
        self.hits += 1
        return partial(self._take, seconds)

    async def _take(self, seconds: float, request: Request) -> bool:
        await self._wait(seconds, request)
        return False

    def draw_s(self) -> float:
        """The time of the next request that arrives."""
        fault, drawn = self.fault, self._random
        ms, spread_ms = fault.amount_ms, fault.spread_ms or 0.0
        if fault.distribution == "uniform":
            ms = drawn.uniform(ms - spread_ms, ms + spread_ms)
        elif fault.distribution == "normal":
            ms = max(0.0, drawn.gauss(ms, spread_ms))
        elif fault.distribution == "exponential":
            ms = drawn.expovariate(1 / ms)
        elif fault.distribution == "pareto":
            ms *= drawn.paretovariate(fault.shape)
        return min(ms, MAX_MS) / 1000


class SlowInstanceEffect(TimedEffect[SlowInstance]):
    order = 0

    def __init__(self, fault: SlowInstance, tracer: Tracer) -> None:
        super().__init__(fault, tracer)
        self._slow = self._random.randrange(fault.of)
        self._instances: dict[object, int] = {}
        self._dealt = 0

    def arrive(self, request: Request) -> Action | None:
        instance = self._instance_of(request.client)
        request.span.set_attribute("service.instance.id", f"instance-{instance}")
        return super().arrive(request) if instance == self._slow else None

    def _instance_of(self, client: object) -> int:
        # By turns, as a balancer of connections does: each instance gets as many.
        instance = self._instances.get(client)
        if instance is None:
            instance = self._dealt % self.fault.of
            self._dealt += 1
            if len(self._instances) >= _CONNECTIONS:
                del self._instances[next(iter(self._instances))]
            self._instances[client] = instance
        return instance


class LockEffect(TimedEffect[Lock]):
    order = 1

    def __init__(self, fault: Lock, tracer: Tracer) -> None:
        super().__init__(fault, tracer)
        self._lock = asyncio.Lock()  # first come, first served

    async def _take(self, seconds: float, request: Request) -> bool:
        with self._tracer.start_as_current_span("lock.wait"):
            await self._lock.acquire()
        try:
            # Once lifted, it is gone for those that still wait, too.
            if not self._is_lifted:
                await self._wait(seconds, request)
        finally:
            self._lock.release()
        return False


class LatencyEffect(TimedEffect[Latency]):
    order = 2


class DependencyEffect(TimedEffect[Dependency]):
    order = 3

    async def _take(self, seconds: float, request: Request) -> bool:
        with self._tracer.start_as_current_span("dependency", kind=SpanKind.CLIENT):
            await self._sleepers.sleep_s(seconds)
        # A pause is this service's, not the dependency's.
        await request.go_on()
        return False


class CacheMissEffect(TimedEffect[CacheMiss]):
    order = 4

    def arrive(self, request: Request) -> Action | None:
        action = super().arrive(request)
        request.span.set_attribute("cache.hit", action is None)
        return action


class CpuEffect(TimedEffect[Cpu]):
    order = -1  # see `turns`

    async def _take(self, seconds: float, request: Request) -> bool:
        if self._is_lifted:
            return False
        end_s = time.thread_time() + min(seconds, MAX_BLOCKING_MS / 1000)
        while time.thread_time() < end_s:
            pass
        return False


class LeakEffect(Effect[Leak]):
    order = 6

    def __init__(self, fault: Leak, tracer: Tracer) -> None:
        super().__init__(fault, tracer)
        self._held: list[bytes] = []
        self._held_bytes = 0

    def lift(self) -> None:
        super().lift()
        self._held.clear()
        self._held_bytes = 0

    def state(self) -> dict[str, float]:
        return {"held_bytes": self._held_bytes}

    async def _act(self, request: Request) -> bool:
        fault = self.fault
        if not self._is_lifted and self._held_bytes + fault.leak_bytes <= fault.max_bytes:
            # Not of zeros: the system gives memory to a page when it is written to.
            self._held.append(b"\xff" * fault.leak_bytes)
            self._held_bytes += fault.leak_bytes
        if fault.slowdown_ms_per_mib:
            seconds = fault.slowdown_ms_per_mib / 1000 * self._held_bytes / MIB
            await self._wait(seconds, request)
        return False


class PayloadEffect(Effect[Payload]):
    order = 7
    needs_http = True

    async def _act(self, request: Request) -> bool:
        assert isinstance(request, HttpRequest)
        receive, size = request.receive, 0

        async def receive_slowly() -> Message:
            nonlocal size
            message = await receive()
            if message["type"] == "http.request":
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    await self._process(size, request)
            return message

        request.receive = receive_slowly
        return False

    async def _process(self, size: int, request: Request) -> None:
        seconds = size * self.fault.ns_per_byte / 1e9
        if seconds >= _SPUN_S:
            await self._wait(seconds, request)
            return
        end_s = time.perf_counter() + seconds
        while time.perf_counter() < end_s:
            pass


class SlowBodyEffect(TimedEffect[SlowBody]):
    order = 8
    needs_http = True

    async def _take(self, seconds: float, request: Request) -> bool:
        assert isinstance(request, HttpRequest)
        send = request.send

        async def send_slowly(message: Message) -> None:
            if message["type"] != "http.response.body" or message.get("more_body", False):
                await send(message)
                return
            body: bytes = message.get("body", b"")
            count = max(2, min(self.fault.pieces, len(body)))
            length = max(1, len(body) // count)
            for number in range(count - 1):
                piece = body[number * length : (number + 1) * length]
                await send({**message, "body": piece, "more_body": True})
                await self._wait(seconds / (count - 1), request)
            await send({**message, "body": body[(count - 1) * length :]})

        request.send = send_slowly
        return False


class DropEffect(Effect[Drop]):
    order = 9
    needs_http = True

    async def _act(self, request: Request) -> bool:
        assert isinstance(request, HttpRequest)
        request.span.set_attribute("error.type", "connection_dropped")
        request.span.set_status(Status(StatusCode.ERROR, "connection dropped"))
        # ASGI has no message for it, but the server's function is a method of uvicorn's request.
        receive = request.server_receive
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if transport is None:
            raise RuntimeError("connections can be dropped under uvicorn only")
        # If some of the request is still to be read, the system resets the connection instead.
        while (await receive()).get("more_body", False):
            pass
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass
        return True


class ErrorEffect(Effect[Error]):
    order = 10

    async def _act(self, request: Request) -> bool:
        retry_after_s = self.fault.retry_after_s
        if retry_after_s is None and self.fault.status == 429:
            retry_after_s = 1
        await request.refuse(self.fault.status, retry_after_s)
        return True


def effect_of(fault: RequestFault, tracer: Tracer) -> Effect[Any]:
    """Build the effect of `fault`, as if no request had arrived yet."""
    return _EFFECTS[type(fault)](fault, tracer)


_EFFECTS: dict[type[RequestFault], Callable[[Any, Tracer], Effect[Any]]] = {
    CacheMiss: CacheMissEffect,
    Cpu: CpuEffect,
    Dependency: DependencyEffect,
    Drop: DropEffect,
    Error: ErrorEffect,
    Latency: LatencyEffect,
    Leak: LeakEffect,
    Lock: LockEffect,
    Payload: PayloadEffect,
    SlowBody: SlowBodyEffect,
    SlowInstance: SlowInstanceEffect,
}
