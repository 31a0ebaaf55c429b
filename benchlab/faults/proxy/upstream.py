"""Where a proxy connects to: the service, by name, address or socket, as a plan would."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

from benchlab.errors import TargetError
from benchlab.faults.proxy.effects import now_s
from benchlab.plan.hosts import address_of_literal, with_port
from benchlab.plan.request import Origin
from benchlab.plan.transport import Transport
from benchlab.processes.sockets import hand_over

__all__ = ["Upstream"]

_Address = tuple[int, Any]  # a family, and what its sockets connect to


class Upstream:
    """A service, as ``transport`` says where it is: its overridden address, or its Unix socket.

    A name is looked up again for a new connection when the last time is ``dns_ttl_s`` ago.
    """

    def __init__(self, origin: Origin, transport: Transport) -> None:
        self.origin = origin
        self._socket_path = transport.unix_socket
        host, self._port = transport.address_of(origin.host, origin.port)
        self._host = address_of_literal(host)
        self._ttl_s = transport.dns_ttl_s
        self._found: list[_Address] = []
        self._looked_up_s = 0.0

    def __str__(self) -> str:
        return self._socket_path or with_port(self._host, self._port)

    async def prepare(self) -> None:
        """Look its name up.

        Raises:
            TargetError: it has no address.
        """
        try:
            await self._look_up()
        except OSError as exc:
            raise TargetError(
                f"the host name {self._host!r} cannot be resolved ({exc})",
                remedy=f"check the name in {self.origin}",
            ) from exc

    async def connect(self, protocol: asyncio.Protocol) -> None:
        """Connect ``protocol``, to the first of its addresses that accepts.

        Raises:
            OSError: none does.
        """
        if not self._socket_path and now_s() - self._looked_up_s >= self._ttl_s:
            await self._look_up()
        error: OSError | None = None
        for place in tuple(self._found):
            try:
                await _attach(protocol, *place)
            except OSError as exc:
                error = exc
                continue
            self._found.sort(key=lambda found: found != place)  # the next one needs no search
            return
        raise error or OSError("no address")

    async def _look_up(self) -> None:
        if self._socket_path:
            self._found = [(socket.AF_UNIX, self._socket_path)]
            return
        # uvloop's own look-up would drop the zone of an IPv6 address
        found = await asyncio.to_thread(
            socket.getaddrinfo, self._host, self._port, type=socket.SOCK_STREAM
        )
        self._found = [(family, address) for family, _, _, _, address in found]
        self._looked_up_s = now_s()


async def _attach(protocol: asyncio.Protocol, family: int, address: Any) -> None:
    loop = asyncio.get_running_loop()
    raw = socket.socket(family, socket.SOCK_STREAM)
    try:
        raw.setblocking(False)
        if family != socket.AF_UNIX:
            with suppress(OSError):
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(raw, address)
    except BaseException:
        raw.close()
        raise
    await hand_over(raw, protocol)
