"""Which request is sent when, and by which worker."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from benchlab.plan.shapes import LoadShape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Arrivals",
    "measured_offsets",
    "numbered_arrivals",
    "schedule_end_ns",
]


class Arrivals(NamedTuple):
    """A block of scheduled requests: run-wide sequence numbers and intended times in ns."""

    seq: NDArray[np.int64]
    intended_ns: NDArray[np.int64]


def measured_offsets(
    load: LoadShape, length_ns: int, seed: int, request_count: int | None
) -> Iterator[NDArray[np.int64]]:
    """Intended times in a measured window of ``length_ns``, in ns from its start.

    With a ``request_count``, they end after so many.
    """
    left = sys.maxsize if request_count is None else request_count
    for offsets in load.offsets(length_ns, seed):
        yield offsets[:left]
        left -= len(offsets)
        if left <= 0:
            return


def numbered_arrivals(
    phases: Iterable[tuple[int, Iterable[NDArray[np.int64]]]], worker: int, workers: int
) -> Iterator[Arrivals]:
    """One worker's share of several phases, each a start in ns and its blocks of offsets.

    Requests are numbered through all phases; request ``seq`` belongs to worker ``seq % workers``.
    """
    import numpy as np

    first = 0
    for start_ns, blocks in phases:
        for offsets in blocks:
            seq = np.arange(first, first + len(offsets), dtype=np.int64)
            first += len(offsets)
            mine = slice((worker - int(seq[0])) % workers, None, workers) if len(seq) else ...
            yield Arrivals(seq[mine], start_ns + offsets[mine])


def schedule_end_ns(load: LoadShape, limit_ns: int, seed: int, count: int) -> int | None:
    """The end of ``count`` requests by the schedule: the time at which the next would be due.

    None when none is due before ``limit_ns``.
    """
    left, last = count, -1
    for offsets in load.offsets(limit_ns, seed):
        if left < len(offsets):
            before = int(offsets[left - 1]) if left else last
            return max(int(offsets[left]), before + 1)
        left -= len(offsets)
        last = int(offsets[-1]) if len(offsets) else last
    return None
