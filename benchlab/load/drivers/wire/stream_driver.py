"""The wire driver for plans with streams."""

from __future__ import annotations

from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.streams.reader import StreamReading, readings_of
from benchlab.load.drivers.wire.connection import Connection
from benchlab.load.drivers.wire.driver import WireDriver
from benchlab.load.drivers.wire.stream_connection import StreamConnection
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan

__all__ = ["StreamDriver"]


class StreamDriver(WireDriver):
    """The `Driver` for HTTP/1.1 that reads responses as streams."""

    def __init__(
        self, plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
    ) -> None:
        super().__init__(plan, worker, run_id, source, recording)
        self.readings: list[StreamReading | None] = readings_of(plan)

    def _new_connection(self, origin: int) -> Connection:
        return StreamConnection(self, origin, next(self._numbers))
