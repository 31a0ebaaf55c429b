"""Bodies of responses, and the chunks that some are sent in (RFC 9112, section 7.1)."""

from __future__ import annotations

import functools
import re

from benchlab.load.drivers.checking import check_status
from benchlab.load.drivers.wire.head import Head, ProtocolError, Section, check_lines
from benchlab.samples.examples import BODY_BYTES

__all__ = ["Body", "ChunkReader"]

_MAX_LINE_BYTES = 16 * 1024
"""Maximum length of a chunk's size with its extensions, which are ignored."""

_EXTENSIONS = rb"[ \t]*+(?:;[^\0\r\n]*+)?"
# Unlike lines of the head these end with CRLF only. White space after the size is not in the
# grammar, but some servers pad the size with it, and every client takes it.
_SIZE_LINE = re.compile(rb"0*([0-9a-fA-F]{1,16})%b\r\n" % _EXTENSIONS)
_SIZE_SO_FAR = re.compile(rb"[0-9a-fA-F]*%b\r?" % _EXTENSIONS)
_LAST_CHUNK = re.compile(rb"0+%b\r\n" % _EXTENSIONS)
_CRLF = b"\r\n"
_DATA_ENDED = -1


class Body:
    """A body that is counted; its ``start`` is stored, while there is ``room`` for it."""

    __slots__ = ("room", "size", "start")

    def __init__(self, room: int) -> None:
        self.room = room
        self.size = 0
        self.start = bytearray()

    def begin(self, head: Head) -> None:
        """The body follows ``head``; an example shows the start of that of a failure."""
        if check_status(head.status)[0]:
            self.room = max(self.room, BODY_BYTES)

    def add(self, data: bytes, start: int, end: int) -> None:
        """Add a part of ``data``."""
        self.size += end - start
        if self.room > 0:
            part = data[start : min(end, start + self.room)]
            self.room -= len(part)
            self.start += part

    def add_end(self, data: bytes, start: int, end: int) -> None:
        """Add the last part of a chunk."""
        self.add(data, start, end)


class ChunkReader:
    """Reads a chunked body, fed in pieces of any size. Trailers are checked and dropped."""

    __slots__ = ("_body", "_held", "_left", "_trailers")

    def __init__(self, body: Body) -> None:
        self._body = body
        self._held = b""
        self._left = 0
        self._trailers: Section | None = None

    def feed(self, data: bytes, at: int) -> int | None:
        """Read ``data`` from offset ``at``; returns how many bytes follow the body once it ended.

        Raises:
            ProtocolError: the bytes are not chunks.
        """
        if self._trailers is not None:
            return self._read_trailers(data, at)
        if self._held:
            data, at, self._held = self._held + data[at:], 0, b""
        size, left, body = len(data), self._left, self._body
        while True:
            if left > 0:
                end = at + left
                if end > size:
                    body.add(data, at, size)
                    self._left = end - size
                    return None
                if body.room:
                    body.add_end(data, at, end)
                else:
                    body.size += left
                at, left = end, _DATA_ENDED
            if left == _DATA_ENDED:
                if not data.startswith(_CRLF, at):
                    self._left = left
                    self._hold_line_end(data[at:])
                    return None
                at += 2
            stop = data.find(b"\n", at) + 1
            if not stop:
                self._left = 0
                self._hold_size(data[at:])
                return None
            left = _size_of(data[at:stop])
            if not left:
                if data.startswith(_CRLF, stop):
                    return size - stop - 2
                self._trailers = Section(_LAST_CHUNK)
                return self._read_trailers(data, at)
            at = stop

    def _hold_line_end(self, rest: bytes) -> None:
        if not _CRLF.startswith(rest):
            raise ProtocolError("a chunk's data does not have the chunk's size")
        self._held = rest

    def _hold_size(self, rest: bytes) -> None:
        if len(rest) > _MAX_LINE_BYTES:
            raise ProtocolError("a chunk's extensions are too long")
        if not _SIZE_SO_FAR.fullmatch(rest):
            raise ProtocolError(f"invalid chunk size {rest[:20]!r}")
        self._held = rest

    def _read_trailers(self, data: bytes, at: int) -> int | None:
        assert self._trailers is not None
        end = self._trailers.feed(data, at)
        if end is None:
            return None
        check_lines(self._trailers.raw, _LAST_CHUNK)
        return len(data) - end


@functools.lru_cache(maxsize=128)  # most chunks have one of a few sizes
def _size_of(line: bytes) -> int:
    found = _SIZE_LINE.fullmatch(line)
    if found is None:
        raise ProtocolError(f"invalid chunk size {line[:20]!r}")
    if len(line) > _MAX_LINE_BYTES:
        raise ProtocolError("a chunk's extensions are too long")
    return int(found[1], 16)
