"""The clients of a scenario's users: what the scenario driver needs of each kind of client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from importlib import import_module
from typing import Any, Protocol

from benchlab.load.drivers.headers import ServerNames
from benchlab.load.drivers.scenario.context import Context, Response, Step
from benchlab.load.recording.recording import Recording
from benchlab.plan.drivers import DRIVERS
from benchlab.plan.plan import Plan

__all__ = ["Attempt", "Function", "Tries", "UserClient", "Users", "users_of"]


class UserClient(Protocol):
    """The ``client`` of a scenario's function."""

    async def aclose(self) -> None:
        """Close its connections."""


Function = Callable[[Any, Context], Awaitable[None]]
"""A scenario's function: of a client and the ``ctx``."""


class Attempt(Protocol):
    """A try of a request of a step, where a plan has policies.

    ``seq`` is that of its sample. A client notes here what came of it.
    """

    seq: int
    flags: int
    sent: int
    first_byte: int
    connection: int
    failed_in_tls: bool
    response: Response | None


class Tries(Protocol):
    """Carries out a request with the plan's policies."""

    async def request(
        self,
        step: Step,
        origin: Hashable,
        send: Callable[[Attempt], Awaitable[None]],
        *,
        replayable: bool,
    ) -> Response | None:
        """Try until a try succeeds or the policies give up; put the one that decides into ``step``.

        ``send`` sends one try. Returns None if the circuit breaker let the last one not pass.

        Raises:
            Exception: what the last try raised.
        """


class Users(Protocol):
    """Makes the clients of a worker's users, and counts their connections."""

    opened: int
    local_failure_count: int

    async def open(self) -> None:
        """Resolve names."""

    def make(self, context: Context, tries: Tries | None) -> UserClient:
        """The client of one user, with the plan's policies if there are ``tries``."""

    def sweep(self, now_ns: int) -> None:
        """Fail requests whose own timeout has passed. Called many times per timeout of a plan."""


def users_of(
    plan: Plan, worker: int, run_id: str, recording: Recording, servers: ServerNames
) -> Users:
    """The users of the plan's scenario; imports no other client.

    ``servers`` is where the ``Server`` headers of responses are noted.
    """
    module = import_module(f"benchlab.load.drivers.{DRIVERS[plan.driver].users}")
    made: Users = module.make_users(plan, worker, run_id, recording, servers)
    return made
