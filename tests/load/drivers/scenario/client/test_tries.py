"""The client of scenarios in a plan with policies: a request may have several tries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

import httpx

from benchlab.load.drivers.headers import ServerNames
from benchlab.load.drivers.scenario.client.client import WireClient
from benchlab.load.drivers.scenario.step_client import Settings, StepClient
from tests.load.drivers.scenario.client.both import Both


class Ours(StepClient, WireClient):
    """The client of a user."""


class Outside:
    """A context in which every request is a step of its own."""

    def step_of(self, method: str, path: str) -> AbstractAsyncContextManager[Any]:
        return nullcontext(SimpleNamespace(seq=1))


class Twice:
    """Tries every request twice; the second response counts."""

    def __init__(self) -> None:
        self.responses: list[httpx.Response] = []

    async def request(
        self,
        step: Any,
        origin: Hashable,
        send: Callable[[Any], Awaitable[None]],
        *,
        replayable: bool,
    ) -> Any:
        for _ in range(2):
            attempt: Any = SimpleNamespace(seq=1, flags=0, failed_in_tls=False)
            await send(attempt)
            self.responses.append(attempt.response)
        return self.responses[-1]


def test_a_stream_that_another_try_replaces_is_closed(both: Both) -> None:
    async def run(client: StepClient, number_of: Callable[[httpx.Response], int]) -> None:
        outside: Any = Outside()
        tries = Twice()
        client.context, client.tries = outside, tries
        client.settings = Settings("run", 0, ServerNames(), number_of)
        async with client, client.stream("GET", "/x") as response:
            first, second = tries.responses
            assert second is response
            assert (first.is_closed, second.is_closed) == (True, False)
            assert await response.aread() == b'{"ok": 1}'

    both.runner.run(run(both.theirs.make(StepClient, both.server.url), both.theirs.number_of))
    both.runner.run(run(both.wire.make(Ours, both.server.url), both.wire.number_of))
