"""Insert rows and columns, each insert once.

The client's own ``insert`` imports pandas, which takes as much CPU time as the rest of saving a
short run. So the data is encoded here: few rows as JSON, columns as ClickHouse's Native format
(https://clickhouse.com/docs/interfaces/formats/Native).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from benchlab.inserts import once

if TYPE_CHECKING:
    import numpy as np
    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

__all__ = ["Column", "Lists", "insert_columns", "insert_rows", "moment"]


@dataclass(frozen=True, slots=True)
class Lists:
    """A column of lists of integers: the length of each, and the values of all in order.

    Length: the number of lists.
    """

    lengths: NDArray[np.integer[Any]]
    values: NDArray[np.integer[Any]]

    def __len__(self) -> int:
        return len(self.lengths)


Column: TypeAlias = "NDArray[np.integer[Any]] | Lists | str | tuple[str, int]"
"""Integers or lists of them; or what is the same in all rows: a text, or a type of 8 bytes and its
value."""

# Parallel parsing refuses a row above 10 MB, and the plan of a run may be longer.
_ANY_LENGTH = {"input_format_parallel_parsing": 0}


def insert_rows(client: Client, table: str, rows: Sequence[Mapping[str, Any]], token: str) -> None:
    """Insert rows of the same columns, unless an insert with this ``token`` was acknowledged.

    Values are those of JSON; moments are as `moment` writes them.
    """
    client.raw_insert(
        table,
        list(rows[0]),
        "\n".join(map(json.dumps, rows)).encode(),
        settings={**once(token), **_ANY_LENGTH},
        fmt="JSONEachRow",
    )


def moment(ns: int) -> str:
    """A moment as `insert_rows` takes it, for a column in UTC; ``ns`` is since 1970."""
    seconds, fraction = divmod(ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{fraction:09d}"


def insert_columns(client: Client, table: str, columns: Mapping[str, Column], token: str) -> None:
    """Insert columns of one length, unless an insert with this ``token`` was acknowledged.

    The store converts integers and text to the types of its columns.
    """
    (count,) = {len(column) for column in columns.values() if not isinstance(column, str | tuple)}
    parts = [_varint(len(columns)), _varint(count)]
    for name, column in columns.items():
        parts += [_text(name), *_typed(column, count)]
    block = b"".join(parts)
    compression = client.write_compression  # none where the engine is in this process
    if compression in ("lz4", "zstd"):
        from clickhouse_connect.driver.compression import get_compressor

        block = bytes(get_compressor(compression).compress_block(block))
    else:
        compression = None
    client.raw_insert(
        table, list(columns), block, settings=once(token), fmt="Native", compression=compression
    )


def _typed(column: Column, count: int) -> tuple[bytes, bytes]:
    """The type of a column and its values."""
    if isinstance(column, str):
        return _text("String"), _text(column) * count
    if isinstance(column, tuple):
        name, value = column
        return _text(name), value.to_bytes(8, "little", signed=True) * count
    if isinstance(column, Lists):
        return _lists(column)
    kind, data = _integers(column)
    return _text(kind), data


def _lists(column: Lists) -> tuple[bytes, bytes]:
    """The type of a column of lists, where each of them ends, and all values."""
    kind, data = _integers(column.values)
    ends = column.lengths.cumsum().astype("<u8")
    return _text(f"Array({kind})"), ends.tobytes() + data


def _integers(column: NDArray[np.integer[Any]]) -> tuple[str, bytes]:
    kind = "UInt" if column.dtype.kind == "u" else "Int"
    little = column.astype(column.dtype.newbyteorder("<"), copy=False)
    return f"{kind}{8 * column.dtype.itemsize}", little.tobytes()


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _varint(len(encoded)) + encoded


def _varint(number: int) -> bytes:
    """LEB128: seven bits per byte, the lowest first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
