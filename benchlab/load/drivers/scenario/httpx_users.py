"""Users of a scenario with httpx's own client, whose requests belong to steps."""

from __future__ import annotations

import time
from collections.abc import Hashable
from typing import Any

import httpx

from benchlab.load.drivers.headers import ServerNames, request_headers, traceparent
from benchlab.load.drivers.httpx.client import JOB, ClientFactory
from benchlab.load.drivers.httpx.failures import CircuitOpenError
from benchlab.load.drivers.policies import is_replayable
from benchlab.load.drivers.scenario.context import Context, Step, current_step
from benchlab.load.drivers.scenario.users import Attempt, Tries
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan

__all__ = ["HttpxUserClient", "make_users"]

_clock = time.monotonic_ns


class _HttpxUsers:
    """Makes the clients of a worker's users, and counts their connections."""

    def __init__(
        self, plan: Plan, worker: int, run_id: str, recording: Recording, servers: ServerNames
    ) -> None:
        assert plan.scenario is not None
        self._clients = ClientFactory(plan, worker, recording.connections)
        self._base_url = plan.scenario.base_url
        self._headers = request_headers(plan.scenario.anchor)
        self.run_id = run_id
        self.trace_ratio = plan.trace_ratio
        self.servers = servers
        self.number_of = self._clients.number_of

    @property
    def opened(self) -> int:
        """Number of connections opened."""
        return self._clients.opened

    @property
    def local_failure_count(self) -> int:
        """Number of connections that failed because this machine lacked ports, files or buffers."""
        return self._clients.local_failure_count

    async def open(self) -> None:
        """Do nothing: httpx resolves names when it connects."""

    def make(self, context: Context, tries: Tries | None) -> HttpxUserClient:
        """The client of one user, with the plan's policies if there are ``tries``."""
        client = self._clients.make(HttpxUserClient, self._base_url)
        client.headers.update(self._headers)
        client.context, client.users, client.tries = context, self, tries
        return client

    def sweep(self, now_ns: int) -> None:
        """Do nothing: httpx has timers of its own."""


def make_users(
    plan: Plan, worker: int, run_id: str, recording: Recording, servers: ServerNames
) -> _HttpxUsers:
    """The users of ``plan``, with httpx."""
    return _HttpxUsers(plan, worker, run_id, recording, servers)


class HttpxUserClient(httpx.AsyncClient):
    """Sends requests as part of the current step, or else each as a step of its own."""

    context: Context
    users: _HttpxUsers
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
        if self.users.trace_ratio > 0:  # a stream can be read only once: no second try
            request.headers.setdefault("traceparent", self._trace(step.seq))
        request.extensions = {**request.extensions, JOB: step}
        streamed = kwargs.pop("stream", False)
        response = await super().send(request, stream=True, **kwargs)
        step.first_byte = step.first_byte or _clock()
        connection = self.users.number_of(response)
        await self._read(response, streamed=streamed)
        step.add_response(response, response.num_bytes_downloaded, connection)
        return response

    async def _try_in(
        self, step: Step, request: httpx.Request, kwargs: dict[str, Any], tries: Tries
    ) -> httpx.Response:
        streamed = kwargs.pop("stream", False)

        async def send(attempt: Attempt) -> None:
            headers = list(request.headers.raw)
            if self.users.trace_ratio > 0 and "traceparent" not in request.headers:
                headers.append((b"traceparent", self._trace(attempt.seq).encode()))
            own = httpx.Request(
                request.method,
                request.url,
                headers=headers,
                stream=request.stream,
                extensions={**request.extensions, JOB: attempt},
            )
            attempt.sent = _clock()
            got = await httpx.AsyncClient.send(self, own, stream=True, **kwargs)
            attempt.first_byte = _clock()
            attempt.response = got
            attempt.connection = self.users.number_of(got)
            await self._read(got, streamed=streamed)

        origin: Hashable = (request.url.scheme, request.url.host, request.url.port)
        replayable = is_replayable(request.method, request.headers)
        response = await tries.request(step, origin, send, replayable=replayable)
        if response is None:
            raise CircuitOpenError("the circuit breaker is open", request=request)
        assert isinstance(response, httpx.Response)
        return response

    def _trace(self, seq: int) -> str:
        return traceparent(self.users.run_id, seq, self.users.trace_ratio)

    async def _read(self, response: httpx.Response, *, streamed: bool) -> None:
        """Note who responds, and read the body, which a scenario that streams reads itself."""
        self.users.servers.note(response.headers.get("server"))
        if not streamed:
            try:
                await response.aread()
            finally:
                await response.aclose()
