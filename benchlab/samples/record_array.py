"""Records of one layout that a run has beside its samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import InputError

__all__ = ["RecordArray"]


class RecordArray:
    """Records of the class's ``dtype``. Length: their number."""

    __slots__ = ("records",)

    dtype: np.dtype[np.void]

    def __init__(self, records: NDArray[np.void] | None = None) -> None:
        """``records`` is a 1-d array of the class's dtype; none by default.

        Raises:
            InputError: another dtype.
        """
        if records is None:
            records = np.empty(0, dtype=self.dtype)
        if records.dtype != self.dtype:
            raise InputError(
                f"records have dtype {records.dtype}: {type(self).__name__} need another"
            )
        self.records = records

    def __len__(self) -> int:
        return len(self.records)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return np.array_equal(self.records, other.records)

    def __hash__(self) -> int:
        return hash(self.records.tobytes())
