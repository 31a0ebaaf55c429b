"""Faults that a service makes itself, set through its control API.

The bundled target has that API if it is started with ``benchlab target --faults``; another service
may have the same (docs/telemetry.md).
"""

from __future__ import annotations

import os
import secrets
import ssl
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import httpx

from benchlab.errors import FaultError
from benchlab.plan.faults import Fault
from benchlab.plan.hosts import with_port
from benchlab.plan.plan import Plan
from benchlab.plan.request import Origin
from benchlab.plan.transport import Transport
from benchlab.text import one_line

__all__ = ["TOKEN", "TargetInjector"]

TOKEN = "BENCHLAB_TARGET_FAULT_TOKEN"

_LONGEST_REASON = 300  # characters
_TIMEOUT_S = 30.0
_KEEP_OPEN_S = 2.0  # less than a server does, so that no request meets a connection that is closing

_AMOUNTS: Final[Mapping[str, tuple[str, float]]] = {
    "latency": ("latency_ms", 1e3),
    "error": ("status", 1),
    "slow_body": ("body_ms", 1e3),
    "cpu": ("cpu_ms", 1e3),
    "block": ("block_ms", 1e3),
    "pause": ("pause_ms", 1e3),
    "lock": ("hold_ms", 1e3),
    "dependency": ("dependency_ms", 1e3),
    "leak": ("leak_bytes", 1),
    "cache_miss": ("miss_ms", 1e3),
    "payload": ("ns_per_byte", 1e9),
    "slow_instance": ("slow_ms", 1e3),
}
"""What the API calls a kind's amount, and how many of its unit are one of the plan's."""

_WHOLE = ("error", "leak")
_WITHOUT_DRAWING = ("block", "pause")
"""Kinds that act by the clock: there is nothing to draw."""


class TargetInjector:
    """Sets and lifts the faults that services make themselves.

    A fault is for the service that it names, or for the plan's first. If the environment has a
    ``BENCHLAB_TARGET_FAULT_TOKEN``, that is sent along.
    """

    def __init__(self, plan: Plan, faults: Sequence[Fault]) -> None:
        self._plan = plan
        # Of this process only, so that runs at the same service do not lift each other's.
        run = secrets.token_hex(4)
        self._names = {fault: f"run-{run}-{number}" for number, fault in enumerate(faults)}
        self._bodies = {
            fault: request_body(fault, plan.seed + number) for number, fault in enumerate(faults)
        }
        self._on: set[Fault] = set()
        self._clients: dict[Origin, httpx.AsyncClient] = {}

    @property
    def resolve(self) -> Mapping[str, str]:
        """Empty: requests go where they always do."""
        return {}

    async def prepare(self) -> None:
        """Check that each service lets its faults be set, and that it knows them.

        Raises:
            FaultError: it does not.
        """
        for origin in {self._plan.service_of(fault) for fault in self._names}:
            response = await self._ask(origin, "GET", "/faults")
            if response.status_code == HTTPStatus.NOT_FOUND or not _is_enabled(response):
                raise FaultError(
                    f"{origin} makes no faults",
                    remedy="if it is the bundled service, start it with benchlab target --faults; "
                    "at other services use the faults of a proxy, such as delay and reset",
                )
        for fault in self._names:
            await self._put(fault, "check", 1.0)

    async def set(self, fault: Fault, lease_s: float) -> None:
        """Set ``fault``, which is on when this returns, and ends by itself after ``lease_s``.

        Raises:
            FaultError: the service cannot be reached, or refuses.
        """
        self._on.add(fault)  # also if the response is lost
        await self._put(fault, "set", lease_s)

    async def renew(self, fault: Fault, lease_s: float) -> None:
        """Let ``fault``, which is on, end by itself after another ``lease_s`` from now.

        Raises:
            FaultError: it is not on any more, or the service cannot be reached.
        """
        response = await self._put(fault, "renew", lease_s)
        if response.status_code == HTTPStatus.NOT_FOUND:
            raise FaultError(
                f"{self._plan.service_of(fault)} has lifted it by itself",
                field="faults",
                value=str(fault),
                remedy="it was restarted, or did not respond for longer than the lease",
            )

    async def lift(self, fault: Fault) -> None:
        """Lift ``fault``: it is off when this returns. One that is not on is no error.

        Raises:
            FaultError: the service cannot be reached, or refuses.
        """
        if fault not in self._on:
            return
        origin = self._plan.service_of(fault)
        response = await self._ask(origin, "DELETE", f"/faults/{self._names[fault]}")
        if response.status_code != HTTPStatus.NOT_FOUND:
            _check(response, origin, fault, {})
        self._on.discard(fault)

    async def close(self) -> None:
        """Lift whatever is still on, as far as the service can be reached: leases end the rest."""
        for fault in tuple(self._on):
            try:
                await self.lift(fault)
            except FaultError:
                continue
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def _put(self, fault: Fault, do: str, lease_s: float) -> httpx.Response:
        origin = self._plan.service_of(fault)
        body = {**self._bodies[fault], "lease_s": float(lease_s)}
        path = f"/faults/{self._names[fault]}?do={do}"
        response = await self._ask(origin, "PUT", path, body)
        if not (do == "renew" and response.status_code == HTTPStatus.NOT_FOUND):
            _check(response, origin, fault, body)
        return response

    async def _ask(
        self, origin: Origin, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        transport = self._plan.transport
        if origin not in self._clients:
            self._clients[origin] = _client(origin, transport)
        # A certificate is for this name, whatever address is connected to.
        name = {"sni_hostname": transport.server_name_of(origin.host)}
        try:
            response = await self._clients[origin].request(method, path, json=body, extensions=name)
        except httpx.HTTPError as exc:
            raise FaultError(
                f"{origin} cannot be reached to set faults ({_reason(exc)})",
                remedy="check that the service runs there",
            ) from exc
        if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise FaultError(
                f"{origin} lets nobody set faults from here without its token",
                remedy=f"give {TOKEN} the same value there, where the service starts, and here",
            )
        return response


def request_body(fault: Fault, seed: int) -> dict[str, Any]:
    """``fault`` as the control API takes it; ``seed`` is for a fault that has none of its own."""
    body: dict[str, Any] = {"kind": fault.kind}
    if fault.kind in _AMOUNTS:
        name, factor = _AMOUNTS[fault.kind]
        amount = fault.amount_value * factor
        body[name] = round(amount) if fault.kind in _WHOLE else amount
    if fault.distribution != "constant":
        body["distribution"] = fault.distribution
    if fault.spread:
        body["spread_ms"] = fault.spread * 1e3
    options = fault.options
    if "every" in options:
        body["every_ms"] = options["every"] * 1e3
    if "of" in options:
        body["of"] = options["of"]
    if fault.ratio != 1:
        body["ratio"] = fault.ratio
    if fault.route:
        body["route"] = fault.route
    if fault.seed is not None:
        body["seed"] = fault.seed
    elif fault.kind not in _WITHOUT_DRAWING:
        body["seed"] = seed
    return body


def _client(origin: Origin, transport: Transport) -> httpx.AsyncClient:
    """A client of the control API, which is where requests go, past every proxy.

    Raises:
        FaultError: the token or a file of the plan cannot be used.
    """
    if origin.scheme not in ("http", "https"):
        raise FaultError(
            f"faults are set over HTTP, and {origin} is not",
            remedy="name the address where the same service has HTTP: service=http://HOST:PORT",
        )
    token = os.environ.get(TOKEN, "")
    if not all("!" <= character <= "~" for character in token):
        raise FaultError(
            f"{TOKEN} has characters that cannot be sent",
            remedy="use letters and digits, and no spaces",
        )
    try:
        tls = _tls(transport) if origin.scheme == "https" else False
    except OSError as exc:
        raise FaultError(f"cannot connect to {origin} to set faults ({exc})") from exc
    address = with_port(*transport.address_of(origin.host, origin.port))
    return httpx.AsyncClient(
        base_url=f"{origin.scheme}://{address}",
        headers={"Authorization": f"Bearer {token}"} if token else {},
        transport=httpx.AsyncHTTPTransport(
            verify=tls,
            uds=transport.unix_socket or None,
            limits=httpx.Limits(keepalive_expiry=_KEEP_OPEN_S),
        ),
        timeout=_TIMEOUT_S,
        trust_env=False,
    )


def _tls(transport: Transport) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=transport.ca_file or None)
    if not transport.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if transport.client_cert:
        context.load_cert_chain(transport.client_cert, transport.client_key or None)
    return context


def _is_enabled(response: httpx.Response) -> bool:
    data = _json(response)
    return isinstance(data, dict) and data.get("enabled") is True


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _check(response: httpx.Response, origin: Origin, fault: Fault, body: Mapping[str, Any]) -> None:
    """Raise what the service says against ``fault``, which was sent as ``body``."""
    if response.is_success:
        return
    data = _json(response)
    detail = data.get("detail") if isinstance(data, dict) else None
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        place = detail[0].get("loc")
        name = _said(place[-1]) if isinstance(place, list) and place else "it"
        value = f" = {body[name]}" if name in body else ""
        raise FaultError(
            f"{origin} does not take {name}{value} ({_said(detail[0].get('msg'))})",
            field="faults",
            value=str(fault),
            remedy="change it in the fault",
        )
    raise FaultError(
        f"{origin} responds with {response.status_code} ({_said(detail)})",
        field="faults",
        value=str(fault),
    )


def _said(reason: Any) -> str:
    """What a service gives as a reason, which may be anything."""
    return one_line(f"{reason}", _LONGEST_REASON) if reason else "without a reason"


def _reason(exc: httpx.HTTPError) -> str:
    return f"{exc}" or type(exc).__name__
