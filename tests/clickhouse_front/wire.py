"""Bytes on the wire: compressed bodies of both kinds, and Native blocks of newer clients."""

from __future__ import annotations

import gzip
import struct
import sys
import zlib
from collections.abc import Callable
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["ENCODINGS", "compressor", "decompress", "native_block", "pack_blocks", "unpack_blocks"]

ENCODINGS = ("lz4", "zstd", "gzip", "deflate")
"""Content encodings, the server's favourite first."""

_CHECKSUM = 16
_HEADER = struct.Struct("<BII")  # method, size with this header, size of the data
_LZ4, _ZSTD = 0x82, 0x90
_MOST = 1 << 20

_WITH_CUSTOM_SERIALIZATION = 54454
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"  # not overflowing, no bucket, end


def decompress(data: bytes, encoding: str) -> bytes:
    """A request's body as it was before ``Content-Encoding``."""
    import lz4.frame

    if encoding == "lz4":
        # The client may send several frames, one per block.
        out = bytearray()
        while data:
            frame = lz4.frame.LZ4FrameDecompressor()
            out += frame.decompress(data)
            data = frame.unused_data or b""
        return bytes(out)
    if encoding == "zstd":
        return bytes(zstd.decompress(data))
    return gzip.decompress(data) if encoding == "gzip" else zlib.decompress(data)


def compressor(encoding: str) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    """Functions that compress a piece of a response, and that end it."""
    import lz4.frame

    if encoding == "lz4":
        frame = lz4.frame.LZ4FrameCompressor()
        begun: list[bytes] = [frame.begin()]

        def compress(piece: bytes) -> bytes:
            return (begun.pop() if begun else b"") + bytes(frame.compress(piece))

        return compress, lambda: (begun.pop() if begun else b"") + bytes(frame.flush())
    if encoding == "zstd":
        stream = zstd.ZstdCompressor()
        return stream.compress, stream.flush
    deflate = zlib.compressobj(wbits=31 if encoding == "gzip" else 15)
    return deflate.compress, deflate.flush


def unpack_blocks(data: bytes) -> bytes:
    """A body in ClickHouse's own compressed blocks (``decompress=1``); checksums are not read."""
    import lz4.block

    out, at = bytearray(), 0
    while at < len(data):
        method, size, whole = _HEADER.unpack_from(data, at + _CHECKSUM)
        packed = data[at + _CHECKSUM + _HEADER.size : at + _CHECKSUM + size]
        if method == _LZ4:
            out += lz4.block.decompress(packed, uncompressed_size=whole)
        else:
            out += zstd.decompress(packed) if method == _ZSTD else packed
        at += _CHECKSUM + size
    return bytes(out)


def pack_blocks(data: bytes) -> bytes:
    """A response in ClickHouse's own compressed blocks (``compress=1``)."""
    import lz4.block
    from clickhouse_cityhash.cityhash import CityHash128

    out = bytearray()
    for start in range(0, len(data), _MOST):
        piece = data[start : start + _MOST]
        packed = lz4.block.compress(piece, store_size=False)
        block = _HEADER.pack(_LZ4, len(packed) + _HEADER.size, len(piece)) + packed
        checksum = CityHash128(block)
        out += struct.pack("<QQ", checksum >> 64, checksum & (1 << 64) - 1) + block
    return bytes(out)


def native_block(block: bytes, revision: int) -> bytes:
    """A Native block of the engine, as a client of this protocol ``revision`` reads it."""
    if revision == 0:
        return block
    if revision < _WITH_CUSTOM_SERIALIZATION:
        return _BLOCK_INFO + block
    return _BLOCK_INFO + _with_serializations(block)


def _with_serializations(block: bytes) -> bytes:
    """With the byte after each column's type that says: in the ordinary serialization."""
    from clickhouse_connect.datatypes.registry import get_from_name
    from clickhouse_connect.driver.buffer import ResponseBuffer
    from clickhouse_connect.driver.query import QueryContext

    source = ResponseBuffer(_Source(block))
    columns, rows = source.read_leb128(), source.read_leb128()
    out = bytearray(block[: source.buf_loc])
    for _ in range(columns):
        start = source.buf_loc
        source.read_leb128_str()
        kind = get_from_name(source.read_leb128_str())
        out += block[start : source.buf_loc] + b"\0"
        start = source.buf_loc
        if rows:
            kind.read_column(source, rows, QueryContext())
        out += block[start : source.buf_loc]
    return bytes(out)


class _Source:
    """One block, as the client's buffer wants it."""

    last_message = None
    exception_tag = None

    def __init__(self, block: bytes) -> None:
        self.gen: Any = iter([block])

    def close(self) -> None:
        """Nothing to close."""
