"""Bounds of what a compressed file may unpack to, checked before Arrow unpacks it.

A block of an export has at most `BLOCK_RECORDS` rows; other programs that rewrite one make larger
blocks, but none of gigabytes. Arrow itself believes the lengths that a file claims.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from benchlab.errors import DamagedError

__all__ = ["bounded_batches", "check_count", "check_parquet"]

_MOST_BYTES = 256 << 20  # of a column chunk of a Parquet file, or of a batch of an Arrow file
_MOST_REPEATED = 1_000_000  # requests in a file of any size
_HEADER = 2  # numbers of fields in Arrow's tables Message and RecordBatch
_BUFFERS, _COMPRESSION = 2, 3
_UNCOMPRESSED = -1


def check_count(count: int, size: int, where: str) -> None:
    """Refuse a file of ``size`` bytes for a run of ``count`` requests that it cannot hold.

    A column in which one value is repeated takes next to nothing however long it is, but measured
    times differ: a request takes a byte at least.

    Raises:
        DamagedError: there are too many.
    """
    if count > max(size, _MOST_REPEATED):
        raise DamagedError(
            f"it has {size:,} bytes and announces {count:,} requests, more than it can hold",
            where=where,
        )


def check_parquet(metadata: Any, where: str) -> None:
    """Refuse a Parquet file whose ``metadata`` announce more than could be held.

    Raises:
        DamagedError: a column of a row group is larger.
    """
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for column in range(group.num_columns):
            _check(group.column(column).total_uncompressed_size, f"row group {number}", where)


def bounded_batches(source: Any, where: str) -> Iterator[Any]:
    """The record batches of an open Arrow file, each only if it unpacks to what could be held.

    Raises:
        DamagedError: one is larger, or its header cannot be read.
    """
    import pyarrow as pa

    file = pa.ipc.open_file(source)
    source.seek(8)  # the magic number with its padding; after it, messages follow each other
    messages = pa.ipc.MessageReader.open_stream(source)
    count = 0
    for message in messages:
        if message.type == "schema":
            continue
        if message.type != "record batch":
            raise DamagedError(f"it has a message of the type {message.type}", where=where)
        try:
            size = _unpacked_bytes(message.metadata, message.body)
        except struct.error as exc:
            raise DamagedError("a batch has a damaged header", where=where) from exc
        _check(size, f"batch {count}", where)
        yield pa.ipc.read_record_batch(message, file.schema)
        count += 1
        if count == file.num_record_batches:
            return


def _check(size: int, part: str, where: str) -> None:
    if not 0 <= size <= _MOST_BYTES:
        raise DamagedError(
            f"{part} unpacks to {size:,} bytes, and at most {_MOST_BYTES:,} are read", where=where
        )


def _unpacked_bytes(header: Any, body: Any) -> int:
    """The size of a record batch once unpacked, by its header: a flatbuffer (Message.fbs)."""
    data = memoryview(header)
    (root,) = struct.unpack_from("<I", data)
    batch = _follow(data, _field(data, root, _HEADER))
    if not _field(data, batch, _COMPRESSION):
        return len(memoryview(body))
    vector = _follow(data, _field(data, batch, _BUFFERS))
    (count,) = struct.unpack_from("<I", data, vector)
    total, packed = 0, memoryview(body)
    for index in range(count):
        offset, length = struct.unpack_from("<qq", data, vector + 4 + 16 * index)
        if length <= 0 or offset < 0:
            continue
        (unpacked,) = struct.unpack_from("<q", packed, offset)
        total += length if unpacked == _UNCOMPRESSED else abs(unpacked)
    return total


def _field(data: memoryview, table: int, number: int) -> int:
    """The place of a field of the table at ``table``; 0 if the table does not have it."""
    (back,) = struct.unpack_from("<i", data, table)
    vtable = table - back
    (length,) = struct.unpack_from("<H", data, vtable)
    if length < 6 + 2 * number:
        return 0
    (place,) = struct.unpack_from("<H", data, vtable + 4 + 2 * number)
    return table + int(place) if place else 0


def _follow(data: memoryview, place: int) -> int:
    (offset,) = struct.unpack_from("<I", data, place)
    return place + int(offset)
