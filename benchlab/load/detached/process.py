"""The supervisor of a run that nobody waits for.

    python -m benchlab.load.detached RUN_ID CLUSTER SAMPLES

The id is an argument so that the process can be found among others. CLUSTER is the address of a
Dask scheduler, or empty, and SAMPLES where the samples of such a run go. The plan comes through
standard input, as one line of JSON, so that its credentials are on no command line; without the
whole line the process ends, because its caller has. It reports one event
(`benchlab.processes.events`) on standard output: ``started``, or the error that kept the run from
starting. Then it needs its caller no more: standard error is a log in the spool directory, the
others are closed. It ends when the run has; one whose samples go straight to a store is stored
then.

A closed terminal does nothing to it. SIGTERM ends the run early, as it does for `benchlab.run`;
`benchlab.spool.request_stop` is the other way.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path

from benchlab import spool
from benchlab.errors import BenchlabError
from benchlab.load.cluster.asked import SamplesTo
from benchlab.load.run import recorded, workers_for
from benchlab.load.supervisor.stop_signal import StopSignal, stop_on_signal
from benchlab.plan.plan import Plan
from benchlab.processes.child import own_output, report
from benchlab.processes.events import STARTED, error_line
from benchlab.spool.storage import open_private

__all__ = ["main"]


def main() -> int:
    """Entry point of the process."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    output = own_output()
    line = sys.stdin.buffer.read()
    if not line.endswith(b"\n"):
        return 0
    stop = StopSignal()
    samples: SamplesTo = "direct" if sys.argv[3] == "direct" else "parent"
    try:
        plan = Plan.from_json(line.decode())
        with (
            stop_on_signal(stop),
            workers_for(plan, stop, sys.argv[2], samples) as started,
            recorded(
                started.plan,
                sys.argv[1],
                started.workers,
                stop,
                on_start=partial(_leave_caller, output),
                machines=started.machines,
            ) as directory,
        ):
            if spool.is_direct(directory):  # else it stays in the spool until somebody saves it
                started.collect(directory, started.plan)
    except BenchlabError as exc:
        report(output, error_line(exc))
        print(exc, file=sys.stderr)
        return exc.exit_code
    except KeyboardInterrupt:  # stopped before it started
        return 128 + stop.number
    return 0


def _leave_caller(output: int, directory: Path) -> None:
    """Report that the run has started in ``directory``, and go on without the caller."""
    log = open_private(spool.detached_log_path(directory), os.O_WRONLY | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    report(output, STARTED)
    os.dup2(nothing, sys.stdin.fileno())
    for descriptor in (sys.stdout.fileno(), sys.stderr.fileno(), output):
        os.dup2(log, descriptor)
    os.close(nothing)
    os.close(log)
