"""Open connections to one service, and time each phase."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
from contextlib import suppress
from typing import NamedTuple

from benchlab.errors import TargetError
from benchlab.load.drivers.failures import is_local_failure
from benchlab.load.drivers.tls_transport import TlsTransport
from benchlab.plan.request import Origin
from benchlab.plan.transport import Transport
from benchlab.processes.sockets import hand_over
from benchlab.samples.samples import ErrorKind
from benchlab.units import seconds_to_ns

__all__ = ["Dialed", "Dialer"]

_clock = time.monotonic_ns
_TRIAL_S = 2.0


_Address = tuple[socket.AddressFamily, tuple[str, int]]


class Dialed(NamedTuple):
    """The result of opening a connection: ``phases`` are DNS, connect and TLS in ns.

    ``cause`` is the exception behind ``error``.
    """

    phases: tuple[int, int, int]
    error: ErrorKind = ErrorKind.OK
    cause: BaseException | None = None

    @property
    def local(self) -> bool:
        """True if it failed because this machine lacked ports, files or buffers."""
        return self.cause is not None and is_local_failure(self.cause)


class Dialer:
    """Connects protocols to ``origin`` with the settings of ``transport``."""

    def __init__(self, origin: Origin, transport: Transport, tls: ssl.SSLContext | None) -> None:
        self._socket_path = transport.unix_socket
        self._host, self._port = transport.address_of(origin.host, origin.port)
        self._tls = tls if origin.uses_tls else None
        self._server_name = transport.server_name_of(origin.host) if self._tls else None
        self._ttl_ns = seconds_to_ns(transport.dns_ttl_s)
        self._is_name = not self._socket_path and not _is_address(self._host)
        self._address: _Address | None = None
        self._looked_up = 0

    async def prepare(self) -> None:
        """Resolve the service's name to the first address that accepts connections, or to the
        first one if none does.

        Raises:
            TargetError: the name cannot be resolved. A refused connection is not an error here:
                the run records it.
        """
        if self._socket_path:
            return
        try:
            found = await self._look_up()
        except OSError as exc:
            raise TargetError(f"the host name {self._host!r} cannot be resolved ({exc})") from exc
        self._looked_up = _clock()
        self._address = found[0]
        loop = asyncio.get_running_loop()
        for candidate in found if len(found) > 1 else ():
            with suppress(OSError, TimeoutError):
                raw = await asyncio.wait_for(_connected(loop, *candidate), _TRIAL_S)
                raw.close()
                self._address = candidate
                return

    async def dial(self, protocol: asyncio.Protocol) -> Dialed:
        """Connect ``protocol``. Errors of the service or the network are returned, not raised."""
        begun = _clock()
        named = connected = 0
        phases = [0, 0, 0]
        raw: socket.socket | None = None
        try:
            if self._is_name and begun - self._looked_up >= self._ttl_ns:
                await self._refresh()
                named = _clock()
                phases[0] = named - begun
            raw = await self._connect()
            connected = _clock()
            phases[1] = connected - (named or begun)
            await self._attach(protocol, raw)
            if self._tls is not None:
                phases[2] = _clock() - connected
        except asyncio.CancelledError:
            if raw is not None:
                raw.close()
            raise
        except (OSError, EOFError) as exc:
            if raw is not None:
                raw.close()
            kind = ErrorKind.TLS if connected and self._tls else ErrorKind.CONNECT
            return Dialed((phases[0], phases[1], phases[2]), kind, exc)
        return Dialed((phases[0], phases[1], phases[2]))

    async def _refresh(self) -> None:
        found = await self._look_up()
        self._looked_up = _clock()
        # Prefer the address family that worked before the run.
        same = [item for item in found if self._address and item[0] == self._address[0]]
        self._address = (same or found)[0]

    async def _look_up(self) -> list[_Address]:
        if not self._is_name:  # uvloop's look-up would drop the zone of an IPv6 address
            family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
            return [(family, (self._host, self._port))]
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        return [(family, (str(sockaddr[0]), self._port)) for family, *_, sockaddr in found]

    async def _connect(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        if self._socket_path:
            return await _connected(loop, socket.AF_UNIX, self._socket_path)
        assert self._address is not None
        raw = await _connected(loop, *self._address)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return raw

    async def _attach(self, protocol: asyncio.Protocol, raw: socket.socket) -> None:
        if self._tls is None:
            await hand_over(raw, protocol)
            return
        secured = TlsTransport(protocol, self._tls, self._server_name)
        await hand_over(raw, secured)
        await secured.opened()


async def _connected(
    loop: asyncio.AbstractEventLoop, family: int, address: str | tuple[str, int]
) -> socket.socket:
    raw = socket.socket(family, socket.SOCK_STREAM)
    try:
        raw.setblocking(False)
        await loop.sock_connect(raw, address)
    except BaseException:
        raw.close()
        raise
    return raw


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return True
    return False
