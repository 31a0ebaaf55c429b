"""The messages of a call: each has five bytes before it, wherever DATA frames begin and end.

Source: gRPC over HTTP/2, "Length-Prefixed-Message".
"""

from __future__ import annotations

import zlib

from benchlab.errors import InputError

__all__ = ["CODINGS", "PREFIX_BYTES", "MessageError", "MessageReader", "compress", "frame"]

PREFIX_BYTES = 5
CODINGS = ("gzip", "deflate")
"""The compressions that a plan may ask for, and that checks and examples can read."""

_GZIP_BITS = 31  # zlib's window bits for the gzip format


class MessageError(Exception):
    """The messages of a response are not framed as gRPC says."""


def frame(message: bytes, *, compressed: bool = False) -> bytes:
    """A message with its prefix.

    >>> frame(b"abc")
    b'\\x00\\x00\\x00\\x00\\x03abc'
    """
    return bytes((compressed,)) + len(message).to_bytes(4) + message


def compress(message: bytes, coding: str) -> bytes:
    """Compress a message with one of the `CODINGS`; equal messages give equal bytes.

    Raises:
        InputError: there is no such coding.
    """
    if coding not in CODINGS:
        raise InputError(
            f"must be one of {', '.join(CODINGS)}, or empty", field="compression", value=coding
        )
    stream = zlib.compressobj(wbits=_GZIP_BITS if coding == "gzip" else zlib.MAX_WBITS)
    return stream.compress(message) + stream.flush()


class MessageReader:
    """Splits the DATA of a response into messages, and counts them.

    ``any_compressed`` is set by a message with the compressed flag. Of each message that begins
    while there is room, ``kept`` has the flag and the bytes; together they have at most
    ``keep_bytes``, so the last one may be cut off.
    """

    __slots__ = (
        "_length",
        "_missing",
        "_prefix",
        "_room",
        "any_compressed",
        "count",
        "kept",
    )

    def __init__(self, keep_bytes: int = 0) -> None:
        self.count = 0
        self.any_compressed = False
        self.kept: list[tuple[bool, bytearray]] = []
        self._room = keep_bytes
        self._prefix = b""
        self._length = self._missing = -1  # between two messages

    @property
    def is_whole(self) -> bool:
        """True between two messages: the DATA may end here."""
        return self._missing < 0 and not self._prefix

    def describe_end(self) -> str:
        """What is wrong with DATA that ends here; empty if it `is_whole`."""
        if self._missing >= 0:
            got = self._length - self._missing
            return f"the response ends after {got:,} of a message's {self._length:,} bytes"
        if self._prefix:
            return f"the response ends after {len(self._prefix)} of the 5 bytes before a message"
        return ""

    def feed(self, data: bytes) -> list[int]:
        """Read the next bytes; returns the length of each message that they complete.

        Raises:
            MessageError: a prefix is not valid.
        """
        done: list[int] = []
        at, end = 0, len(data)
        while at < end:
            if self._missing < 0:
                part = data[at : at + PREFIX_BYTES - len(self._prefix)]
                at += len(part)
                self._prefix += part
                if len(self._prefix) < PREFIX_BYTES:
                    break
                self._begin()
            taken = data[at : at + self._missing]
            at += len(taken)
            self._missing -= len(taken)
            if self._room and taken:
                self.kept[-1][1].extend(taken[: self._room])
                self._room -= min(self._room, len(taken))
            if not self._missing:
                self.count += 1
                done.append(self._length)
                self._missing = -1
        return done

    def _begin(self) -> None:
        flag = self._prefix[0]
        if flag > 1:
            raise MessageError(f"the compressed flag of a message is {flag}, not 0 or 1")
        self.any_compressed |= bool(flag)
        self._length = self._missing = int.from_bytes(self._prefix[1:])
        self._prefix = b""
        if self._room:
            self.kept.append((bool(flag), bytearray()))
