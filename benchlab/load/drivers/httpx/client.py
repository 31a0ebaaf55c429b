"""httpx clients that connect according to a plan's transport and record every connection."""

from __future__ import annotations

import ssl
import time
from collections.abc import MutableMapping
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

import httpx

from benchlab.errors import causes_of
from benchlab.load.drivers.connection_numbers import connection_numbers
from benchlab.load.drivers.failures import is_local_failure
from benchlab.load.drivers.httpx.failures import opening_error
from benchlab.load.drivers.tls import tls_context
from benchlab.load.recording.connection_log import ConnectionLog
from benchlab.plan.hosts import address_of_literal, without_zone
from benchlab.plan.plan import Plan
from benchlab.plan.request import Origin
from benchlab.samples.samples import ErrorKind, Flag

__all__ = ["JOB", "ClientFactory", "Job", "origin_of"]

_clock = time.monotonic_ns
JOB = "benchlab.job"
"""The extension of an httpx request that has its `Job`, for recording its connection."""

_PROTOCOLS = ("h2", "http/1.1")


class Job(Protocol):
    """The request that a connection is opened for."""

    seq: int
    flags: int
    failed_in_tls: bool


Client = TypeVar("Client", bound=httpx.AsyncClient)


class ClientFactory:
    """Makes the clients of one plan, which share nothing but their TLS context.

    A client has its own connections, sends no default headers, follows no redirects, and ignores
    environment variables.

    Raises:
        InputError: a file of the plan's transport cannot be used.
    """

    def __init__(self, plan: Plan, worker: int, log: ConnectionLog) -> None:
        self._plan = plan
        self._log = log
        self._tls = tls_context(plan, _PROTOCOLS, always=plan.scenario is not None)
        self._origins = {origin: index for index, origin in enumerate(plan.origins)}
        self._numbers = connection_numbers(worker, plan.workers)
        self._number_of: MutableMapping[object, int] = WeakKeyDictionary()
        self.opened = 0
        self.local_failure_count = 0

    def __call__(self) -> httpx.AsyncClient:
        """A new client."""
        return self.make(httpx.AsyncClient)

    def make(self, kind: type[Client], base_url: str = "") -> Client:
        """A new client of class ``kind``."""
        client = kind(
            transport=_Transport(self, self._plan, self._tls),
            timeout=self._plan.timeout_s,
            trust_env=False,
            follow_redirects=False,
            base_url=base_url,
        )
        client.headers.clear()
        return client

    def number_of(self, response: httpx.Response) -> int:
        """The number of the connection that ``response`` came on."""
        stream = response.extensions.get("network_stream")
        if stream is None:
            return 0
        number = self._number_of.get(stream)
        if number is None:
            number = self._number_of[stream] = next(self._numbers)
        return number

    def connected(
        self,
        url: httpx.URL,
        seq: int,
        start: int,
        phases: tuple[int, int, int],
        error: ErrorKind,
        cause: BaseException | None,
    ) -> None:
        """Record a connection that was opened, or that failed because of ``cause``."""
        self.opened += not error
        if cause is not None and any(map(is_local_failure, causes_of(cause))):
            self.local_failure_count += 1
        self._log.record(seq, start, phases, self._origins.get(origin_of(url), 0), error)


class _Transport(httpx.AsyncHTTPTransport):
    """The transport of httpx, with the addresses and server names of a plan."""

    def __init__(self, factory: ClientFactory, plan: Plan, tls: ssl.SSLContext | None) -> None:
        settings = plan.transport
        limits = httpx.Limits(max_keepalive_connections=None if settings.keep_alive else 0)
        super().__init__(
            verify=tls if tls is not None else False,
            trust_env=False,
            http2=True,
            limits=limits,
            uds=settings.unix_socket or None,
        )
        self._factory = factory
        self._settings = settings

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` to the plan's address, which its Host header does not name."""
        url = request.url
        origin = origin_of(url)
        host, port = self._settings.address_of(origin.host, origin.port)
        request.extensions = {
            **request.extensions,
            "sni_hostname": self._settings.server_name_of(origin.host),
            "trace": _ConnectionTrace(self._factory, url, request.extensions.get(JOB)),
        }
        request.headers["Host"] = without_zone(request.headers["Host"])
        if "Transfer-Encoding" in request.headers:
            request.headers.pop("Content-Length", None)  # httpx adds it to a body of known length
        if not self._settings.keep_alive:
            request.headers.setdefault("Connection", "close")
        if (host, port) != (url.host, url.port):
            request.url = url.copy_with(host=host, port=port)
        try:
            return await super().handle_async_request(request)
        finally:
            request.url = url


class _ConnectionTrace:
    """Receives httpcore's trace events, and records the phases of opening a connection."""

    def __init__(self, factory: ClientFactory, url: httpx.URL, job: Job | None) -> None:
        self._factory = factory
        self._url = url
        self._job = job
        self._start = self._connected = 0

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        now = _clock()
        _, _, step = event.partition(".")
        what, _, state = step.rpartition(".")
        if what in ("connect_tcp", "connect_unix_socket"):
            if state == "started":
                self._start = now
                if self._job is not None:
                    self._job.flags |= Flag.NEW_CONNECTION
            elif state == "failed":
                self._report(now - self._start, 0, info["exception"])
            else:
                self._connected = now
                if self._url.scheme != "https":
                    self._report(now - self._start, 0)
        elif what == "start_tls" and state != "started":
            cause = info["exception"] if state == "failed" else None
            if self._job is not None:
                self._job.failed_in_tls = cause is not None
            self._report(self._connected - self._start, now - self._connected, cause)

    def _report(self, connect_ns: int, tls_ns: int, cause: BaseException | None = None) -> None:
        seq = -1 if self._job is None else self._job.seq
        error = ErrorKind.OK
        if cause is not None:
            error = opening_error(cause, in_tls=bool(self._connected))
        phases = (0, connect_ns, tls_ns)
        self._factory.connected(self._url, seq, self._start, phases, error, cause)


def origin_of(url: httpx.URL) -> Origin:
    """The service of ``url``, with the default port of the scheme if it has none."""
    # Not url.host, which is Unicode for an international name.
    host = address_of_literal(url.raw_host.decode("ascii"))
    return Origin(url.scheme, host, url.port or (443 if url.scheme == "https" else 80))
