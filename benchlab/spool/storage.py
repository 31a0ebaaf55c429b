"""Room for the records of a run, however many there are: in memory, or in a file that is mapped."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["make_room"]

_MOST_IN_MEMORY_BYTES = 224_000_000  # 4 million samples


def make_room(count: int, dtype: np.dtype[np.void], directory: Path) -> NDArray[Any]:
    """A 1-d array of ``count`` zeros: in memory, or if it is large in a nameless file on the disk.

    The system may then put other things into that memory, so a run may be larger than it. The file
    is in ``directory``, and gone when nothing refers to the array any more. Where there is no room
    for it on that disk, or it could not be kept free, the array is in memory all the same.
    """
    size = count * dtype.itemsize
    if size > _MOST_IN_MEMORY_BYTES and hasattr(os, "posix_fallocate"):
        with suppress(OSError), tempfile.TemporaryFile(dir=directory) as file:
            os.posix_fallocate(file.fileno(), 0, size)
            return np.asarray(np.memmap(file, dtype=dtype, mode="r+", shape=(count,)))
    return np.zeros(count, dtype=dtype)
