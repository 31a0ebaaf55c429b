"""Every way in which a TLS connection carries data and ends, on both event loops."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
import trustme
import uvloop

from benchlab.load.drivers.dialer import Dialed, Dialer
from benchlab.load.drivers.tls_transport import TlsTransport
from benchlab.plan.request import Origin
from benchlab.plan.transport import Transport
from benchlab.samples.samples import ErrorKind

HOST = "127.0.0.1"
LIMIT_S = 60


class Contexts(NamedTuple):
    """Of a client and of the service that it trusts."""

    client: ssl.SSLContext
    service: ssl.SSLContext


@pytest.fixture(scope="module")
def contexts() -> Contexts:
    authority = trustme.CA()
    client = ssl.create_default_context()
    authority.configure_trust(client)
    service = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(service)
    return Contexts(client, service)


@pytest.fixture(scope="module", params=[asyncio.new_event_loop, uvloop.new_event_loop])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner


class Client(asyncio.Protocol):
    """Notes what it is told; ``change`` is set with everything."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.calls: list[str] = []
        self.lost: list[Exception | None] = []
        self.change = asyncio.Event()
        self.react: Callable[[bytes], None] = self.parts.append

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.calls.append("made")
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.react(data)
        self.change.set()

    def eof_received(self) -> None:
        self.calls.append("eof")

    def connection_lost(self, exc: Exception | None) -> None:
        self.calls.append("lost")
        self.lost.append(exc)
        self.change.set()

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")
        self.change.set()

    @property
    def received(self) -> bytes:
        return b"".join(self.parts)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something made ``condition`` true."""
        while not condition():
            self.change.clear()
            await self.change.wait()


class Peer:
    """A service's end of a connection, which says what is sent in which record, and when."""

    def __init__(self, context: ssl.SSLContext, connection: socket.socket) -> None:
        self.socket = connection
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        connection.setblocking(False)

    async def send(self, *records: bytes, raw: bytes = b"") -> None:
        """Send ``records`` and ``raw`` at once."""
        for data in records:
            self.tls.write(data)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.socket, self.outgoing.read() + raw)

    async def shake_hands(self, *first: bytes) -> None:
        """Do the handshake; ``first`` are sent with its last bytes."""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self.send()
                await self.pull()
        await self.send(*first)

    async def pull(self) -> None:
        """Take what comes next."""
        data = await asyncio.get_running_loop().sock_recv(self.socket, 1 << 16)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()

    async def receive(self, size: int = 1 << 14) -> bytes:
        """The next data, empty at the end of TLS.

        Raises:
            ssl.SSLEOFError: the connection ended without it.
        """
        while True:
            try:
                return self.tls.read(size)
            except ssl.SSLWantReadError:
                await self.pull()

    async def receive_all(self) -> bytes:
        """Everything up to the end of TLS."""
        parts = []
        while part := await self.receive():
            parts.append(part)
        return b"".join(parts)

    def notify(self) -> None:
        """Have the end of TLS sent next."""
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.unwrap()

    def reset(self) -> None:
        """End the connection by a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a TCP connection."""
    with socket.create_server((HOST, 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        ours.setblocking(False)
        return ours, listener.accept()[0]


@asynccontextmanager
async def open_pair(contexts: Contexts, *first: bytes) -> AsyncIterator[tuple[Client, Peer]]:
    """A client and its peer after their handshake."""
    ours, theirs = socket_pair()
    client, peer = Client(), Peer(contexts.service, theirs)
    secured = TlsTransport(client, contexts.client, HOST)
    with theirs:
        async with asyncio.timeout(LIMIT_S):
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: secured, sock=ours)
            await asyncio.gather(secured.opened(), peer.shake_hands(*first))
            yield client, peer
            secured.abort()
            await client.until(lambda: client.lost)
    assert client.calls[0] == "made"
    assert client.calls.count("lost") == 1
    assert client.calls[-1] == "lost"


def test_records_that_came_together_are_one_piece(
    runner: asyncio.Runner, contexts: Contexts
) -> None:
    async def check() -> None:
        async with open_pair(contexts) as (client, peer):
            await peer.send(b"head", b"body", b"tail")
            await client.until(lambda: client.parts)
            assert client.parts == [b"headbodytail"]
            await peer.send(b"more")
            await client.until(lambda: len(client.parts) > 1)
            assert client.parts[1:] == [b"more"]

    runner.run(check())


@pytest.mark.parametrize("size", [1, 5, 23, 16_384, 16_385])
def test_records_in_pieces(size: int, runner: asyncio.Runner, contexts: Contexts) -> None:
    data = bytes(range(256)) * 64

    async def check() -> None:
        async with open_pair(contexts) as (client, peer):
            for _ in range(3):
                peer.tls.write(data)
            sealed = peer.outgoing.read()
            receive = cast(TlsTransport, client.transport).data_received
            for start in range(0, len(sealed), size):
                receive(sealed[start : start + size])
            assert client.received == data * 3

    runner.run(check())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_data_with_the_last_bytes_of_the_handshake(
    version: ssl.TLSVersion, runner: asyncio.Runner, contexts: Contexts
) -> None:
    async def check() -> None:
        async with open_pair(contexts, b"settings") as (client, _):
            await client.until(lambda: client.parts)
            assert client.parts == [b"settings"]
            assert client.transport.get_extra_info("ssl_object").version() == (
                "TLSv1.2" if version is ssl.TLSVersion.TLSv1_2 else "TLSv1.3"
            )

    usual = contexts.service.maximum_version
    contexts.service.maximum_version = version
    try:
        runner.run(check())
    finally:
        contexts.service.maximum_version = usual


def test_much_both_ways_at_once(runner: asyncio.Runner, contexts: Contexts) -> None:
    up, down = b"up" * 2_000_000, b"down" * 1_000_000

    async def check() -> None:
        async with open_pair(contexts) as (client, peer):
            client.transport.write(memoryview(up))
            client.transport.close()
            assert await peer.receive_all() == up
        async with open_pair(contexts) as (client, peer):
            await peer.send(down)
            await client.until(lambda: sum(map(len, client.parts)) >= len(down))
            assert client.received == down

    runner.run(check())


def test_what_the_connection_is(runner: asyncio.Runner, contexts: Contexts) -> None:
    async def check() -> None:
        async with open_pair(contexts) as (client, peer):
            transport = client.transport
            assert transport.get_extra_info("ssl_object").version() == peer.tls.version()
            assert transport.get_extra_info("peername") == peer.socket.getsockname()
            assert transport.get_extra_info("nothing", 5) == 5
            assert transport.get_write_buffer_size() == 0
            assert transport.is_reading()
            assert not transport.is_closing()
            assert not transport.can_write_eof()
            with pytest.raises(NotImplementedError):
                transport.write_eof()

    runner.run(check())


# ends


async def _notified(peer: Peer) -> None:
    peer.notify()
    await peer.send()


async def _notified_with_data(peer: Peer) -> None:
    peer.tls.write(b"last")
    peer.tls.write(b" words")
    await _notified(peer)


async def _closed(peer: Peer) -> None:
    peer.socket.close()


async def _closed_after_data(peer: Peer) -> None:
    await peer.send(b"last words")
    peer.socket.close()


async def _closed_in_a_record(peer: Peer) -> None:
    await peer.send(raw=b"\x17\x03\x03\x01\x00half")
    peer.socket.close()


async def _reset(peer: Peer) -> None:
    peer.reset()


async def _not_tls(peer: Peer) -> None:
    await peer.send(raw=b"this is not TLS" * 100)


async def _not_tls_after_data(peer: Peer) -> None:
    await peer.send(b"last words", raw=b"this is not TLS" * 100)


async def _tampered(peer: Peer) -> None:
    peer.tls.write(b"a payment of 10")
    sealed = bytearray(peer.outgoing.read())
    sealed[-1] ^= 1
    await peer.send(raw=bytes(sealed))


@pytest.mark.parametrize(
    ("end", "data", "loss"),
    [
        (_notified, b"", type(None)),
        (_notified_with_data, b"last words", type(None)),
        (_closed, b"", type(None)),
        (_closed_after_data, b"last words", type(None)),
        (_closed_in_a_record, b"", type(None)),
        (_reset, b"", ConnectionResetError),
        (_not_tls, b"", ssl.SSLError),
        (_not_tls_after_data, b"last words", ssl.SSLError),
        (_tampered, b"", ssl.SSLError),
    ],
)
def test_ends_of_the_service(
    end: Any, data: bytes, loss: type, runner: asyncio.Runner, contexts: Contexts
) -> None:
    async def check() -> None:
        async with open_pair(contexts) as (client, peer):
            client.transport.write(b"request")
            assert await peer.receive() == b"request"  # so that no end is a RST by accident
            await end(peer)
            await client.until(lambda: client.lost)
            assert client.received == data
            assert isinstance(client.lost[0], loss)
            assert client.calls == ["made", *["eof"] * (loss is type(None)), "lost"]
            assert client.transport.is_closing()
            if end in {_notified, _notified_with_data}:
                with pytest.raises(ssl.SSLZeroReturnError):  # the end is confirmed
                    await peer.receive()

    runner.run(check())


def test_a_close_sends_what_was_written_and_the_end(
    runner: asyncio.Runner, contexts: Contexts
) -> None:
    data = b"x" * 5_000_000

    async def check() -> None:
        async with open_pair(contexts) as (client, peer):
            client.transport.write(data)
            assert client.transport.get_write_buffer_size() > 0
            client.transport.close()
            client.transport.close()
            assert client.transport.is_closing()
            client.transport.write(b"too late")
            assert await peer.receive_all() == data
            await client.until(lambda: client.lost)
            assert client.lost == [None]
            client.transport.write(b"too late")
            client.transport.close()
            client.transport.abort()

    runner.run(check())


@pytest.mark.parametrize("how", ["close", "abort"])
def test_ending_it_while_data_is_received(
    how: str, runner: asyncio.Runner, contexts: Contexts
) -> None:
    async def check() -> None:
        async with open_pair(contexts) as (client, peer):

            def react(data: bytes) -> None:
                client.parts.append(data)
                getattr(client.transport, how)()
                client.transport.write(b"too late")
                assert not client.lost  # later, as with every transport

            client.react = react
            await peer.send(b"a", b"b", raw=b"this is not TLS")
            await client.until(lambda: client.lost)
            assert client.received == b"ab"
            assert client.lost == [None]

    runner.run(check())


def test_an_error_of_the_protocol_is_reported_by_the_loop(
    runner: asyncio.Runner, contexts: Contexts
) -> None:
    class Mistake(Exception):
        """Of the test."""

    def react(_data: bytes) -> None:
        raise Mistake

    async def check() -> None:
        reported: list[Any] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: reported.append(context["exception"]))
        try:
            async with open_pair(contexts) as (client, peer):
                client.react = react
                await peer.send(b"data")
                await client.until(lambda: client.lost)
        finally:
            loop.set_exception_handler(None)
        assert [type(exc) for exc in reported] == [Mistake]
        assert isinstance(client.lost[0], Mistake)

    runner.run(check())


# flow


def test_a_slow_reader_pauses_writing(runner: asyncio.Runner, contexts: Contexts) -> None:
    piece = b"x" * 100_000

    async def check() -> None:
        async with open_pair(contexts) as (client, peer):
            client.transport.set_write_buffer_limits(high=200_000)
            count = 0
            while "pause" not in client.calls:
                client.transport.write(piece)
                count += 1
                await asyncio.sleep(0)
            assert client.transport.get_write_buffer_size() > 200_000
            received = 0
            while received < count * len(piece):
                received += len(await peer.receive())
            await client.until(lambda: "resume" in client.calls)
            assert client.calls == ["made", "pause", "resume"]

    runner.run(check())


def test_reading_pauses(runner: asyncio.Runner, contexts: Contexts) -> None:
    async def check() -> None:
        async with open_pair(contexts) as (client, peer):
            client.transport.pause_reading()
            assert not client.transport.is_reading()
            await peer.send(b"data")
            client.transport.write(b"still written")
            assert await peer.receive() == b"still written"
            assert not client.parts
            client.transport.resume_reading()
            await client.until(lambda: client.parts)
            assert client.parts == [b"data"]

    runner.run(check())


# handshakes


@asynccontextmanager
async def service(
    behave: Callable[[socket.socket], Any], path: Path | None = None
) -> AsyncIterator[tuple[Origin, Transport]]:
    """A service that handles its only connection by ``behave``, and where it is."""
    listener = (
        socket.create_server((HOST, 0))
        if path is None
        else socket.create_server(str(path), family=socket.AF_UNIX)
    )
    listener.setblocking(False)
    loop = asyncio.get_running_loop()

    async def serve() -> None:
        connection, _ = await loop.sock_accept(listener)
        with connection:
            await behave(connection)

    with listener:
        serving = loop.create_task(serve())
        port = 443 if path else listener.getsockname()[1]
        async with asyncio.timeout(LIMIT_S):
            yield Origin("https", HOST, port), Transport(unix_socket=str(path or ""))
            await serving


async def _dial(
    client: Client, origin: Origin, transport: Transport, tls: ssl.SSLContext
) -> Dialed:
    dialer = Dialer(origin, transport, tls)
    await dialer.prepare()
    return await dialer.dial(client)


async def _leaves(connection: socket.socket) -> None:
    """Closes as soon as the client has spoken."""
    await asyncio.get_running_loop().sock_recv(connection, 4096)


async def _resets(connection: socket.socket) -> None:
    await _leaves(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _speaks_http(connection: socket.socket) -> None:
    await _leaves(connection)
    await asyncio.get_running_loop().sock_sendall(connection, b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize(
    ("behave", "cause"),
    [(_leaves, ConnectionResetError), (_resets, OSError), (_speaks_http, ssl.SSLError)],
)
def test_a_handshake_that_the_service_fails(
    behave: Callable[[socket.socket], Any],
    cause: type,
    runner: asyncio.Runner,
    contexts: Contexts,
) -> None:
    async def check() -> None:
        async with service(behave) as (origin, transport):
            client = Client()
            dialed = await _dial(client, origin, transport, contexts.client)
            assert dialed.error == ErrorKind.TLS
            assert isinstance(dialed.cause, cause)
            assert not client.calls

    runner.run(check())


async def _accepted(peer: Peer) -> bytes:
    """Shake hands, and receive the first data: one of them finds what the client refused."""
    await peer.shake_hands()
    return await peer.receive()


def test_a_service_that_is_not_trusted_is_told_why(
    runner: asyncio.Runner, contexts: Contexts
) -> None:
    async def refused(connection: socket.socket) -> None:
        peer = Peer(contexts.service, connection)
        with pytest.raises(ssl.SSLError, match="ALERT_UNKNOWN_CA"):
            await _accepted(peer)

    async def check() -> None:
        async with service(refused) as (origin, transport):
            stranger = ssl.create_default_context()
            dialed = await _dial(Client(), origin, transport, stranger)
            assert dialed.error == ErrorKind.TLS
            assert isinstance(dialed.cause, ssl.SSLCertVerificationError)

    runner.run(check())


def test_a_cancelled_handshake_closes_the_connection(
    runner: asyncio.Runner, contexts: Contexts
) -> None:
    async def check() -> None:
        spoken, ended = asyncio.Event(), asyncio.Event()

        async def silent(connection: socket.socket) -> None:
            loop = asyncio.get_running_loop()
            while await loop.sock_recv(connection, 4096):
                spoken.set()
            ended.set()

        async with service(silent) as (origin, transport):
            client = Client()
            dialing = asyncio.create_task(_dial(client, origin, transport, contexts.client))
            await spoken.wait()
            dialing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await dialing
            await ended.wait()
            assert not client.calls

    runner.run(check())


def test_tls_on_a_unix_socket(runner: asyncio.Runner, contexts: Contexts, tmp_path: Path) -> None:
    async def echo(connection: socket.socket) -> None:
        peer = Peer(contexts.service, connection)
        await peer.shake_hands()
        await peer.send(await peer.receive())
        assert await peer.receive() == b""

    async def check() -> None:
        async with service(echo, tmp_path / "socket") as (origin, transport):
            client = Client()
            dialed = await _dial(client, origin, transport, contexts.client)
            assert not dialed.error
            assert dialed.phases[2] > 0
            client.transport.write(b"echo")
            await client.until(lambda: client.parts)
            client.transport.close()
            await client.until(lambda: client.lost)
            assert client.received == b"echo"

    runner.run(check())
