"""The response of a call, read in full: what came of it, and how the call ended.

Most calls need none: `benchlab.load.drivers.grpc.call` has the quick path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from benchlab.load.drivers.checking import decompress
from benchlab.load.drivers.grpc.messages import MessageError, MessageReader
from benchlab.load.drivers.grpc.statuses import (
    NO_MESSAGE,
    NO_STATUS,
    NO_TRAILERS,
    End,
    content_fault,
    end_of_trailers,
    of_http_status,
)
from benchlab.load.recording.stream_meter import StreamMeter
from benchlab.samples.records import ErrorKind

__all__ = ["CallResponse"]

_HTTP_OK = 200


class CallResponse:
    """The response of one call: give it what comes, then ask for its `end`.

    With ``streams`` it may have any number of messages, otherwise a call that succeeds has exactly
    one. Their first ``keep_bytes`` are kept. ``has_message``: one came before this was made.
    ``meter`` and ``timer`` are there to measure, and to end, a stream.
    """

    __slots__ = ("_end", "_fault", "_head_fault", "_reader", "_status", "_streams", "_trailed",
                 "encoding", "meter", "timer")  # fmt: skip

    def __init__(self, *, streams: bool, keep_bytes: int = 0, has_message: bool = False) -> None:
        self._streams = streams
        self._reader = MessageReader(keep_bytes)
        self._reader.count = int(has_message)
        self._status = 0
        self._head_fault = self._fault = ""
        self._end: End | None = None
        self._trailed = False
        self.encoding = ""
        self.meter: StreamMeter | None = None
        self.timer: asyncio.TimerHandle | None = None

    def headers(self, status: int, fields: Sequence[tuple[str, str]]) -> None:
        """Read the response's headers, which are its trailers too if nothing follows them."""
        self._status = status
        values = dict(fields)
        self.encoding = values.get("grpc-encoding", "")
        self._head_fault = content_fault(values.get("content-type"))
        if status != _HTTP_OK:
            self._head_fault = f"the HTTP status is {status}"
        self._end = end_of_trailers(fields)

    def data(self, data: bytes) -> list[int]:
        """Read DATA; returns the lengths of the messages that it completes.

        A page of HTML is no message, and after a fault there are none.
        """
        if self._head_fault or self._fault:
            return []
        reader = self._reader
        try:
            done = reader.feed(data)
        except MessageError as exc:
            self._fault = str(exc)
            return []
        if reader.any_compressed and self.encoding in ("", "identity"):
            self._fault = "a message is compressed, and grpc-encoding does not say how"
        elif reader.count > 1 and not self._streams:
            self._fault = "the response has more than one message"
        return done

    def trailers(self, end: End | None) -> None:
        """Take what the trailers say of the end; None if they say nothing."""
        self._trailed = True
        self._end = end or self._end

    @property
    def is_broken(self) -> bool:
        """True if no more can come of it: its messages cannot be told apart, or are too many."""
        return bool(self._fault)

    def end(self) -> End:
        """How the call ended, and why; ``(OK, "")`` if its status and messages are as they must be.

        A status that is an error is the service's word, whatever else is wrong.
        """
        if self._end is not None and self._end[0]:
            return self._end
        if self._head_fault:
            return of_http_status(self._status), self._head_fault
        if self._fault:
            return ErrorKind.GRPC_INTERNAL, self._fault
        if self._end is None:
            return NO_STATUS if self._trailed else NO_TRAILERS
        if why := self._reader.describe_end():
            return ErrorKind.GRPC_INTERNAL, why
        if not self._reader.count and not self._streams:
            return NO_MESSAGE
        return ErrorKind.OK, ""

    def messages(self) -> tuple[list[bytes], str]:
        """The messages that were kept, decompressed; and why that is not possible, or nothing."""
        found: list[bytes] = []
        for is_compressed, kept in self._reader.kept:
            message, why = bytes(kept), ""
            if is_compressed:
                message, why = decompress(message, self.encoding)
            if why:
                return found, why
            found.append(message)
        return found, ""
