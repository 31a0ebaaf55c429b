"""Where gRPC calls meet the faults that are on.

As over HTTP, faults act within the SERVER span, and turns are taken outside of it. Faults that act
on what HTTP sends (`drop`, `slow_body`, `payload`) hit no call. `error` ends a call with the gRPC
status that stands for its HTTP status, and says when to retry by `grpc-retry-pushback-ms`.

Source of the statuses: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
Source of the pushback: https://github.com/grpc/proposal/blob/master/A6-client-retries.md
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import grpc
from opentelemetry import trace

from ..rpc.interceptor import AroundInterceptor
from .effects import FAULT, Request
from .state import Faults
from .turns import Turn

_STATUSES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    499: grpc.StatusCode.CANCELLED,
    500: grpc.StatusCode.INTERNAL,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}

_turn: ContextVar[Turn | None] = ContextVar("turn", default=None)


class Call(Request):
    """A gRPC call."""

    def __init__(self, path: str, context: Any, span: trace.Span, faults: Faults) -> None:
        super().__init__(path, context.peer(), span, faults.pauses)
        self._context = context

    async def refuse(self, status: int, retry_after_s: int | None) -> None:
        metadata = []
        if retry_after_s is not None:
            metadata.append(("grpc-retry-pushback-ms", f"{retry_after_s * 1000}"))
        code = _STATUSES.get(status, grpc.StatusCode.UNKNOWN)
        await self._context.abort(code, FAULT, tuple(metadata))  # raises


def fault_interceptors(faults: Faults) -> tuple[list[Any], list[Any]]:
    """What takes turns, for outside the SERVER spans; and what faults do, for inside them."""

    @asynccontextmanager
    async def in_turn(_path: str, _context: Any) -> AsyncIterator[None]:
        if not faults.turns.are_needed:
            yield
            return
        turn = await faults.turns.next()
        _turn.set(turn)
        try:
            yield
        finally:
            turn.end()

    @asynccontextmanager
    async def hit(path: str, context: Any) -> AsyncIterator[None]:
        faults.requests_served += 1
        turn, pauses = _turn.get(), faults.pauses
        if faults.effects or pauses.any:
            call = Call(path, context, trace.get_current_span(), faults)
            effects = [effect for effect in faults.effects if not effect.needs_http]
            await faults.hit(call, effects, turn.end if turn else _nothing)
        elif turn:
            turn.end()
        yield
        # With no fault on as well: a pause may begin before the response does.
        if pauses.any:
            await pauses.wait(path)

    return [AroundInterceptor(in_turn)], [AroundInterceptor(hit)]


def _nothing() -> None:
    pass
