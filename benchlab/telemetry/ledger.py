"""The ledger: which blocks of which files were read. It is in the store itself.

An entry says that a block is begun before its rows are inserted, and a second that it is finished
after. A block that was begun and not finished is the first to be read next time, over exactly the
same bytes: its deduplication tokens are then the same, and rows that were inserted are not inserted
again. `positions` recognises files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from benchlab.inserts import once
from benchlab.telemetry.client import Client
from benchlab.telemetry.files import Block

__all__ = ["LedgerEntry", "begin", "ends", "entries_at", "finish", "record_errors", "token"]

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

# Of a block that was begun and finished, the row that says finished counts.
_ENTRIES = """
    SELECT file_id, start_offset, argMax(end_offset, state), max(state) = 2,
        argMax(tail_hash, state), argMax(line_sums, state)
    FROM ingest_blocks
"""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A block that was begun, perhaps finished. For ``tail_hash`` and ``line_sums`` see `files`."""

    file_id: str
    start: int
    end: int
    finished: bool
    tail_hash: str
    line_sums: Sequence[int]


def ends(client: Client, root: str) -> list[tuple[str, int, str]]:
    """How far the files whose ids start with ``root`` were read.

    Of each: its id, the offset, and the hash of the bytes before.
    """
    rows = client.query(
        """
        SELECT file_id, max(end_offset), argMax(tail_hash, end_offset)
        FROM ingest_blocks WHERE startsWith(file_id, {root:String}) AND state = 2
        GROUP BY file_id
        """,
        {"root": root},
    ).result_rows
    return [(str(file_id), int(end), str(tail)) for file_id, end, tail in rows]


def entries_at(client: Client, root: str, offset: int) -> list[LedgerEntry]:
    """The blocks that start at ``offset``, of all files whose ids start with ``root``."""
    return _entries(
        client,
        "startsWith(file_id, {root:String}) AND start_offset = {offset:UInt64}",
        {"root": root, "offset": offset},
    )


def begin(client: Client, file_id: str, path: Path, block: Block, tail_hash: str) -> bool:
    """Record that the rows of this block are about to be inserted.

    Returns whether the ledger has this block: another process may have been first to begin one at
    this offset, and then all read the bytes of that one.
    """
    row = _row(file_id, path, block, tail_hash, _BEGUN)
    _insert(client, row, f"begin:{file_id}:{block.start}")
    entries = _entries(
        client,
        "file_id = {file_id:String} AND start_offset = {start:UInt64}",
        {"file_id": file_id, "start": block.start},
    )
    return all((entry.end, entry.tail_hash) == (block.end, tail_hash) for entry in entries)


def finish(
    client: Client,
    file_id: str,
    path: Path,
    block: Block,
    tail_hash: str,
    counts: tuple[int, int, int, int],
) -> None:
    """Record that the rows are inserted. ``counts``: lines, spans, metric points, errors."""
    # A random token: with none, or a fixed one, a row that was deleted could not be inserted again.
    _insert(client, _row(file_id, path, block, tail_hash, _FINISHED, counts), token_hex())


def record_errors(
    client: Client, file_id: str, path: Path, block: Block, faults: dict[int, str]
) -> None:
    """Store the beginning of each line at the offsets of ``faults``, and what is wrong with it."""
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
        settings=once(token(file_id, block, "ingest_errors")),
    )


def token(file_id: str, block: Block, table: str) -> str:
    """The deduplication token by which this block is inserted into this table only once."""
    return f"{table}:{file_id}:{block.start}-{block.end}"


def _entries(client: Client, condition: str, parameters: dict[str, Any]) -> list[LedgerEntry]:
    rows = client.query(
        f"{_ENTRIES} WHERE {condition} GROUP BY file_id, start_offset ORDER BY start_offset",
        parameters,
    ).result_rows
    return [
        LedgerEntry(str(file_id), int(start), int(end), bool(finished), str(tail), sums)
        for file_id, start, end, finished, tail, sums in rows
    ]


def _row(
    file_id: str,
    path: Path,
    block: Block,
    tail_hash: str,
    state: int,
    counts: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> list[Any]:
    sums = block.line_sums
    return [file_id, block.start, block.end, tail_hash, sums, state, str(path), *counts]


def _insert(client: Client, row: Sequence[Any], insert_token: str) -> None:
    client.insert(
        "ingest_blocks",
        [row],
        list(_BLOCK_COLUMNS),
        column_type_names=list(_BLOCK_COLUMNS.values()),
        settings=once(insert_token),
    )
