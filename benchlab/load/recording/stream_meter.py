"""Measure a stream: when its events come, and the gaps between them."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np

from benchlab.samples.percentiles import exact_percentile
from benchlab.samples.streams import gap_counts

__all__ = ["StreamMeter"]


class StreamMeter:
    """Measures one stream, in clock times of ``time.monotonic_ns``.

    It holds eight bytes for each event until the stream ends; twelve if events are recorded.
    """

    __slots__ = ("_bytes", "_keeps_events", "_stall_ns", "_times", "event_bytes")

    def __init__(self, stall_ns: int, *, keeps_events: bool = False) -> None:
        """A gap of more than ``stall_ns`` is a stall; ``keeps_events``: for `event_rows`."""
        self._stall_ns = stall_ns
        self._keeps_events = keeps_events
        self._times = array("q")
        self._bytes = array("I")
        self.event_bytes = 0

    @property
    def events(self) -> int:
        """Number of events so far."""
        return len(self._times)

    def event(self, now: int, n_bytes: int) -> None:
        """Count an event whose last byte came at ``now``, with ``n_bytes`` of data."""
        self._times.append(now)
        self.event_bytes += n_bytes
        if self._keeps_events:
            self._bytes.append(min(n_bytes, 0xFFFFFFFF))

    def finish(self, seq: int, silent_until: int = 0) -> tuple[Any, ...]:
        """The record of the stream (`benchlab.samples.streams.STREAM_DTYPE`), in clock time.

        ``silent_until`` is when a stream ended that was left or failed: its silence since the last
        event may be a stall.
        """
        count = len(self._times)
        if not count:
            return (seq, 0, 0, 0, 0, 0, 0, 0, 0, gap_counts(np.empty(0, dtype=np.int64)))
        times = np.array(self._times, dtype=np.int64)
        gaps = np.diff(times)
        stalls = int(np.count_nonzero(gaps > self._stall_ns))
        last = int(times[-1])
        stalls += silent_until - last > self._stall_ns
        p50 = p99 = highest = 0
        if len(gaps):
            ordered = np.sort(gaps)
            p50, p99 = exact_percentile(ordered, 0.5), exact_percentile(ordered, 0.99)
            highest = int(ordered[-1])
        return (
            seq,
            int(times[0]),
            last,
            count,
            stalls,
            self.event_bytes,
            p50,
            p99,
            highest,
            gap_counts(gaps),
        )

    def event_rows(self, seq: int) -> list[tuple[int, int, int, int]]:
        """A record for each event (`EVENT_DTYPE`), in clock time; empty unless events are kept."""
        pairs = zip(self._times, self._bytes, strict=False)
        return [(seq, at, number, size) for number, (at, size) in enumerate(pairs, 1)]
