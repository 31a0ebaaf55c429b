"""The response of a call, read in full: what came of it, and how the call ended.

Most calls need none: `benchlab.load.drivers.grpc.call` has the quick path.
"""

from __future__ import annotations

from collections.abc import Iterable

from benchlab.load.drivers.grpc.messages import MessageError, MessageReader
from benchlab.load.drivers.grpc.statuses import (
    NO_TRAILERS,
    content_fault,
    of_http_status,
    parse_status,
)
from benchlab.samples.records import ErrorKind

__all__ = ["CallResponse", "Fields", "fields_end"]

Fields = Iterable[tuple[str, str]]
"""The names and values of a header block; names are lower case."""

_HTTP_OK = 200


def fields_end(fields: Fields) -> tuple[ErrorKind, str] | None:
    """How trailers say that the call ended; None without grpc-status."""
    status: str | None = None
    message = ""
    for name, value in fields:
        if name == "grpc-status":
            status = value
        elif name == "grpc-message":
            message = value
    return None if status is None else parse_status(status, message)


class CallResponse:
    """The response of one call: give it what comes, then ask for its `end`.

    ``fields`` has the headers and then the trailers. ``reader`` has the messages. With
    ``streams`` there may be any number of them, otherwise a call that succeeds has exactly one.
    """

    __slots__ = ("_end", "_fault", "_head_fault", "_streams", "_trailed", "encoding", "fields",
                 "reader", "status")  # fmt: skip

    def __init__(self, *, streams: bool, keep_bytes: int = 0) -> None:
        self._streams = streams
        self.status = 0
        self.encoding = ""
        self.fields: list[tuple[str, str]] = []
        self.reader = MessageReader(keep_bytes)
        self._head_fault = self._fault = ""
        self._end: tuple[ErrorKind, str] | None = None
        self._trailed = False

    def headers(self, fields: Fields) -> None:
        """Read the response's headers, which are its trailers too if nothing follows them."""
        found = list(fields)
        self.fields += found
        values = dict(found)
        status = values.get(":status", "")
        self.status = int(status) if status.isascii() and status.isdigit() else 0
        self.encoding = values.get("grpc-encoding", "")
        self._head_fault = content_fault(values.get("content-type"))
        if self.status != _HTTP_OK:
            self._head_fault = f"the HTTP status is {self.status}"
        self._end = fields_end(found)

    def data(self, data: bytes) -> list[int]:
        """Read DATA; returns the lengths of messages that are complete.

        A page of HTML is no message, and after a fault there are none.
        """
        if self._head_fault or self._fault:
            return []
        try:
            done = self.reader.feed(data)
        except MessageError as exc:
            self._fault = str(exc)
            return []
        if self.reader.any_compressed and self.encoding in ("", "identity"):
            self._fault = "a message is compressed, and grpc-encoding does not say how"
        elif self.reader.count > 1 and not self._streams:
            self._fault = "the response has more than one message"
        return done

    def trailers(self, fields: Fields) -> None:
        """Read the trailers."""
        found = list(fields)
        self.fields += found
        self._trailed = True
        self._end = fields_end(found) or self._end

    @property
    def is_broken(self) -> bool:
        """True if no more can come of it: its messages cannot be told apart, or are too many."""
        return bool(self._fault)

    def end(self) -> tuple[ErrorKind, str]:
        """How the call ended, and why; ``(OK, "")`` if its status and messages are as they must be.

        A status that is an error is the service's word, whatever else is wrong.
        """
        if self._end is not None and self._end[0]:
            return self._end
        if self._head_fault:
            return of_http_status(self.status), self._head_fault
        if self._fault:
            return ErrorKind.GRPC_INTERNAL, self._fault
        if self._end is None:
            if not self._trailed:
                return NO_TRAILERS
            return ErrorKind.GRPC_UNKNOWN, "the trailers have no grpc-status"
        if why := self.reader.describe_end():
            return ErrorKind.GRPC_INTERNAL, why
        if not self.reader.count and not self._streams:
            return ErrorKind.GRPC_INTERNAL, "the status is OK and the response has no message"
        return ErrorKind.OK, ""
