"""How many requests were in flight over time, counted exactly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchlab.samples.samples import Samples

__all__ = ["InFlight", "in_flight"]

_MOST_HELD = 1_000_000  # events


class InFlight(NamedTuple):
    """Requests in flight in each bucket: the mean over its time, and the most at any moment."""

    mean: NDArray[np.float64]
    max: NDArray[np.int64]


def in_flight(samples: Samples, start_ns: int, end_ns: int, width_ns: int) -> InFlight:
    """Count the requests of ``samples`` in flight, in buckets from ``start_ns`` to ``end_ns``.

    A request is in flight from the moment it was sent until its response was complete or it had
    failed: half-open, so that one that starts as another ends is not counted beside it. Waiting for
    a connection is not in flight. Those sent before ``start_ns`` and still open then are
    counted, so ``samples`` should have all requests of the run. The last bucket may be narrower.

    The mean is the integral over the bucket's time, the L of Little's law; the maximum comes from a
    sweep over the sends and ends in order of time. Memory is bounded: of the events, only those are
    held that a later block could still precede.
    """
    bucket_count = -(-max(end_ns - start_ns, 0) // width_ns)
    if bucket_count == 0:
        return InFlight(np.empty(0), np.empty(0, dtype=np.int64))
    ends_ns = np.minimum(start_ns + np.arange(1, bucket_count + 1) * width_ns, end_ns)
    change = np.zeros(bucket_count, dtype=np.int64)
    inside = np.zeros(bucket_count)  # open time of what starts here, less that of what ends
    open_at_start = 0
    first_ns: list[int] = []
    for block in samples.blocks():
        if len(block):
            first_ns.append(int(block.column("sent_ns").min()))
        for name, sign in (("sent_ns", 1), ("done_ns", -1)):
            times_ns = block.column(name)
            open_at_start += sign * int(np.count_nonzero(times_ns < start_ns))
            times_ns = times_ns[(times_ns >= start_ns) & (times_ns < end_ns)]
            bucket = (times_ns - start_ns) // width_ns
            rest_ns = ends_ns[bucket] - times_ns
            change += sign * np.bincount(bucket, minlength=bucket_count)
            inside += sign * np.bincount(bucket, rest_ns, minlength=bucket_count)
    before = open_at_start + np.cumsum(change) - change
    lengths_ns = np.diff(ends_ns, prepend=start_ns)
    most, level = before.copy(), open_at_start
    for times_ns, steps in _in_order(samples, first_ns, start_ns, end_ns):
        levels = level + np.cumsum(steps)
        level = int(levels[-1])
        bucket = (times_ns - start_ns) // width_ns
        first = np.flatnonzero(np.diff(bucket, prepend=-1))
        found = bucket[first]
        most[found] = np.maximum(most[found], np.maximum.reduceat(levels, first))
    return InFlight(before + inside / lengths_ns, most)


def _in_order(
    samples: Samples, first_ns: list[int], start_ns: int, end_ns: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The sends (+1) and ends (-1) in the window in order of time; of those at once, ends first.

    ``first_ns`` is the first send of each block.
    """
    later_ns = [*np.minimum.accumulate(first_ns[::-1])[::-1][1:].tolist(), None]
    held = np.empty(0, dtype=np.int64)
    new: list[NDArray[np.int64]] = []
    count, limit = 0, _MOST_HELD
    blocks = (block for block in samples.blocks() if len(block))
    for block, next_ns in zip(blocks, later_ns, strict=bool(first_ns)):
        for name, is_start in (("sent_ns", 1), ("done_ns", 0)):
            times_ns = block.column(name)
            times_ns = times_ns[(times_ns >= start_ns) & (times_ns < end_ns)]
            new.append(times_ns << 1 | is_start)
            count += len(times_ns)
        if count < limit and next_ns is not None and next_ns < end_ns:
            continue
        held = np.sort(np.concatenate([held, *new]))
        new.clear()
        complete = len(held) if next_ns is None else int(np.searchsorted(held, next_ns << 1))
        ordered, held = held[:complete], held[complete:]
        count = len(held)
        limit = max(_MOST_HELD, 2 * count)
        if len(ordered):
            yield ordered >> 1, (ordered & 1) * 2 - 1
        if next_ns is not None and next_ns >= end_ns:
            return
