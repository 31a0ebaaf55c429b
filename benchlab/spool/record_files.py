"""The files of records that each worker appends to: one for each kind of record.

What was read of such a file is known by its `RecordCount`, so that two copies of it, or a file and
a table, can be compared without their content.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchlab.samples.connections import CONNECTION_DTYPE
from benchlab.samples.records import SAMPLE_DTYPE
from benchlab.samples.streams import EVENT_DTYPE, STREAM_DTYPE
from benchlab.samples.tries import TRY_DTYPE
from benchlab.spool.directory import (
    connections_path,
    events_path,
    samples_path,
    streams_path,
    tries_path,
)

__all__ = ["RECORD_FILES", "RecordCount", "RecordFileKind", "count_of"]


@dataclass(frozen=True, slots=True)
class RecordFileKind:
    """A kind of record: its name, and the file of it that a worker has in a spool directory."""

    name: str
    dtype: np.dtype[np.void]
    path: Callable[[Path, int], Path]


RECORD_FILES: Final = (
    RecordFileKind("samples", SAMPLE_DTYPE, samples_path),
    RecordFileKind("connections", CONNECTION_DTYPE, connections_path),
    RecordFileKind("tries", TRY_DTYPE, tries_path),
    RecordFileKind("streams", STREAM_DTYPE, streams_path),
    RecordFileKind("events", EVENT_DTYPE, events_path),
)


@dataclass(frozen=True, slots=True)
class RecordCount:
    """How many records of a ``kind`` a worker wrote, and the sum of their sequence numbers.

    ``unnumbered`` are those that belong to no request, such as connections that were opened before
    the run; ``numbered`` and ``seq_sum`` are of the others.
    """

    kind: str
    worker: int
    numbered: int = 0
    unnumbered: int = 0
    seq_sum: int = 0

    @property
    def total(self) -> int:
        """All records."""
        return self.numbered + self.unnumbered

    def __add__(self, other: RecordCount) -> RecordCount:
        return RecordCount(
            self.kind,
            self.worker,
            self.numbered + other.numbered,
            self.unnumbered + other.unnumbered,
            self.seq_sum + other.seq_sum,
        )


def count_of(kind: str, worker: int, records: NDArray[np.void]) -> RecordCount:
    """The `RecordCount` of ``records``.

    >>> records = np.zeros(3, dtype=CONNECTION_DTYPE)
    >>> records["seq"] = [-1, 4, 6]
    >>> count_of("connections", 0, records)
    RecordCount(kind='connections', worker=0, numbered=2, unnumbered=1, seq_sum=10)
    """
    seqs = records["seq"]
    numbered = seqs[seqs >= 0]
    return RecordCount(
        kind, worker, len(numbered), len(seqs) - len(numbered), int(numbered.sum(dtype=np.int64))
    )
