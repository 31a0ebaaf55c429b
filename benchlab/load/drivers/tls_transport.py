"""TLS on a transport of the event loop, for the connections of drivers.

The loops have TLS themselves, at several times the price of a small request in clear text. Here
the records that came together are decrypted into one piece, and what is written is encrypted and
passed on at once: no queue or timer, and an exception only where a record is incomplete.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Any, cast

__all__ = ["TlsTransport"]

_MOST_OF_RECORD = 16_384
"""As many bytes as a record carries at most. So one call decrypts a record whole, and there are
no decrypted bytes left in the state of TLS."""

_PIECE = 1 << 20
"""How much is encrypted at a time."""


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """The transport of a protocol that speaks over TLS, and itself the protocol of a connection.

    Connect it as a protocol, then await `opened`. As with other transports of TLS, the end of what
    the service sends ends the connection, whatever ``eof_received`` returns.
    """

    __slots__ = (
        "_closing",
        "_error",
        "_handshake",
        "_incoming",
        "_is_open",
        "_outgoing",
        "_protocol",
        "_raw",
        "_tls",
        "_unsent",
    )

    def __init__(
        self, protocol: asyncio.Protocol, context: ssl.SSLContext, server_name: str | None
    ) -> None:
        super().__init__()
        self._protocol = protocol
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self._raw: asyncio.Transport | None = None
        self._handshake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_open = False
        self._closing = False
        self._error: Exception | None = None
        self._unsent: list[bytes] = []
        """What was written while the service renegotiates (TLS 1.2)."""

    async def opened(self) -> None:
        """Wait for the handshake. If that fails or is cancelled, the connection is closed.

        Raises:
            OSError: the handshake failed; an `ssl.SSLError` says why.
        """
        try:
            await self._handshake
        except BaseException:
            self.abort()
            raise

    # what the protocol calls

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self._closing or not data:
            return
        if len(data) > _PIECE:
            view = memoryview(data)
            for start in range(0, len(view), _PIECE):
                self.write(view[start : start + _PIECE])
            return
        if self._unsent:
            self._unsent.append(bytes(data))
            return
        try:
            self._tls.write(data)
        except ssl.SSLWantReadError:
            self._unsent.append(bytes(data))
        except ssl.SSLError as exc:
            self._fail(exc)
            return
        assert self._raw is not None
        self._raw.write(self._outgoing.read())

    def close(self) -> None:
        """Send what was written and the end of TLS, and close; the service's end is not awaited."""
        if self._closing or self._raw is None:
            return
        self._closing = True
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        self._raw.write(self._outgoing.read())
        self._raw.close()

    def abort(self) -> None:
        self._closing = True
        if self._raw is not None:
            self._raw.abort()

    def is_closing(self) -> bool:
        return self._closing or (self._raw is not None and self._raw.is_closing())

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "ssl_object":
            return self._tls
        return default if self._raw is None else self._raw.get_extra_info(name, default)

    def pause_reading(self) -> None:
        if self._raw is not None:
            self._raw.pause_reading()

    def resume_reading(self) -> None:
        if self._raw is not None:
            self._raw.resume_reading()

    def is_reading(self) -> bool:
        return self._raw is not None and self._raw.is_reading()

    def get_write_buffer_size(self) -> int:
        return 0 if self._raw is None else self._raw.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert self._raw is not None
        self._raw.set_write_buffer_limits(high, low)

    def can_write_eof(self) -> bool:
        return False

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._raw = cast(asyncio.Transport, transport)
        self._shake_hands()

    def data_received(self, data: bytes) -> None:
        self._incoming.write(data)
        if not self._is_open:
            self._shake_hands()
            return
        try:
            data = self._tls.read(_MOST_OF_RECORD)
        except ssl.SSLWantReadError:
            self._respond()
            return
        except ssl.SSLError as exc:
            self._fail(exc)
            return
        if not data or self._incoming.pending:
            self._read([data])
            return
        self._protocol.data_received(data)
        if self._unsent or self._outgoing.pending:
            self._respond()

    def eof_received(self) -> None:
        if not self._is_open:
            self._refuse(_closed_in_handshake())
        elif not self._closing:
            self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._raw = None
        if self._is_open:
            self._protocol.connection_lost(self._error or exc)
        elif not self._handshake.done():
            self._refuse(exc or _closed_in_handshake())

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    # the states of TLS

    def _shake_hands(self) -> None:
        """Do as much of the handshake as what came allows."""
        assert self._raw is not None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._raw.write(self._outgoing.read())
            return
        except ssl.SSLError as exc:
            self._refuse(exc)
            return
        self._raw.write(self._outgoing.read())
        if self._handshake.done():  # cancelled, and about to be closed
            return
        self._is_open = True
        self._protocol.connection_made(self)
        if not self._handshake.done():
            self._handshake.set_result(None)
        if self._incoming.pending and not self._closing:
            self._read([])

    def _refuse(self, exc: Exception) -> None:
        """End a handshake that failed; the service gets the alert that says why."""
        if self._raw is not None and not self._closing:
            self._closing = True
            self._raw.write(self._outgoing.read())
            self._raw.close()
        if not self._handshake.done():
            self._handshake.set_exception(exc)
            self._handshake.exception()  # nobody may be waiting: no message of the event loop

    def _read(self, parts: list[bytes]) -> None:
        """Pass on the rest of what came behind ``parts``, in one piece, and then its end.

        An empty part is the end.
        """
        error: ssl.SSLError | None = None
        read, incoming = self._tls.read, self._incoming
        try:
            while not parts or (parts[-1] and incoming.pending):
                parts.append(read(_MOST_OF_RECORD))
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as exc:
            error = exc
        data = b"".join(parts)
        if data:
            self._protocol.data_received(data)
        if self._closing:
            return
        if error is not None:
            self._fail(error)
        elif parts and not parts[-1]:
            self._protocol.eof_received()
            self.close()
        elif self._unsent or self._outgoing.pending:
            self._respond()

    def _respond(self) -> None:
        """Send the responses of TLS itself, and what had to wait for them."""
        if self._closing:
            return
        assert self._raw is not None
        self._raw.write(self._outgoing.read())
        unsent, self._unsent = self._unsent, []
        for data in unsent:
            self.write(data)

    def _fail(self, exc: ssl.SSLError) -> None:
        """Close since what came is not TLS, or not what was sent."""
        self._error = exc
        self.abort()


def _closed_in_handshake() -> ConnectionResetError:
    return ConnectionResetError("the service closed the connection in the TLS handshake")
