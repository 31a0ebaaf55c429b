"""Find the position from which to read a file on, by its content.

Names and directories do not matter: a copy is the same file, and so is one that was renamed or came
from another machine. The ledger is a tree of blocks: files that start with the same line share one
tree, and where their contents diverge, a branch with an id of its own starts. What a file has in
common with any file that was read, to the line, was read; the rest is new. So a file that was
truncated and written on, or a copy of which both parts grow, loses no line and duplicates none.

A file contains a block if the hash of the 64 KiB before the block's end matches; where the file
ends earlier or the hash differs, lines are compared one by one.

One gap remains: a block that was begun by a process that died, and whose file was then deleted, or
changed within that block, before it was read again. The lines that it has in common with the
current content are taken as read, as they may be.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import BinaryIO

from benchlab.telemetry import ledger
from benchlab.telemetry.client import Client
from benchlab.telemetry.files import common_end, first_line, is_complete, skip_hole, tail_hash

__all__ = ["Position", "find_position"]


@dataclass(frozen=True, slots=True)
class Position:
    """The offset to read on from, and the id under which the ledger records it.

    ``unfinished_end`` is the end of a block that was begun at this offset and not finished. The id
    is empty while there is no complete line.
    """

    offset: int
    file_id: str | None = None
    unfinished_end: int | None = None


def find_position(client: Client, file: BinaryIO) -> Position:
    """Where to read this file on."""
    line = first_line(file)
    if line is None:
        return Position(skip_hole(file, 0))
    root = hashlib.sha256(line).hexdigest()[:32]
    read = ledger.ends(client, root)
    size = file.seek(0, os.SEEK_END)
    shared = (
        (end, file_id)
        for file_id, end, tail in sorted(read, key=lambda branch: -branch[1])
        if end <= size and tail_hash(file, end) == tail
    )
    offset, branch = next(shared, (0, root))
    return _walk(client, file, root, branch, offset)


def _walk(client: Client, file: BinaryIO, root: str, branch: str, offset: int) -> Position:
    """From an offset that was read, follow the tree for as long as it matches the file."""
    size = file.seek(0, os.SEEK_END)
    diverged = False  # from the branch, within one of its blocks
    while True:
        offset = skip_hole(file, offset)
        steps = []
        for entry in ledger.entries_at(client, root, offset):
            whole = entry.end <= size and tail_hash(file, entry.end) == entry.tail_hash
            if whole and not entry.finished:
                return Position(offset, entry.file_id, entry.end)
            end = entry.end if whole else common_end(file, offset, entry.line_sums)
            steps.append((end, entry))
        if not steps and not diverged:
            return Position(offset, branch)
        end, furthest = max(steps, key=lambda step: step[0], default=(offset, None))
        if furthest is None or end == offset:
            return Position(offset, _branch_id(file, root, branch, offset))
        offset, branch, diverged = end, furthest.file_id, end < furthest.end


def _branch_id(file: BinaryIO, root: str, branch: str, offset: int) -> str | None:
    """The id of a branch that starts at ``offset`` with the line there; None: it is incomplete."""
    file.seek(offset)
    line = file.readline()
    if not line.endswith(b"\n") and not is_complete(line):
        return None
    start = hashlib.sha256(f"{branch} {offset} ".encode() + line.removesuffix(b"\n"))
    return f"{root}-{start.hexdigest()[:16]}"
