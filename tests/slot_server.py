"""A real service of known capacity: ``slots`` requests at a time, each for a fixed time.

Its capacity is slots / service time. Requests wait in one line; above ``fails_above_open`` open
requests it refuses with 503. It runs in a thread, on uvloop's or asyncio's loop.
"""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class _Connection(asyncio.Protocol):
    def __init__(self, server: SlotServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._server.transports.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.transports.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"\r\n\r\n"):
            self._server.arrive(self)


class SlotServer:
    """The server; use it in a ``with`` statement."""

    def __init__(self, slots: int, service_s: float, fails_above_open: int = 1_000_000) -> None:
        self.slots, self.service_s = slots, service_s
        self._fails_above_open = fails_above_open
        self._free_at = [0.0] * slots
        self._open = 0
        self.transports: set[asyncio.Transport] = set()
        self.url = ""

    def arrive(self, connection: _Connection) -> None:
        """Serve a request in the slot that is free first, for exactly the service time."""
        if self._open >= self._fails_above_open:
            connection.transport.write(_BUSY)
            return
        self._open += 1
        slot = min(range(self.slots), key=self._free_at.__getitem__)
        done = max(self._loop.time(), self._free_at[slot]) + self.service_s
        self._free_at[slot] = done
        self._loop.call_at(done, self._respond, connection)

    def _respond(self, connection: _Connection) -> None:
        self._open -= 1
        if not connection.transport.is_closing():
            connection.transport.write(_OK)

    def __enter__(self) -> SlotServer:
        started = threading.Event()
        self._loop = asyncio.new_event_loop()

        async def serve() -> None:
            server = await self._loop.create_server(
                lambda: _Connection(self), "127.0.0.1", 0, backlog=4096
            )
            port = server.sockets[0].getsockname()[1]
            self.url = f"http://127.0.0.1:{port}/"
            self._ended = asyncio.Event()
            started.set()
            await self._ended.wait()
            server.close()
            for transport in tuple(self.transports):
                transport.abort()

        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(serve(),))
        self._thread.start()
        started.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it, with all connections; from now on nobody can connect."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join()
            self._loop.close()
