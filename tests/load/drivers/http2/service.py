"""A service that speaks HTTP/2 by h2 in the test's own event loop, and the driver beside it."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RequestReceived,
    SettingsAcknowledged,
    StreamEnded,
    StreamReset,
)
from h2.settings import SettingCodes
from numpy.typing import NDArray

from benchlab import Plan, spool
from benchlab.load.arrivals.closed import ClosedSource
from benchlab.load.arrivals.pacing import OpenSource
from benchlab.load.drivers.http2.driver import Http2Driver
from benchlab.load.recording.recording import Recording
from benchlab.samples.records import SAMPLE_DTYPE, ErrorKind

__all__ = ["Driving", "Peer", "Service", "driving", "serving"]

Respond = Callable[["Peer", int], None]


def at_once(peer: Peer, number: int) -> None:
    """Respond with ten bytes."""
    peer.respond(number)


class Service:
    """What all connections of a service share. ``waiting`` are requests without a response."""

    def __init__(self, respond: Respond | None = at_once, most: int | None = None) -> None:
        self.respond = respond
        self.most = most
        self.url = ""
        self.peers: list[Peer] = []
        self.waiting: list[tuple[Peer, int]] = []
        self.resets: list[tuple[int, int]] = []
        self.fields: list[list[tuple[bytes, bytes]]] = []

    def make(self) -> Peer:
        """A connection."""
        peer = Peer(self)
        self.peers.append(peer)
        return peer

    @property
    def used(self) -> list[int]:
        """How many requests came on each connection that has some."""
        return [peer.requests for peer in self.peers if peer.requests]

    def release(self, count: int = 10**9) -> None:
        """Respond to those that wait, the first ones first."""
        for peer, number in self.waiting[:count]:
            peer.respond(number)
        del self.waiting[:count]


class Peer(asyncio.Protocol):
    """A connection of the service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self.requests = 0
        self.acknowledged = 0
        self.is_left = self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self.service.most is not None:
            self.h2.local_settings = self.h2.local_settings.__class__(
                client=False,
                initial_values={SettingCodes.MAX_CONCURRENT_STREAMS: self.service.most},
            )
        self.h2.initiate_connection()
        self.flush()

    def data_received(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            if isinstance(event, RequestReceived):
                fields = [(name, value) for name, value in event.headers or ()]
                self.service.fields.append(fields)
            elif isinstance(event, DataReceived):
                size = event.flow_controlled_length or 0
                self.h2.acknowledge_received_data(size, event.stream_id)
            elif isinstance(event, StreamEnded):
                self.requests += 1
                if self.service.respond is None:
                    self.service.waiting.append((self, event.stream_id))
                else:
                    self.service.respond(self, event.stream_id)
            elif isinstance(event, StreamReset):
                self.service.resets.append((event.stream_id, int(event.error_code or 0)))
            elif isinstance(event, ConnectionTerminated):
                self.is_left = True
            elif isinstance(event, SettingsAcknowledged):
                self.acknowledged += 1
        self.flush()
        if self.is_left:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.is_lost = True

    def respond(self, number: int) -> None:
        """Send a response."""
        self.h2.send_headers(number, [(":status", "200"), ("server", "loop")])
        self.h2.send_data(number, b"0123456789", end_stream=True)
        self.flush()

    def allow(self, most: int) -> None:
        """Change how many streams there may be at a time."""
        self.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: most})
        self.flush()

    def go_away(self, last: int) -> None:
        """Say that requests after ``last`` were not processed."""
        self.h2.close_connection(last_stream_id=last)
        self.flush()

    def flush(self) -> None:
        """Send what there is to send."""
        self.transport.write(self.h2.data_to_send())


@asynccontextmanager
async def serving(service: Service, tls: ssl.SSLContext | None = None) -> AsyncIterator[Service]:
    """``service`` on a free port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(service.make, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    service.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{port}/"
    try:
        yield service
    finally:
        server.close()
        for peer in service.peers:
            if hasattr(peer, "transport"):  # else its handshake was still going on
                peer.transport.abort()
        for _ in range(5):  # both sides notice it: nothing waits for the network here
            await asyncio.sleep(0.001)


class Driving:
    """A driver that a test drives by hand."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        self._directory = directory
        self.recording = Recording(directory, plan, 0)
        self.source: Any = OpenSource() if plan.load.has_schedule else ClosedSource(0, 1)
        self.driver = Http2Driver(plan, 0, "0123456789abcdef", self.source, self.recording)
        self._next = 0

    def send(self, count: int) -> None:
        """Let so many requests of an open loop be due, now."""
        now = time.monotonic_ns()
        self.source.queue.extend((self._next + index, now) for index in range(count))
        self._next += count
        self.driver.dispatch()

    @property
    def samples(self) -> NDArray[np.void]:
        """What was recorded so far, by sequence number."""
        self.recording.flush()
        path = spool.samples_path(self._directory, 0)
        records = np.frombuffer(path.read_bytes(), SAMPLE_DTYPE)
        return records[np.argsort(records["seq"])]

    @property
    def errors(self) -> list[str]:
        """The error kinds of the samples."""
        return [ErrorKind(kind).label for kind in self.samples["error"].tolist()]


@asynccontextmanager
async def driving(plan: Plan, directory: Path) -> AsyncIterator[Driving]:
    """A driver that is open, and is closed afterwards with every request recorded once."""
    driven = Driving(plan, directory)
    driven.recording.start(0)
    await driven.driver.open()
    try:
        yield driven
    finally:
        driven.driver.abandon(time.monotonic_ns())
        await driven.driver.close()
        driven.recording.close()
        assert driven.driver.in_flight == 0


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop run until ``condition`` holds."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


def flags_of(records: NDArray[np.void], flag: int) -> Iterable[bool]:
    """Whether each of ``records`` has ``flag``."""
    return [bool(flags & flag) for flags in records["flags"].tolist()]
