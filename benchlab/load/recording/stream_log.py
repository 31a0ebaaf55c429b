"""Write the records of streams, and of their events, to the spool."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchlab import spool
from benchlab.load.recording.record_log import RecordLog
from benchlab.load.recording.stream_meter import StreamMeter
from benchlab.samples.streams import EVENT_DTYPE, STREAM_DTYPE

__all__ = ["StreamLog"]


class StreamLog:
    """Records streams in clock time; times in the files count from the run's start."""

    def __init__(self, directory: Path, worker: int, *, keeps_events: bool) -> None:
        """``keeps_events``: some request asks for a record of every event."""
        self._streams = _Log(
            spool.streams_path(directory, worker), STREAM_DTYPE, ("first_event_ns", "last_event_ns")
        )
        self._events: _Log | None = None
        if keeps_events:
            self._events = _Log(spool.events_path(directory, worker), EVENT_DTYPE, ("at_ns",))

    @property
    def start_ns(self) -> int:
        """The clock time that is time 0 in the files."""
        return self._streams.start_ns

    @start_ns.setter
    def start_ns(self, start_ns: int) -> None:
        self._streams.start_ns = start_ns
        if self._events is not None:
            self._events.start_ns = start_ns

    def add(self, seq: int, meter: StreamMeter, silent_until: int) -> None:
        """Add what ``meter`` measured of the response to request ``seq``."""
        self._streams.append(*meter.finish(seq, silent_until))
        if self._events is not None:
            for row in meter.event_rows(seq):
                self._events.append(*row)

    def flush(self) -> None:
        """Write everything recorded since the last call."""
        self._streams.flush()
        if self._events is not None:
            self._events.flush()

    def close(self) -> None:
        """Write the rest and close the files."""
        self._streams.close()
        if self._events is not None:
            self._events.close()


class _Log(RecordLog):
    def __init__(self, path: Path, dtype: np.dtype[np.void], times: tuple[str, ...]) -> None:
        super().__init__(path, dtype)
        self._times = times
        self.start_ns = 0

    def _finished(self, records: NDArray[np.void]) -> NDArray[np.void]:
        for name in self._times:
            records[name][records[name] != 0] -= self.start_ns
        return records
