"""A stream: one request and its response, which are one sample."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, Protocol

from benchlab.load.drivers.checking import Checker, check_status
from benchlab.load.drivers.http2.frames import ErrorCode
from benchlab.load.drivers.http2.header_blocks import Fields
from benchlab.load.recording.outcome import Excerpt, Outcome
from benchlab.load.recording.recorder import Record
from benchlab.load.recording.recording import Recording
from benchlab.samples.examples import BODY_BYTES
from benchlab.samples.samples import ErrorKind
from benchlab.units import format_ns

if TYPE_CHECKING:
    from benchlab.load.drivers.http2.sending import Sender

__all__ = ["RECEIVE_WINDOW", "Stream", "StreamOwner"]

RECEIVE_WINDOW = 2**30
"""How many bytes a service may send in a stream, and in all, before it is allowed more."""

_FIRST_ERROR_STATUS = 400
_WITHOUT_BODY = (204, 304)


class StreamOwner(Protocol):
    """The part of the driver that its streams use."""

    recording: Recording
    record: Record
    head_only: list[bool]
    checkers: list[Checker | None]
    body_limits: list[int]
    timeout_ns: int
    in_flight: int


class Stream:
    """A request and its response. Its connection calls `headers` and `data` as these come, and then
    either `ended` or `failed`, exactly once. It counts the body's bytes itself, and calls `data`
    only if there is a ``body`` to keep them in; of headers with a status below 400 it tells only a
    class that ``reads_headers``.

    ``id`` is the number in its connection; ``fields`` are those of the final response, once they
    came, and ``tail`` the trailers. ``window`` is what may still be sent in it. Times are clock
    times of ``time.monotonic_ns``.
    """

    __slots__ = (
        "body",
        "bytes_in",
        "connection",
        "endpoint",
        "fields",
        "first",
        "flags",
        "id",
        "intended",
        "owner",
        "sent",
        "seq",
        "tail",
        "window",
    )

    def __init__(
        self, owner: StreamOwner, seq: int, endpoint: int, intended: int, sent: int, flags: int
    ) -> None:
        self.owner = owner
        self.seq = seq
        self.endpoint = endpoint
        self.intended = intended
        self.sent = sent
        self.flags = flags
        self.first = self.bytes_in = 0
        self.fields: Fields | None = None
        self.tail: Fields | None = None
        self.body: bytearray | None = bytearray() if owner.body_limits[endpoint] else None
        # id, window and connection are set when it is given to a connection

    reads_headers: ClassVar[bool] = False

    id: int
    window: int
    connection: Sender

    @property
    def status(self) -> int:
        """The status of the final response, 0 before it came."""
        return 0 if self.fields is None else self.fields.status

    @property
    def time_limit_ns(self) -> int:
        """How long the request may take."""
        return self.owner.timeout_ns

    def headers(self, block: bytes, fields: Fields, now: int) -> None:
        """The header fields of the final response came; ``block`` are their bytes."""
        del block, now
        if fields.status >= _FIRST_ERROR_STATUS:
            self.body = bytearray()  # for an example

    def data(self, chunk: bytes, now: int) -> None:
        """A part of the body came."""
        del now
        body = self.body
        if body is not None:
            limit = max(self.owner.body_limits[self.endpoint], BODY_BYTES)
            if len(body) < limit:
                body += chunk[: limit - len(body)]

    def ended(self, now: int) -> None:
        """The response is complete."""
        owner, fields = self.owner, self.fields
        assert fields is not None
        if now - self.sent > owner.timeout_ns:
            self.fail_late(now)
            return
        bytes_in, length = self.bytes_in, fields.length
        if bytes_in != length and (length >= 0 or bytes_in):
            why = self._wrong_length(fields)
            if why:
                self.failed(ErrorKind.PROTOCOL, why, now)
                return
        checker = owner.checkers[self.endpoint]
        if checker is None:
            if fields.status < _FIRST_ERROR_STATUS:
                error, message = ErrorKind.OK, ""
            else:
                error, message = check_status(fields.status)
        else:
            error, message = checker.evaluate(fields.status, self.body, bytes_in, fields.encoding)
        if error:
            self.failed(error, message, now)
            return
        owner.in_flight -= 1
        owner.record(
            self.seq,
            self.intended,
            self.sent,
            self.first,
            now,
            bytes_in,
            fields.status,
            self.endpoint,
            error,
            self.flags,
            self.connection.number,
        )

    def failed(self, error: ErrorKind, message: str, now: int, code: int = 0) -> None:
        """The request failed; ``code`` is that of HTTP/2, if the service reset its stream."""
        del code
        self.owner.in_flight -= 1
        self.owner.recording.finish(self.outcome(error, message, now))

    def fail_late(self, now: int) -> None:
        """The response is complete, but came after the timeout.

        The sweep finds a request only some time after its timeout has passed.
        """
        took, limit = format_ns(now - self.sent), format_ns(self.time_limit_ns)
        message = f"the response was complete after {took}, the limit is {limit}"
        self.failed(ErrorKind.TIMEOUT, message, now)

    def outcome(self, error: ErrorKind, message: str, now: int) -> Outcome:
        """What is recorded of it, with the part of its response that an example shows."""
        return Outcome(
            self.seq,
            self.intended,
            self.sent,
            self.first,
            now,
            self.bytes_in,
            self.status,
            self.endpoint,
            error,
            self.flags,
            self.connection.number,
            message,
            partial(_excerpt, self),
        )

    def cancel(self, code: ErrorCode = ErrorCode.CANCEL) -> None:
        """Tell the service that its response is not needed any more."""
        self.connection.cancel(self, code)

    def _wrong_length(self, fields: Fields) -> str:
        """What is wrong about the size of the body, if anything is."""
        bodyless = self.owner.head_only[self.endpoint] or fields.status in _WITHOUT_BODY
        if bodyless:
            what = "to HEAD" if self.owner.head_only[self.endpoint] else f"{fields.status}"
            return f"a response {what} has a body" if self.bytes_in else ""
        if fields.length < 0 or fields.length == self.bytes_in:
            return ""
        return f"the body has {self.bytes_in:,} bytes, its content length is {fields.length:,}"


def _excerpt(stream: Stream) -> Excerpt:
    fields = stream.fields
    if fields is None:
        return Excerpt()
    return Excerpt(fields.headers(), bytes((stream.body or b"")[:BODY_BYTES]), stream.bytes_in)
