"""Read HTTP/1.1 responses (RFC 9112)."""

from __future__ import annotations

from benchlab.load.drivers.wire.chunks import Body, ChunkReader
from benchlab.load.drivers.wire.head import (
    MAX_SECTION_BYTES,
    OPENING,
    STATUS_LINE,
    Head,
    ProtocolError,
    Section,
    parse_head,
)

__all__ = ["Response"]

_SWITCHING = 101


class Response:
    """One response, fed in pieces of any size. Its body is counted; only the start is stored.

    ``head`` is the final head, after interim responses. `body` has the first ``body_limit`` bytes;
    for a status of 400 or above, at least as many as an example shows. A body whose end is not
    marked ends with the connection, and `end` completes the response.
    """

    __slots__ = (
        "_body",
        "_chunks",
        "_closing",
        "_head_only",
        "_interim_bytes",
        "_left",
        "_section",
        "complete",
        "head",
        "reusable",
        "status",
    )

    def __init__(
        self,
        *,
        head_only: bool = False,
        body_limit: int = 0,
        head: Head | None = None,
        body: Body | None = None,
    ) -> None:
        """``head_only``: the request is HEAD. ``head`` is the final head, if it is known.

        ``body`` takes the body, by default one that stores the first ``body_limit`` bytes.
        """
        self._head_only = head_only
        self._body = Body(body_limit) if body is None else body
        self._chunks: ChunkReader | None = None
        self._left: int | None = None
        self._section: Section | None = None
        self._interim_bytes = 0
        self._closing = False
        self.head: Head | None = None
        self.status = 0
        self.complete = False
        self.reusable = False
        if head is not None:
            self._begin_body(head)

    @property
    def body(self) -> bytearray:
        """The stored part of the body, as transferred."""
        return self._body.start

    @property
    def body_bytes(self) -> int:
        """Number of bytes of the body so far."""
        return self._body.size

    @property
    def encoding(self) -> str:
        """The codings of the body, in the order applied."""
        return "" if self.head is None else self.head.encoding

    def headers(self) -> list[tuple[str, str]]:
        """The fields of the final head."""
        return [] if self.head is None else self.head.headers()

    def feed(self, data: bytes, at: int = 0) -> bool:
        """Read ``data`` from offset ``at``; True once the response is complete.

        Bytes after the end make the connection unusable, but the response is still valid.

        Raises:
            ProtocolError: the bytes are not an HTTP response.
        """
        surplus: int | None = len(data) - at
        if not self.complete:
            if self.head is None:
                end = self._read_heads(data, at)
                if end is None:
                    return False
                at = end
            surplus = self._read_body(data, at)
            if surplus is None:
                return False
            self.complete = True
        if surplus:
            self.reusable = False
        return True

    def end(self) -> bool:
        """Note the end of the connection; True if it completes the response."""
        until_close = self._left is None and self._chunks is None
        return self.complete or (self.head is not None and until_close)

    def _read_heads(self, data: bytes, at: int) -> int | None:
        """Read interim heads and the final one; returns the offset after it once it came."""
        while True:
            if self._section is None:
                limit = MAX_SECTION_BYTES - self._interim_bytes
                self._section = Section(STATUS_LINE, OPENING, limit)
            end = self._section.feed(data, at)
            if end is None:
                return None
            at = end
            head = parse_head(self._section.raw, head_only=self._head_only)
            self._interim_bytes += self._section.size
            self._section = None
            if not head.interim:
                self._begin_body(head)
                return at
            # After ``close`` in an interim response the connection ends with the final one
            # (section 9.6).
            self._closing |= head.closes

    def _begin_body(self, head: Head) -> None:
        self.head = head
        self.status = head.status
        if head.status == _SWITCHING:
            raise ProtocolError("the server switched to another protocol")
        self.reusable = head.reusable and not self._closing
        self._body.begin(head)
        if head.chunked:
            self._chunks = ChunkReader(self._body)
        else:
            self._left = head.length

    def _read_body(self, data: bytes, at: int) -> int | None:
        """Read a part of the body; returns how many bytes follow the body once it ended."""
        if self._chunks is not None:
            return self._chunks.feed(data, at)
        if self._left is None:
            self._body.add(data, at, len(data))
            return None
        end = at + self._left
        taken = min(end, len(data))
        self._body.add(data, at, taken)
        self._left = end - taken
        return None if self._left else len(data) - taken
