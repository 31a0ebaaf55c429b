"""What of which file has been read, kept in the store itself.

Before the rows of a block go in, the block is noted as begun; after, as finished. A block that was
begun and not finished is the first thing read next time, over exactly the same bytes: its
deduplication tokens are then the same, and rows that did get in are not stored again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchlab.telemetry.client import Client
from benchlab.telemetry.files import Block

__all__ = ["DURABLE", "Position", "begin", "finish", "position", "record_errors"]

DURABLE = {"async_insert": 0, "wait_end_of_query": 1}
"""Settings of every insert: acknowledged means written. Servers buffer by default since 26.x."""

_BEGUN, _FINISHED = 1, 2
_HEAD_BYTES = 500

_BLOCK_COLUMNS = {
    "file_id": "String",
    "start_offset": "UInt64",
    "end_offset": "UInt64",
    "state": "UInt8",
    "path": "String",
    "line_count": "UInt64",
    "span_count": "UInt64",
    "metric_point_count": "UInt64",
    "error_count": "UInt64",
}


@dataclass(frozen=True, slots=True)
class Position:
    """Where to read on in a file; ``unfinished_end`` when a block from there was begun before."""

    offset: int
    unfinished_end: int | None = None


def position(client: Client, file_id: str) -> Position:
    """Where reading of this file stopped."""
    rows = client.query(
        """
        SELECT start_offset, argMax(end_offset, state), max(state) AS reached
        FROM ingest_blocks WHERE file_id = {file_id:String}
        GROUP BY start_offset ORDER BY start_offset DESC LIMIT 1
        """,
        {"file_id": file_id},
    ).result_rows
    if not rows:
        return Position(0)
    start, end, reached = (int(value) for value in rows[0])
    return Position(end) if reached == _FINISHED else Position(start, end)


def begin(client: Client, file_id: str, path: Path, block: Block) -> None:
    """Note that the rows of this block are about to be inserted."""
    _note(client, file_id, path, block, _BEGUN, (0, 0, 0, 0))


def finish(
    client: Client, file_id: str, path: Path, block: Block, counts: tuple[int, int, int, int]
) -> None:
    """Note that they are in. ``counts``: lines, spans, metric points, errors."""
    _note(client, file_id, path, block, _FINISHED, counts)


def record_errors(
    client: Client, file_id: str, path: Path, block: Block, faults: dict[int, str]
) -> None:
    """Keep the lines at the offsets of ``faults``, with what is wrong with them."""
    if not faults:
        return
    heads = {offset: line[:_HEAD_BYTES] for offset, line in block.lines() if offset in faults}
    client.insert(
        "ingest_errors",
        [
            [file_id, str(path), offset, reason, heads[offset].decode(errors="replace")]
            for offset, reason in sorted(faults.items())
        ],
        ["file_id", "path", "file_offset", "reason", "line_head"],
        settings={**DURABLE, "insert_deduplication_token": token(file_id, block, "ingest_errors")},
    )


def token(file_id: str, block: Block, table: str) -> str:
    """What makes inserting this block into this table a second time do nothing."""
    return f"{table}:{file_id}:{block.start}-{block.end}"


def _note(
    client: Client,
    file_id: str,
    path: Path,
    block: Block,
    state: int,
    counts: tuple[int, int, int, int],
) -> None:
    client.insert(
        "ingest_blocks",
        [[file_id, block.start, block.end, state, str(path), *counts]],
        list(_BLOCK_COLUMNS),
        column_type_names=list(_BLOCK_COLUMNS.values()),
        settings=DURABLE,
    )
