"""Requests take turns while some of them burn processor time.

The event loop would begin whatever has arrived in one go: with a hundred requests of 20 ms, it
would be two seconds before it reads the request that lifts the fault. So one request is begun in a
turn of the loop, in order of arrival. The others wait where they would wait for a busy loop: before
their SERVER span begins.
"""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from .kinds import API

TURN = "target.faults.turn"
"""The key of a request's `Turn` in its ASGI scope."""


class Turns:
    """Who may compute. `are_needed` while a fault burns processor time."""

    def __init__(self) -> None:
        self.are_needed = False
        self._lock = asyncio.Lock()  # first come, first served

    async def next(self) -> "Turn":
        """Wait for the turn of the request that asks."""
        await self._lock.acquire()
        return Turn(self._lock)


class Turn:
    """A request's permission to compute, until it is given up."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock: asyncio.Lock | None = lock

    def end(self) -> None:
        """Let the next one compute, in another turn of the loop. May be called again."""
        if self._lock is not None:
            # Not now: those that are begun in this turn of the loop as well would get it at once.
            asyncio.get_running_loop().call_soon(self._lock.release)
            self._lock = None


class TurnMiddleware:
    """Let requests to `/api/` begin one by one while that is needed."""

    def __init__(self, app: ASGIApp, turns: Turns) -> None:
        self._app = app
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_request = scope["type"] == "http" and scope["path"].startswith(API)
        if not self._turns.are_needed or not is_request:
            await self._app(scope, receive, send)
            return
        turn = scope[TURN] = await self._turns.next()
        try:
            await self._app(scope, receive, send)
        finally:
            turn.end()
