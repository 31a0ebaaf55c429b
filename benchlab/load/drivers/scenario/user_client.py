"""The client of one user: an httpx client whose requests belong to steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from benchlab.load.drivers.headers import ServerNames, traceparent
from benchlab.load.drivers.httpx.client import JOB
from benchlab.load.drivers.scenario.context import Context, Step, current_step
from benchlab.redact import public_path

__all__ = ["UserClient"]

_clock = time.monotonic_ns


class UserClient(httpx.AsyncClient):
    """Sends requests as part of the current step, or else each as a step of its own."""

    context: Context
    run_id: str
    trace_ratio: float
    servers: ServerNames
    connection_of: Callable[[httpx.Response], int]

    async def send(self, request: httpx.Request, **kwargs: Any) -> httpx.Response:
        """Send ``request``; see `httpx.AsyncClient.send`."""
        step = current_step()
        if step is not None:
            return await self._send_in(step, request, kwargs)
        path = public_path(request.url.path)
        single = self.context.step(f"{request.method} {path}")
        single.by_path = (request.method, path)
        async with single:
            return await self._send_in(single, request, kwargs)

    async def _send_in(
        self, step: Step, request: httpx.Request, kwargs: dict[str, Any]
    ) -> httpx.Response:
        if self.trace_ratio > 0:
            trace = traceparent(self.run_id, step.seq, self.trace_ratio)
            request.headers.setdefault("traceparent", trace)
        request.extensions = {**request.extensions, JOB: step}
        streamed = kwargs.pop("stream", False)
        response = await super().send(request, stream=True, **kwargs)
        step.first_byte = step.first_byte or _clock()
        connection = self.connection_of(response)
        await self._read(response, streamed=streamed)
        step.add_response(response, connection)
        return response

    async def _read(self, response: httpx.Response, *, streamed: bool) -> None:
        """Note who responds, and read the body, which a scenario that streams reads itself."""
        self.servers.note(response.headers.get("server"))
        if not streamed:
            try:
                await response.aread()
            finally:
                await response.aclose()
