"""Make the clients of one plan, which share what they learn about services."""

from __future__ import annotations

from typing import TypeVar

import httpx

from benchlab.load.drivers.headers import ServerNames
from benchlab.load.drivers.scenario.client.client import WireClient
from benchlab.load.recording.connection_log import ConnectionLog
from benchlab.plan.plan import Plan

__all__ = ["WireClients"]

Client = TypeVar("Client", bound=WireClient)


class WireClients:
    """Makes the clients of one plan; each has its own connections.

    A client sends no default headers and follows no redirects.

    Raises:
        InputError: a file of the plan's transport cannot be used.
    """

    opened: int
    local_failure_count: int

    def __init__(self, plan: Plan, worker: int, log: ConnectionLog, servers: ServerNames) -> None:
        """``servers`` notes the names of servers."""
        raise NotImplementedError

    async def prepare(self) -> None:
        """Resolve the names of the plan's services.

        Raises:
            TargetError: a name cannot be resolved.
        """

    def make(self, kind: type[Client], base_url: str = "") -> Client:
        """A new client of class ``kind``. Set its ``hooks`` if its requests belong to steps."""
        raise NotImplementedError

    def number_of(self, response: httpx.Response) -> int:
        """The number of the connection that ``response`` came on."""
        raise NotImplementedError
