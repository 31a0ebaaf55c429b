"""Everything a worker records. Every finished request passes through here."""

from __future__ import annotations

from pathlib import Path

from benchlab import spool
from benchlab.load.recording.connection_log import ConnectionLog
from benchlab.load.recording.examples import Examples
from benchlab.load.recording.outcome import Outcome
from benchlab.load.recording.record_log import RecordLog
from benchlab.load.recording.recorder import Record, Recorder
from benchlab.load.recording.stream_log import StreamLog
from benchlab.load.recording.stream_meter import StreamMeter
from benchlab.plan.plan import Plan
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.samples.tries import TRY_DTYPE, TryReason

__all__ = ["Recording"]


class Recording:
    """One worker's files in the spool: samples, examples of failures, connections, tries, streams.

    Drivers pass clock times; times in the files count from the run's start. A driver passes every
    request to `finish` once. ``record`` is a shortcut, with eleven integers, for requests that need
    no example: those that succeeded, and failures that are `explained`.
    """

    def __init__(self, directory: Path, plan: Plan, worker: int, memory: int | None = None) -> None:
        """``memory`` is the descriptor of shared memory for the recorder's buffer."""
        warmup_ns = plan.warmup_ns
        self.recorder = Recorder(spool.samples_path(directory, worker), warmup_ns, memory)
        self.record: Record = self.recorder.record
        self._examples = Examples(
            spool.examples_path(directory, worker), plan.endpoint_names, warmup_ns
        )
        self.connections = ConnectionLog(spool.connections_path(directory, worker))
        self._tries: RecordLog | None = None
        if plan.transport.has_policies:
            self._tries = RecordLog(spool.tries_path(directory, worker), TRY_DTYPE)
        self._streams: StreamLog | None = None
        if plan.has_streams:
            keeps_events = any(request.keeps_events for request in plan.requests)
            self._streams = StreamLog(directory, worker, keeps_events=keeps_events)
        self.steps_path = spool.steps_path(directory)

    @property
    def endpoints(self) -> list[str]:
        """The names of endpoints by number; a scenario's driver appends those of its steps."""
        return self._examples.endpoints

    def start(self, start_ns: int) -> None:
        """Set the clock time that is time 0 in the files."""
        self.recorder.start_ns = self._examples.start_ns = self.connections.start_ns = start_ns
        if self._streams is not None:
            self._streams.start_ns = start_ns

    def measure_from(self, seq: int) -> None:
        """Flag requests with a sequence number below ``seq`` as warm-up."""
        self.recorder.first_measured_seq = seq

    def finish(self, outcome: Outcome) -> None:
        """Record a finished request; if it failed, also as an example, up to the quota.

        A try that another one replaces is no example: its request may have succeeded.
        """
        self.record(*outcome[:11])
        if outcome.error and not outcome.flags & Flag.FAILED_TRY:
            self._examples.record_example(outcome)

    def add_try(self, seq: int, parent_seq: int, number: int, reason: TryReason) -> None:
        """Note that ``seq`` is a further try of the request whose first try is ``parent_seq``."""
        assert self._tries is not None, "the plan has no policies"
        self._tries.append(seq, parent_seq, number, reason)

    def add_stream(self, seq: int, meter: StreamMeter, silent_until: int = 0) -> None:
        """Record what ``meter`` measured of the stream in response to request ``seq``.

        ``silent_until`` is when the stream ended, if it was left or failed.
        """
        assert self._streams is not None, "the plan has no streams"
        self._streams.add(seq, meter, silent_until)

    def explained(self, error: ErrorKind, endpoint: int, now: int) -> bool:
        """True if no more examples of this error are needed after the clock time ``now``."""
        return self._examples.is_complete(error, endpoint, now)

    def flush(self) -> None:
        """Write everything recorded since the last call."""
        self.recorder.flush()
        self.connections.flush()
        if self._tries is not None:
            self._tries.flush()
        if self._streams is not None:
            self._streams.flush()

    def close(self) -> None:
        """Write the rest and close the files. Samples still ``pending`` after that are lost."""
        self.recorder.close()
        self.connections.close()
        if self._tries is not None:
            self._tries.close()
        if self._streams is not None:
            self._streams.close()
