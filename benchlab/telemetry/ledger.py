"""What of which file has been read, kept in the store itself.

Before the rows of a block go in, the block is noted as begun; after, as finished. A block that was
begun and not finished is the first thing read next time, over exactly the same bytes: its
deduplication tokens are then the same, and rows that did get in are not stored again. How a file
is found again is told in `places`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from benchlab.telemetry.client import Client
from benchlab.telemetry.files import Block

__all__ = [
    "DURABLE",
    "Noted",
    "begin",
    "ends",
    "finish",
    "noted_at",
    "record_errors",
    "token",
]

DURABLE = {"async_insert": 0, "wait_end_of_query": 1}
"""Settings of every insert: acknowledged means written. Servers buffer by default since 26.x."""

_BEGUN, _FINISHED = 1, 2
_HEAD_BYTES = 500

_BLOCK_COLUMNS = {
    "file_id": "String",
    "start_offset": "UInt64",
    "end_offset": "UInt64",
    "tail_hash": "String",
    "line_sums": "Array(UInt32)",
    "state": "UInt8",
    "path": "String",
    "line_count": "UInt64",
    "span_count": "UInt64",
    "metric_point_count": "UInt64",
    "error_count": "UInt64",
}

# Of a block that was begun and finished the note of the end counts.
_NOTED = """
    SELECT file_id, start_offset, argMax(end_offset, state), max(state) = 2,
        argMax(tail_hash, state), argMax(line_sums, state)
    FROM ingest_blocks
"""


@dataclass(frozen=True, slots=True)
class Noted:
    """A block as it was noted. ``tail_hash`` and ``line_sums`` are those of `files`."""

    file_id: str
    start: int
    end: int
    finished: bool
    tail_hash: str
    line_sums: Sequence[int]


def ends(client: Client, root: str) -> list[tuple[str, int, str]]:
    """How far the files with this beginning were read: id, offset and hash of the bytes before."""
    rows = client.query(
        """
        SELECT file_id, max(end_offset), argMax(tail_hash, end_offset)
        FROM ingest_blocks WHERE startsWith(file_id, {root:String}) AND state = 2
        GROUP BY file_id
        """,
        {"root": root},
    ).result_rows
    return [(str(file_id), int(end), str(tail)) for file_id, end, tail in rows]


def noted_at(client: Client, root: str, offset: int) -> list[Noted]:
    """The blocks that start at ``offset``, of all files with this beginning."""
    return _noted(
        client,
        "startsWith(file_id, {root:String}) AND start_offset = {offset:UInt64}",
        {"root": root, "offset": offset},
    )


def begin(client: Client, file_id: str, path: Path, block: Block, tail_hash: str) -> bool:
    """Note that the rows of this block are about to be inserted.

    Returns whether it is this block that is noted: another process may have been first to begin one
    there, and then all read what that one has.
    """
    note = _note(file_id, path, block, tail_hash, _BEGUN)
    _write(client, note, once=f"begin:{file_id}:{block.start}")
    stands = _noted(
        client,
        "file_id = {file_id:String} AND start_offset = {start:UInt64}",
        {"file_id": file_id, "start": block.start},
    )
    return all((noted.end, noted.tail_hash) == (block.end, tail_hash) for noted in stands)


def finish(
    client: Client,
    file_id: str,
    path: Path,
    block: Block,
    tail_hash: str,
    counts: tuple[int, int, int, int],
) -> None:
    """Note that they are in. ``counts``: lines, spans, metric points, errors."""
    _write(client, _note(file_id, path, block, tail_hash, _FINISHED, counts))


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


def _noted(client: Client, condition: str, parameters: dict[str, Any]) -> list[Noted]:
    rows = client.query(
        f"{_NOTED} WHERE {condition} GROUP BY file_id, start_offset ORDER BY start_offset",
        parameters,
    ).result_rows
    return [
        Noted(str(file_id), int(start), int(end), bool(finished), str(tail), sums)
        for file_id, start, end, finished, tail, sums in rows
    ]


def _note(
    file_id: str,
    path: Path,
    block: Block,
    tail_hash: str,
    state: int,
    counts: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> list[Any]:
    sums = block.line_sums
    return [file_id, block.start, block.end, tail_hash, sums, state, str(path), *counts]


def _write(client: Client, note: Sequence[Any], once: str | None = None) -> None:
    """Insert a note; one that says ``once`` only if nothing was inserted with this word before."""
    # Without a word of its own, a note that was made before and deleted would not be made again.
    word = once or token_hex()
    client.insert(
        "ingest_blocks",
        [note],
        list(_BLOCK_COLUMNS),
        column_type_names=list(_BLOCK_COLUMNS.values()),
        settings={**DURABLE, "insert_deduplication_token": word},
    )
