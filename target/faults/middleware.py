"""Where requests meet the faults that are on.

Faults act within the SERVER span, so that it shows them as this service's own time, and outside
everything else of the application: what they hold up has not begun yet.
"""

from functools import partial

from fastapi import FastAPI
from opentelemetry import trace
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .effects import HttpRequest
from .kinds import API
from .state import Faults
from .turns import TURN, Turn, TurnMiddleware, Turns


class FaultMiddleware:
    """Count the requests to `/api/`, and do to each what the faults that are on do."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(API):
            await self._app(scope, receive, send)
            return
        faults = self._faults
        faults.requests_served += 1
        pauses = faults.pauses

        # With no fault on as well: a pause may begin before the response does.
        async def send_unless_paused(message: Message) -> None:
            if pauses.any:
                await pauses.wait(scope["path"])
            await send(message)

        if not faults.effects and not pauses.any:
            _end_turn(scope)
            await self._app(scope, receive, send_unless_paused)
            return
        request = HttpRequest(scope, receive, send_unless_paused, trace.get_current_span(), pauses)
        if await faults.hit(request, faults.effects, partial(_end_turn, scope)):
            return
        await self._app(scope, request.receive, request.send)


def _end_turn(scope: Scope) -> None:
    turn: Turn | None = scope.get(TURN)
    if turn is not None:
        turn.end()


def install_turns(app: FastAPI, turns: Turns) -> None:
    """Put turns outside of all, and of the SERVER spans: `app` is instrumented already."""
    build = app.build_middleware_stack
    setattr(app, "build_middleware_stack", lambda: TurnMiddleware(build(), turns))  # noqa: B010


def install_faults(app: FastAPI, faults: Faults) -> None:
    """Put the middleware outside all others of `app` but the one that handles server errors.

    One that is added as usual stands inside the limit of the body's size, which would hide some
    requests from it, and the server's connection.
    """
    build = app.build_middleware_stack

    def build_with_faults() -> ASGIApp:
        outermost = build()
        assert isinstance(outermost, ServerErrorMiddleware)
        outermost.app = FaultMiddleware(outermost.app, faults)
        return outermost

    # As the instrumentation of OpenTelemetry does, which comes after.
    setattr(app, "build_middleware_stack", build_with_faults)  # noqa: B010
