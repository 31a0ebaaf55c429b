"""Which request is sent when, and by which worker."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from benchlab.plan.shapes import LoadShape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Arrivals",
    "lookup",
    "measured_offsets",
    "numbered_arrivals",
    "occurrences_before",
    "request_order",
    "schedule_end_ns",
]

_ORDER_SIZE = 65_536


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


def request_order(weights: Sequence[float], seed: int) -> list[int]:
    """Indexes of requests in the order in which they are sent, again and again.

    Shares follow the weights, in an order drawn by the seed. They are exact over a whole order,
    except that every request occurs at least once.

    >>> request_order([1.0], seed=1)
    [0]
    """
    if len(weights) == 1:
        return [0]
    import numpy as np

    exact = np.array(weights) / np.sum(weights) * _ORDER_SIZE
    counts = np.maximum(np.floor(exact).astype(np.int64), 1)
    for index in np.argsort(counts - exact)[: max(_ORDER_SIZE - int(counts.sum()), 0)]:
        counts[index] += 1
    order = np.repeat(np.arange(len(exact)), counts)
    drawn: list[int] = np.random.default_rng(seed).permutation(order).tolist()
    return drawn


def lookup(order: Sequence[int]) -> Callable[[int], int]:
    """A function of ``seq``: the index that ``order``, repeated without end, has there.

    >>> request_of = lookup([0, 1, 1])
    >>> [request_of(seq) for seq in range(5)]
    [0, 1, 1, 0, 1]
    """
    if len(order) == 1:
        only = order[0]
        return lambda seq: only
    size = len(order)
    return lambda seq: order[seq % size]


def occurrences_before(order: Sequence[int], index: int) -> Callable[[int], int]:
    """A function of ``seq``: how often request number ``index`` is sent before it in the run.

    The result follows from the sequence number alone, so that workers need no common counter.

    >>> before = occurrences_before([0, 1, 1], 1)
    >>> [before(seq) for seq in range(6)]
    [0, 0, 1, 2, 2, 3]
    """
    if len(order) == 1:
        return lambda seq: seq
    import numpy as np

    size = len(order)
    before = np.concatenate(([0], np.cumsum(np.array(order) == index))).tolist()
    per_round = before[-1]
    return lambda seq: seq // size * per_round + before[seq % size]
