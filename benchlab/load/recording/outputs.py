"""What a worker writes while it makes load."""

from __future__ import annotations

from pathlib import Path

from benchlab import spool
from benchlab.load.recording.connection_log import ConnectionLog
from benchlab.load.recording.examples import Examples
from benchlab.load.recording.recorder import Recorder
from benchlab.plan.plan import Plan

__all__ = ["Outputs"]


class Outputs:
    """One worker's files in the spool: samples, examples of failures, connections.

    Drivers fill them in clock time; they hold time from the start of the run.
    """

    def __init__(self, directory: Path, plan: Plan, worker: int, memory: int | None = None) -> None:
        """``memory`` is shared memory for the recorder."""
        warmup_ns = plan.warmup_ns
        self.recorder = Recorder(spool.samples_path(directory, worker), warmup_ns, memory)
        self.examples = Examples(
            spool.examples_path(directory, worker), plan.endpoint_names, warmup_ns
        )
        self.connections = ConnectionLog(spool.connections_path(directory, worker))
        self.steps_path = spool.steps_path(directory)

    def start(self, start_ns: int) -> None:
        """Let the clock time ``start_ns`` be time 0."""
        self.recorder.start_ns = self.examples.start_ns = self.connections.start_ns = start_ns

    def flush(self) -> None:
        """Write what came since the last time."""
        self.recorder.flush()
        self.connections.flush()

    def close(self) -> None:
        """Write the rest and close the files; the recorder's ``pending`` samples are lost."""
        self.recorder.close()
        self.connections.close()
