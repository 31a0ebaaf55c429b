"""Users whose clients are `StepClient`s, whatever opens the connections."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

import httpx

from benchlab.load.drivers.headers import ServerNames, request_headers
from benchlab.load.drivers.scenario.context import Context
from benchlab.load.drivers.scenario.step_client import Settings, StepClient
from benchlab.load.drivers.scenario.users import Tries
from benchlab.plan.plan import Plan

__all__ = ["StepUsers"]


class _Clients(Protocol):
    """What opens the connections of clients, and counts them."""

    opened: int
    local_failure_count: int

    def number_of(self, response: httpx.Response) -> int:
        """The number of the connection that ``response`` came on."""


Clients = TypeVar("Clients", bound=_Clients)


class StepUsers(Generic[Clients]):
    """Makes the clients of a worker's users, and counts their connections."""

    def __init__(self, plan: Plan, run_id: str, clients: Clients, servers: ServerNames) -> None:
        assert plan.scenario is not None
        self._clients = clients
        self._base_url = plan.scenario.base_url
        self._headers = request_headers(plan.scenario.anchor)
        self._settings = Settings(run_id, plan.trace_ratio, servers, clients.number_of)

    @property
    def opened(self) -> int:
        """Number of connections opened."""
        return self._clients.opened

    @property
    def local_failure_count(self) -> int:
        """Number of connections that failed because this machine lacked ports, files or buffers."""
        return self._clients.local_failure_count

    def _equip(self, client: StepClient, context: Context, tries: Tries | None) -> None:
        """Give a new client what it needs to send requests in steps."""
        client.headers.update(self._headers)
        client.context, client.settings, client.tries = context, self._settings, tries
