"""Append records to a file of the spool, buffered."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchlab.spool.storage import open_private

__all__ = ["RecordLog"]


class RecordLog:
    """Appends records of one dtype to a file.

    The file stays open: a run that reaches the limit of open files must still be able to record
    that.
    """

    def __init__(self, path: Path, dtype: np.dtype[np.void]) -> None:
        self._fd = open_private(path, os.O_WRONLY | os.O_APPEND)
        self._dtype = dtype
        self._rows: list[tuple[Any, ...]] = []

    def append(self, *row: Any) -> None:
        """Add a record: a value for each field of the dtype."""
        self._rows.append(row)

    def flush(self) -> None:
        """Append the buffered records to the file; after a failed write they stay buffered."""
        if not self._rows:
            return
        data = self._finished(np.array(self._rows, dtype=self._dtype)).tobytes()
        size = os.fstat(self._fd).st_size
        with suppress(OSError):
            if os.write(self._fd, data) == len(data):
                self._rows.clear()
                return
        os.ftruncate(self._fd, size)  # the disk is full: the next flush tries again

    def close(self) -> None:
        """Flush and close the file."""
        self.flush()
        os.close(self._fd)

    def _finished(self, records: NDArray[np.void]) -> NDArray[np.void]:
        """The records as they are written."""
        return records
