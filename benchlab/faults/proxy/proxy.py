"""A TCP proxy before a service, on the loopback interface, that faults can be set on."""

from __future__ import annotations

import asyncio
import socket

from benchlab.errors import InputError
from benchlab.faults.proxy.connection import Connection
from benchlab.faults.proxy.effects import Effect
from benchlab.faults.proxy.upstream import Upstream
from benchlab.plan.hosts import with_port

__all__ = ["Proxy"]

_HOST = "127.0.0.1"
_BACKLOG = 4096


class Proxy:
    """Passes bytes between clients and ``upstream``, unchanged and in order: TLS goes through too.

    It listens on 127.0.0.1 only, on ``port`` or, if that is 0, on a free one. Faults are set and
    lifted while connections are open. A service that refuses a connection shows as a reset: the
    client's was accepted before.
    """

    def __init__(self, upstream: Upstream, port: int = 0) -> None:
        self.upstream = upstream
        self.effects: tuple[Effect, ...] = ()
        """The faults that are on."""
        self.connections: set[Connection] = set()
        """The connections of clients that are open."""
        self._port = port
        self._on: dict[object, Effect] = {}
        self._held: set[Connection] = set()  # accepted, and no more
        self._connecting: dict[Connection, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None
        self._count = 0

    @property
    def address(self) -> str:
        """Where it listens, ``127.0.0.1:port``."""
        return with_port(_HOST, self._port)

    @property
    def held_bytes(self) -> int:
        """How many bytes wait in it."""
        return sum(connection.held_bytes for connection in self.connections)

    async def start(self) -> None:
        """Listen.

        Raises:
            InputError: the port is in use.
            TargetError: the service's name cannot be resolved.
        """
        await self.upstream.prepare()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, self._port))
        except OSError as exc:
            listener.close()
            raise InputError(
                f"cannot listen on it ({exc.strerror})",
                field="port",
                value=self._port,
                remedy="choose another one, or 0 for a free one",
            ) from exc
        self._port = listener.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, sock=listener, backlog=_BACKLOG)

    def set(self, key: object, effect: Effect) -> None:
        """Begin a fault, on open connections too; ``key`` is what `lift` knows it by."""
        self._on[key] = effect
        self.effects = tuple(self._on.values())
        for connection in self.connections:
            connection.begin_exchange()

    def lift(self, key: object) -> None:
        """End a fault, and what it holds back; ignored if it is not on.

        Connections that lost bytes in a blackhole are reset. Those that were accepted and no more
        go on, with all that their clients have sent.
        """
        effect = self._on.pop(key, None)
        if effect is None:
            return
        self.effects = tuple(self._on.values())
        for connection in tuple(self.connections):
            connection.end_effect(effect)
            if connection.is_dead and effect.kind == "blackhole":
                connection.reset()
        for connection in tuple(self._held):
            if not connection.is_held_by(self.effects):
                self._held.discard(connection)
                self.connect(connection)

    async def close(self) -> None:
        """Stop listening and close every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._connecting.values():
            task.cancel()
        for connection in tuple(self.connections):
            connection.close()
        await asyncio.gather(*self._connecting.values(), return_exceptions=True)

    def connect(self, connection: Connection) -> None:
        """Begin to connect ``connection`` with the service, unless a fault forbids it."""
        self.connections.add(connection)
        if connection.is_held_by(self.effects):
            self._held.add(connection)
            return
        task = asyncio.get_running_loop().create_task(self._connect(connection))
        self._connecting[connection] = task
        # Not at the end of the task itself: one that is cancelled at once never begins.
        task.add_done_callback(lambda _: self._connecting.pop(connection))

    def closed(self, connection: Connection) -> None:
        """Forget ``connection``."""
        self.connections.discard(connection)
        self._held.discard(connection)
        if connection in self._connecting:
            self._connecting[connection].cancel()

    async def _connect(self, connection: Connection) -> None:
        try:
            await self.upstream.connect(connection.service)
        except OSError:
            connection.reset()

    def _accept(self) -> asyncio.Protocol:
        self._count += 1
        return Connection(self, self._count).client
