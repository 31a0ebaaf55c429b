"""Users of a scenario with httpx's own client and connections."""

from __future__ import annotations

from benchlab.load.drivers.headers import ServerNames, request_headers
from benchlab.load.drivers.httpx.client import ClientFactory
from benchlab.load.drivers.scenario.context import Context
from benchlab.load.drivers.scenario.step_client import Settings, StepClient
from benchlab.load.drivers.scenario.users import Tries
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan

__all__ = ["HttpxUsers", "make_users"]


class HttpxUsers:
    """Makes the clients of a worker's users, and counts their connections."""

    def __init__(
        self, plan: Plan, worker: int, run_id: str, recording: Recording, servers: ServerNames
    ) -> None:
        assert plan.scenario is not None
        self._clients = ClientFactory(plan, worker, recording.connections)
        self._base_url = plan.scenario.base_url
        self._headers = request_headers(plan.scenario.anchor)
        self._settings = Settings(run_id, plan.trace_ratio, servers, self._clients.number_of)

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

    def make(self, context: Context, tries: Tries | None) -> StepClient:
        """The client of one user, with the plan's policies if there are ``tries``."""
        client = self._clients.make(StepClient, self._base_url)
        client.headers.update(self._headers)
        client.context, client.settings, client.tries = context, self._settings, tries
        return client

    def sweep(self, now_ns: int) -> None:
        """Do nothing: httpx has timers of its own."""


def make_users(
    plan: Plan, worker: int, run_id: str, recording: Recording, servers: ServerNames
) -> HttpxUsers:
    """The users of ``plan``, with httpx."""
    return HttpxUsers(plan, worker, run_id, recording, servers)
