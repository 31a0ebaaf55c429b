"""What a scenario's client does with steps, whatever sends the requests."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from benchlab.load.drivers.headers import ServerNames, traceparent
from benchlab.load.drivers.httpx.client import JOB
from benchlab.load.drivers.httpx.failures import CircuitOpenError
from benchlab.load.drivers.policies import is_replayable
from benchlab.load.drivers.scenario.context import Context, Step, current_step
from benchlab.load.drivers.scenario.users import Attempt, Tries

__all__ = ["Settings", "StepClient"]

_clock = time.monotonic_ns


class Settings:
    """What the clients of all users of a worker share."""

    def __init__(
        self,
        run_id: str,
        trace_ratio: float,
        servers: ServerNames,
        number_of: Callable[[httpx.Response], int],
    ) -> None:
        """``number_of`` is the number of the connection that a response came on."""
        self.run_id = run_id
        self.trace_ratio = trace_ratio
        self.servers = servers
        self.number_of = number_of

    def trace(self, seq: int) -> str:
        """The trace context of the sample ``seq``."""
        return traceparent(self.run_id, seq, self.trace_ratio)


class StepClient(httpx.AsyncClient):
    """Sends requests as part of the current step, or else each as a step of its own."""

    context: Context
    settings: Settings
    tries: Tries | None

    async def send(self, request: httpx.Request, **kwargs: Any) -> httpx.Response:
        """Send ``request``; see `httpx.AsyncClient.send`."""
        step = current_step()
        if step is not None:
            return await self._send_in(step, request, kwargs)
        async with self.context.step_of(request.method, request.url.path) as single:
            return await self._send_in(single, request, kwargs)

    async def _send_in(
        self, step: Step, request: httpx.Request, kwargs: dict[str, Any]
    ) -> httpx.Response:
        if self.tries is not None and isinstance(request.stream, httpx.ByteStream):
            return await self._try_in(step, request, kwargs, self.tries)
        if self.settings.trace_ratio > 0:  # a stream can be read only once: no second try
            request.headers.setdefault("traceparent", self.settings.trace(step.seq))
        request.extensions = {**request.extensions, JOB: step}
        streamed = kwargs.pop("stream", False)
        response = await super().send(request, stream=True, **kwargs)
        step.first_byte = step.first_byte or _clock()
        connection = self.settings.number_of(response)
        await self._read(response, streamed=streamed)
        step.add_response(response, response.num_bytes_downloaded, connection)
        return response

    async def _try_in(
        self, step: Step, request: httpx.Request, kwargs: dict[str, Any], tries: Tries
    ) -> httpx.Response:
        streamed = kwargs.pop("stream", False)
        unread: list[httpx.Response] = []

        async def send(attempt: Attempt) -> None:
            headers = list(request.headers.raw)
            if self.settings.trace_ratio > 0 and "traceparent" not in request.headers:
                headers.append((b"traceparent", self.settings.trace(attempt.seq).encode()))
            own = httpx.Request(
                request.method,
                request.url,
                headers=headers,
                stream=request.stream,
                extensions={**request.extensions, JOB: attempt},
            )
            attempt.sent = _clock()
            response = await super(StepClient, self).send(own, stream=True, **kwargs)
            attempt.first_byte = _clock()
            attempt.response = response
            attempt.connection = self.settings.number_of(response)
            if streamed:
                unread.append(response)
            await self._read(response, streamed=streamed)

        origin = (request.url.scheme, request.url.host, request.url.port)
        replayable = is_replayable(request.method, request.headers)
        response = None
        try:
            response = await tries.request(step, origin, send, replayable=replayable)
        finally:
            for other in unread:
                if other is not response:
                    await other.aclose()  # nobody reads it
        if response is None:
            raise CircuitOpenError("the circuit breaker is open", request=request)
        assert isinstance(response, httpx.Response)
        return response

    async def _read(self, response: httpx.Response, *, streamed: bool) -> None:
        """Note who responds, and read the body, which a scenario that streams reads itself."""
        self.settings.servers.note(response.headers.get("server"))
        if not streamed:
            try:
                await response.aread()
            finally:
                await response.aclose()
