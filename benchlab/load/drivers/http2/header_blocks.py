"""Header blocks: those of requests encoded as literals, those of responses remembered by bytes.

The driver sets SETTINGS_HEADER_TABLE_SIZE to 0, so a block refers to nothing outside itself (RFC
7541): the same bytes always mean the same. Most responses of a service have the same block except
for a date that changes once per second, so a block is decoded and checked once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from hpack import Decoder, HPACKError, OversizedHeaderListError

from benchlab.load.drivers.headers import ServerNames
from benchlab.load.drivers.http2.frames import ErrorCode, Http2Error, StreamError

__all__ = ["EMPTY_TABLE", "MAX_BLOCK_BYTES", "Fields", "HeaderBlocks", "encode_block"]

MAX_BLOCK_BYTES = 256 * 1024
"""Maximum size of a header block, encoded or not: an endless one must not fill the memory."""

EMPTY_TABLE = b"\x20"
"""The start of the first block of a connection: its encoder uses no dynamic table, which a service
that allows less than the usual one requires to be said (RFC 7541, section 4.2)."""

_MOST_BLOCKS = 512
_MOST_BYTES = 8192  # of a block that is remembered
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_FORBIDDEN = re.compile(rb"[\0\r\n]")
_DIGITS = re.compile(rb"[0-9]{1,19}")
_STATUS = re.compile(rb"[1-9][0-9][0-9]")
_OF_CONNECTIONS = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade")
)
_ENCODING = b"content-encoding"
_SWITCHING = 101
_INDEXED = {
    (b":method", b"GET"): b"\x82",
    (b":method", b"POST"): b"\x83",
    (b":path", b"/"): b"\x84",
    (b":scheme", b"http"): b"\x86",
    (b":scheme", b"https"): b"\x87",
}
"""The fields of the static table (RFC 7541, appendix A) that almost every request has."""


class Fields:
    """A decoded header block: of a final response, of an interim one, or trailers (status 0).

    ``length`` is the content length, -1 if there is none; ``encoding`` the codings of the body.
    ``is_good`` is for a driver that needs to look at further fields, to remember that they are.
    """

    __slots__ = ("encoding", "is_good", "length", "pairs", "status")

    def __init__(
        self, status: int, pairs: list[tuple[bytes, bytes]], length: int, encoding: str
    ) -> None:
        self.status = status
        self.pairs = pairs
        self.length = length
        self.encoding = encoding
        self.is_good = False

    @property
    def is_interim(self) -> bool:
        """Whether the final response follows."""
        return 100 <= self.status < 200

    def get(self, name: bytes) -> bytes | None:
        """The first value of the field ``name``, in lower case."""
        return next((value for key, value in self.pairs if key == name), None)

    def headers(self) -> list[tuple[str, str]]:
        """The fields as text, without the status."""
        return [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in self.pairs
            if not name.startswith(b":")
        ]


class HeaderBlocks:
    """Decodes the header blocks of responses. ``known`` are final ones and trailers by bytes."""

    __slots__ = ("_servers", "known")

    def __init__(self, servers: ServerNames | None = None) -> None:
        """``servers`` notes the server name in every new block."""
        self._servers = servers or ServerNames()
        self.known: dict[bytes, Fields] = {}

    def read(self, block: bytes) -> Fields:
        """Decode and check ``block``.

        Raises:
            Http2Error: it cannot be decoded, so the connection has no common state any more.
            StreamError: it is not what a response may have (RFC 9113, section 8).
        """
        fields = self.known.get(block)
        if fields is not None:
            return fields
        fields = _checked(_decode(block))
        if self._servers is not None:
            name = fields.get(b"server")
            self._servers.note(None if name is None else name.decode("latin-1"))
        if not fields.is_interim and len(block) <= _MOST_BYTES:
            if len(self.known) >= _MOST_BLOCKS:
                self.known.clear()
            self.known[block] = fields
        return fields


def encode_block(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Encode ``fields`` without reference to anything but the static table."""
    return b"".join(
        _INDEXED.get((name, value)) or b"\0" + _string(name) + _string(value)
        for name, value in fields
    )


def _string(text: bytes) -> bytes:
    """A string literal, not compressed (RFC 7541, section 5.2)."""
    size = len(text)
    if size < 127:
        return bytes((size,)) + text
    prefix, size = bytearray((127,)), size - 127
    while size >= 128:
        prefix.append(size & 0x7F | 0x80)
        size >>= 7
    prefix.append(size)
    return bytes(prefix) + text


def _decode(block: bytes) -> list[tuple[bytes, bytes]]:
    decoder = Decoder(max_header_list_size=MAX_BLOCK_BYTES)
    decoder.header_table_size = decoder.max_allowed_table_size = 0
    try:
        return [(bytes(name), bytes(value)) for name, value in decoder.decode(block, raw=True)]
    except OversizedHeaderListError as exc:
        raise StreamError(
            f"the header fields have more than {MAX_BLOCK_BYTES:,} bytes",
            ErrorCode.ENHANCE_YOUR_CALM,
        ) from exc
    except (HPACKError, IndexError) as exc:
        reason = str(exc) or type(exc).__name__
        raise Http2Error(
            f"a header block cannot be decoded ({reason})", ErrorCode.COMPRESSION_ERROR
        ) from exc


def _checked(pairs: list[tuple[bytes, bytes]]) -> Fields:
    """The fields of a block, once they are what a response may have (RFC 9113, section 8)."""
    status = 0
    if pairs and pairs[0][0] == b":status":
        if not _STATUS.fullmatch(pairs[0][1]):
            raise StreamError(f"the status is {_shown(pairs[0][1])}")
        status = int(pairs[0][1])
    regular = pairs[1:] if status else pairs
    for name, value in regular:
        _check_field(name, value)
    if status == _SWITCHING:
        raise StreamError("the status is 101, which HTTP/2 forbids")
    lengths = {value for name, value in regular if name == b"content-length"}
    if len(lengths) > 1 or not all(map(_DIGITS.fullmatch, lengths)):
        shown = " and ".join(sorted(map(_shown, lengths)))
        raise StreamError(f"the content length is {shown}")
    encodings = (value.decode("latin-1") for name, value in regular if name == _ENCODING)
    return Fields(status, pairs, int(lengths.pop()) if lengths else -1, ", ".join(encodings))


def _check_field(name: bytes, value: bytes) -> None:
    if name == b":status":
        raise StreamError("the field :status is not the first, or not the only one")
    if not _NAME.fullmatch(name) or name in _OF_CONNECTIONS:
        raise StreamError(f"the response has a field {_shown(name)}, which HTTP/2 forbids")
    if _FORBIDDEN.search(value) or value != value.strip(b" \t"):
        raise StreamError(f"the field {_shown(name)} has a value that HTTP/2 forbids")


def _shown(text: bytes) -> str:
    return repr(text[:100].decode("latin-1"))
