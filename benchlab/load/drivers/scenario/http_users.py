"""Users of a scenario with benchlab's own client: httpx's names, on connections that cost little.

Its quick way reports to `_Hooks`. What needs httpx's machinery, and everything in a plan with
policies, passes through `StepClient`, as it does with httpx itself.
"""

from __future__ import annotations

from typing import Any

import httpx

from benchlab.load.drivers.headers import ServerNames
from benchlab.load.drivers.scenario.client.client import WireClient
from benchlab.load.drivers.scenario.client.factory import WireClients
from benchlab.load.drivers.scenario.context import Context, current_step
from benchlab.load.drivers.scenario.step_client import Settings, StepClient
from benchlab.load.drivers.scenario.step_users import StepUsers
from benchlab.load.drivers.scenario.users import Tries
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan

__all__ = ["HttpUsers", "make_users"]


class _UserClient(StepClient, WireClient):
    """The client of one user."""


class _Hooks:
    """The steps of one user's requests; a client's `Job` is a `Step`."""

    __slots__ = ("_is_traced", "_settings", "alone", "current")

    def __init__(self, context: Context, settings: Settings) -> None:
        self._settings = settings
        self._is_traced = settings.trace_ratio > 0
        self.current = current_step
        self.alone = context.step_of

    def lines(self, job: Any) -> bytes:
        """The trace context of a step, as a header line."""
        if not self._is_traced:
            return b""
        return f"traceparent: {self._settings.trace(job.seq)}\r\n".encode()

    def responded(
        self, job: Any, response: httpx.Response, connection: int, first_byte: int
    ) -> None:
        """Add a complete response to its step."""
        if not job.first_byte:
            job.first_byte = first_byte
        job.add_response(response, response.num_bytes_downloaded, connection)


class HttpUsers(StepUsers[WireClients]):
    """Makes the clients of a worker's users, and counts their connections."""

    async def open(self) -> None:
        """Resolve the names of the plan's services."""
        await self._clients.prepare()

    def make(self, context: Context, tries: Tries | None) -> StepClient:
        """The client of one user, with the plan's policies if there are ``tries``."""
        client = self._clients.make(_UserClient, self._base_url)
        self._equip(client, context, tries)
        client.hooks = _Hooks(context, self._settings) if tries is None else None
        return client

    def sweep(self, now_ns: int) -> None:
        """Fail requests that have outlived their step, whose timeout ends all others."""
        self._clients.sweep(now_ns)


def make_users(
    plan: Plan, worker: int, run_id: str, recording: Recording, servers: ServerNames
) -> HttpUsers:
    """The users of ``plan``, with benchlab's own client."""
    clients = WireClients(plan, worker, recording.connections, servers)
    return HttpUsers(plan, run_id, clients, servers)
