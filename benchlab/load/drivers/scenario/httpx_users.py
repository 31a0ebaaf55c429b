"""Users of a scenario with httpx's own client and connections."""

from __future__ import annotations

from benchlab.load.drivers.headers import ServerNames
from benchlab.load.drivers.httpx.client import ClientFactory
from benchlab.load.drivers.scenario.context import Context
from benchlab.load.drivers.scenario.step_client import StepClient
from benchlab.load.drivers.scenario.step_users import StepUsers
from benchlab.load.drivers.scenario.users import Tries
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan

__all__ = ["HttpxUsers", "make_users"]


class HttpxUsers(StepUsers[ClientFactory]):
    """Makes the clients of a worker's users, and counts their connections."""

    async def open(self) -> None:
        """Do nothing: httpx resolves names when it connects."""

    def make(self, context: Context, tries: Tries | None) -> StepClient:
        """The client of one user, with the plan's policies if there are ``tries``."""
        client = self._clients.make(StepClient, self._base_url)
        self._equip(client, context, tries)
        return client

    def sweep(self, now_ns: int) -> None:
        """Do nothing: httpx has timers of its own."""


def make_users(
    plan: Plan, worker: int, run_id: str, recording: Recording, servers: ServerNames
) -> HttpxUsers:
    """The users of ``plan``, with httpx."""
    clients = ClientFactory(plan, worker, recording.connections)
    return HttpxUsers(plan, run_id, clients, servers)
