"""What a worker records while it makes load. Every finished request passes through here."""

from __future__ import annotations

from pathlib import Path

from benchlab import spool
from benchlab.load.recording.connection_log import ConnectionLog
from benchlab.load.recording.examples import Examples
from benchlab.load.recording.outcome import Outcome
from benchlab.load.recording.recorder import Record, Recorder
from benchlab.plan.plan import Plan
from benchlab.samples.samples import ErrorKind

__all__ = ["Recording"]


class Recording:
    """One worker's files in the spool: samples, examples of failures, connections.

    Drivers call it in clock time; the files hold time from the start of the run. A driver passes
    every request to `finish` once; ``record`` is its shortcut, ten integers long, for requests
    that need no example: those that succeeded, and failures that are `explained`.
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
        self.steps_path = spool.steps_path(directory)

    @property
    def endpoints(self) -> list[str]:
        """The names of endpoints by number; a scenario's driver appends those of its steps."""
        return self._examples.endpoints

    def start(self, start_ns: int) -> None:
        """Make the clock time ``start_ns`` time 0 of the files."""
        self.recorder.start_ns = self._examples.start_ns = self.connections.start_ns = start_ns

    def measure_from(self, seq: int) -> None:
        """Flag requests with a number below ``seq`` as warm-up."""
        self.recorder.first_measured_seq = seq

    def finish(self, outcome: Outcome) -> None:
        """Record a finished request; if it failed, as an example too while those are wanted."""
        self.record(*outcome[:10])
        if outcome.error:
            self._examples.record_example(outcome)

    def explained(self, error: ErrorKind, endpoint: int, now: int) -> bool:
        """Whether no more examples of this kind of error will be wanted from ``now`` on."""
        return self._examples.settled(error, endpoint, now)

    def flush(self) -> None:
        """Write what was recorded since the last call."""
        self.recorder.flush()
        self.connections.flush()

    def close(self) -> None:
        """Write the rest and close the files; the recorder's ``pending`` samples are lost."""
        self.recorder.close()
        self.connections.close()
