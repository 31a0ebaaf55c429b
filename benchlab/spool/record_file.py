"""Records on disk while a file is read: as many as there are, in bounded memory."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from typing import IO

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import RunError
from benchlab.samples.records import SAMPLE_DTYPE

__all__ = ["RecordFile"]


class RecordFile:
    """A nameless temporary file of `SAMPLE_DTYPE` records; gone when nobody maps it any more."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="benchlab-")  # noqa: SIM115
        self.count = 0

    def close(self) -> None:
        """Let go of the file; what was mapped stays."""
        with suppress(OSError):  # what there was no room for
            self._file.close()

    def append(self, records: NDArray[np.void]) -> None:
        """Add a 1-d array of records.

        Raises:
            RunError: there is no room for them.
        """
        try:
            self._file.write(np.ascontiguousarray(records).tobytes())
            self._file.flush()
        except OSError as exc:
            raise RunError(
                f"cannot keep the samples in {tempfile.gettempdir()} while the file is read"
                f" ({exc.strerror}): make room there, or set TMPDIR to a directory on a larger disk"
            ) from exc
        self.count += len(records)

    def mapped(self) -> NDArray[np.void]:
        """All records, mapped from the file: pages are loaded when they are touched."""
        if self.count == 0:
            return np.empty(0, dtype=SAMPLE_DTYPE)
        return np.asarray(np.memmap(self._file, dtype=SAMPLE_DTYPE, mode="r", shape=(self.count,)))
