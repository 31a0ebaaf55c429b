"""Where reading of a file goes on: found by what is in it, not by its name or where it lies.

A copy is the same file, and so is one that was renamed or came from another machine. The ledger is
a tree of blocks: those of files that begin with the same line form one, and where files part, a
branch with an id of its own begins. What a file has in common with any that was read, to the line,
was read; the rest is new. So a file that was cut short and written on, or a copy of which both
parts grow, costs no line and doubles none.

That a file has a block is seen by a hash of the last 64 KiB before the block's end, and where it
ends earlier or says otherwise, line by line.

What remains: a block that was begun by a benchlab that died, and whose file is then gone or was
changed within that block before it was read again. The lines it had in common with what is there
now are taken as read, as they may be.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import BinaryIO

from benchlab.telemetry import ledger
from benchlab.telemetry.client import Client
from benchlab.telemetry.files import common_end, first_line, skip_hole, tail_hash

__all__ = ["Place", "find_place"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where to read on, and the id under which to note it.

    ``unfinished_end`` is set when a block from there to there was begun before. Without an id there
    is no line to read as yet.
    """

    offset: int
    file_id: str | None = None
    unfinished_end: int | None = None


def find_place(client: Client, file: BinaryIO) -> Place:
    """Where reading of this file goes on."""
    line = first_line(file)
    if line is None:
        return Place(skip_hole(file, 0))
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


def _walk(client: Client, file: BinaryIO, root: str, branch: str, offset: int) -> Place:
    """From a place that was read, on through the tree as far as the file goes along with it."""
    size = file.seek(0, os.SEEK_END)
    parted = False  # from the branch, within one of its blocks
    while True:
        offset = skip_hole(file, offset)
        steps = []
        for noted in ledger.noted_at(client, root, offset):
            whole = noted.end <= size and tail_hash(file, noted.end) == noted.tail_hash
            if whole and not noted.finished:
                return Place(offset, noted.file_id, noted.end)
            end = noted.end if whole else common_end(file, offset, noted.line_sums)
            steps.append((end, noted))
        if not steps and not parted:
            return Place(offset, branch)
        end, furthest = max(steps, key=lambda step: step[0], default=(offset, None))
        if furthest is None or end == offset:
            return Place(offset, _branch_id(file, root, branch, offset))
        offset, branch, parted = end, furthest.file_id, end < furthest.end


def _branch_id(file: BinaryIO, root: str, branch: str, offset: int) -> str | None:
    """A name for what begins here and is unlike what any other file goes on with."""
    file.seek(offset)
    line = file.readline()
    if not line.endswith(b"\n"):
        return None
    start = hashlib.sha256(f"{branch} {offset} ".encode() + line)
    return f"{root}-{start.hexdigest()[:16]}"
