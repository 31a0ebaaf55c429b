"""A service that scenarios send requests to."""

from __future__ import annotations

import asyncio

import httpx

from benchlab.errors import TargetError
from benchlab.load.drivers.dialer import Dialed, Dialer
from benchlab.plan.hosts import without_zone
from benchlab.plan.request import Origin
from benchlab.samples.samples import ErrorKind

__all__ = ["Service"]


class Service:
    """An origin, the ``Host`` line that names it, and how it is connected to.

    ``number`` is that of the origin in the plan, 0 for one that the plan does not name.
    """

    __slots__ = ("_dialer", "_is_prepared", "host_line", "number", "origin")

    def __init__(self, origin: Origin, url: httpx.URL, number: int, dialer: Dialer) -> None:
        self.origin = origin
        host = without_zone(url.netloc.decode("ascii"))
        self.host_line = f"Host: {host}\r\n".encode("ascii")
        self.number = number
        self._dialer = dialer
        self._is_prepared = False

    async def prepare(self) -> None:
        """Resolve its name.

        Raises:
            TargetError: it cannot be resolved.
        """
        await self._dialer.prepare()
        self._is_prepared = True

    async def dial(self, protocol: asyncio.Protocol) -> Dialed:
        """Connect ``protocol``; see `Dialer.dial`."""
        if not self._is_prepared:
            try:
                await self.prepare()
            except TargetError as exc:
                return Dialed((0, 0, 0), ErrorKind.CONNECT, exc.__cause__)
        return await self._dialer.dial(protocol)
