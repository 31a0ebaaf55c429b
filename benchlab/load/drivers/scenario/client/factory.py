"""Make the clients of one plan, which share what they learn about services."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import TypeVar
from weakref import WeakValueDictionary

import httpx

from benchlab.load.drivers.connection_numbers import connection_numbers
from benchlab.load.drivers.dialer import Dialer
from benchlab.load.drivers.headers import ServerNames
from benchlab.load.drivers.httpx.client import origin_of
from benchlab.load.drivers.scenario.client.client import WireClient
from benchlab.load.drivers.scenario.client.connection import Connection
from benchlab.load.drivers.scenario.client.hooks import Job
from benchlab.load.drivers.scenario.client.service import Service
from benchlab.load.drivers.scenario.client.settings import Settings
from benchlab.load.drivers.scenario.client.transport import CONNECTION, WireTransport
from benchlab.load.drivers.tls import tls_context
from benchlab.load.drivers.wire.head_cache import HeadCache
from benchlab.load.recording.connection_log import ConnectionLog
from benchlab.plan.plan import Plan
from benchlab.plan.request import Origin
from benchlab.samples.samples import ErrorKind
from benchlab.units import seconds_to_ns

__all__ = ["WireClients"]

_MOST_REMEMBERED = 8192
_LEAST_REMEMBERED = 8

_OUTLIVED = 2
"""A request that waits for so many times the plan's timeout is not part of a step any more."""

Client = TypeVar("Client", bound=WireClient)


class WireClients:
    """Makes the clients of one plan; each has its own connections.

    A client sends no default headers and follows no redirects. What services' heads mean, and how
    requests with the same headers are encoded, is remembered for all clients.

    Raises:
        InputError: a file of the plan's transport cannot be used.
    """

    def __init__(self, plan: Plan, worker: int, log: ConnectionLog, servers: ServerNames) -> None:
        """``servers`` notes the names of servers."""
        self._plan = plan
        self._log = log
        self._tls = tls_context(plan, always=plan.scenario is not None)
        self._origins = {origin: number for number, origin in enumerate(plan.origins)}
        self._services: dict[Origin, Service] = {}
        self._numbers = connection_numbers(worker, plan.workers)
        self.keep_alive = plan.transport.keep_alive
        self.heads, self.heads_only = (
            HeadCache(head_only=head_only, keep_alive=self.keep_alive, servers=servers)
            for head_only in (False, True)
        )
        self.settings: MutableMapping[tuple[object, ...], Settings] = WeakValueDictionary()
        self.connections: set[Connection] = set()
        self._timeout_ns = seconds_to_ns(plan.timeout_s)
        self.opened = 0
        self.local_failure_count = 0

    async def prepare(self) -> None:
        """Resolve the names of the plan's services.

        Raises:
            TargetError: a name cannot be resolved.
        """
        services = [self.service_of(httpx.URL(str(origin))) for origin in self._origins]
        await asyncio.gather(*(service.prepare() for service in services))

    def make(self, kind: type[Client], base_url: str = "") -> Client:
        """A new client of class ``kind``. Set its ``hooks`` if its requests belong to steps."""
        return kind(self, WireTransport(self), base_url=base_url, timeout=self._plan.timeout_s)

    def sweep(self, now_ns: int) -> None:
        """Fail requests that wait for long, though no step bounds them any more.

        Requests on the quick way have no time limit of their own, since the end of their step ends
        them; but a task that a scenario starts in a step may outlive it.
        """
        before_ns = now_ns - _OUTLIVED * self._timeout_ns
        for connection in list(self.connections):
            connection.expire(before_ns)

    def number_of(self, response: httpx.Response) -> int:
        """The number of the connection that ``response`` came on."""
        number: int = response.extensions.get(CONNECTION, 0)
        return number

    # what clients call

    @property
    def most_remembered(self) -> int:
        """How many requests each `Settings` may remember: users with tokens have their own."""
        return max(_LEAST_REMEMBERED, _MOST_REMEMBERED // max(1, len(self.settings)))

    def service_of(self, url: httpx.URL) -> Service:
        """The service of an absolute URL."""
        origin = origin_of(url)
        service = self._services.get(origin)
        if service is None:
            dialer = Dialer(origin, self._plan.transport, self._tls)
            number = self._origins.get(origin, 0)
            service = self._services[origin] = Service(origin, url, number, dialer)
        return service

    def next_number(self) -> int:
        """The number of the next connection."""
        return next(self._numbers)

    def connected(
        self,
        service: Service,
        job: Job | None,
        start: int,
        phases: tuple[int, int, int],
        error: ErrorKind,
        *,
        local: bool,
    ) -> None:
        """Record a connection that was opened, or that failed."""
        self.opened += not error
        self.local_failure_count += local
        seq = -1 if job is None else job.seq
        self._log.record(seq, start, phases, service.number, error)
