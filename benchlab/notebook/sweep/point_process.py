"""The process of a point: ``python -m benchlab.notebook.sweep.point_process DIRECTORY``.

Standard input has its job as a line of JSON. Another line asks it to end soon; the end of standard
input, to end at once. ``DIRECTORY`` gets what it reports.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from benchlab.analysis.sweep import SweepRun
from benchlab.errors import BenchlabError
from benchlab.experiments.sweep import runs_of_rows
from benchlab.notebook import events
from benchlab.notebook.headless import Report, execute_notebook
from benchlab.notebook.sweep.job import Job, Outcome, job_files
from benchlab.runs.experiment import TAGS_VARIABLE
from benchlab.spool.storage import replace_text
from benchlab.store import Store

__all__ = ["main"]

_END = signal.SIGUSR1  # unlike Ctrl-C, which a run in the kernel gets
_gone = threading.Event()
_PATIENCE_S = 20.0  # of a point whose sweep is gone: then its kernel follows by itself


def main(directory: Path) -> int:
    """Measure the point of the job on standard input; returns the exit status."""
    events_file, outcome_file, _ = job_files(directory)
    job = Job(**json.loads(_read_line()))
    signal.signal(_END, _end)
    threading.Thread(target=_obey_sweep, name="sweep", daemon=True).start()
    if job.cores:
        with suppress(OSError):  # a core that was taken away meanwhile
            os.sched_setaffinity(0, job.cores)
    os.environ[TAGS_VARIABLE] = json.dumps(dict(job.tags))  # the kernel inherits it
    outcome = _measure(job, events_file)
    if _gone.is_set():  # nobody else would remove it
        shutil.rmtree(directory, ignore_errors=True)
    else:
        replace_text(outcome_file, outcome.to_json())
    return outcome.exit_code


def _measure(job: Job, events_file: Path) -> Outcome:
    started = datetime.now(UTC)

    def forward(event: Mapping[str, Any]) -> None:
        events.write(dict(event), events_file)

    try:
        notebook, directory = Path(job.notebook), Path(job.directory)
        report = execute_notebook(notebook, job.parameters, directory, forward)
        runs = _runs(job, started, report)
    except BenchlabError as exc:
        return Outcome(error=str(exc), exit_code=exc.exit_code)
    except KeyboardInterrupt:
        return Outcome(interrupted=True)
    if report.signal_number or any(map(_was_stopped, runs)):
        return Outcome(runs=runs, interrupted=True)
    problem = next((run for run in runs if run.verdict in ("invalid", "degraded")), None)
    if problem is None:
        return Outcome(runs=runs)
    return Outcome(runs=runs, error=f"the run is {problem.verdict}: {problem.reason}", exit_code=1)


def _runs(job: Job, started: datetime, report: Report) -> tuple[SweepRun, ...]:
    """The runs that the point made, or else the stored run that its report is of."""
    store = Store()
    with store.connect():
        rows = store.rows(tags=job.tags, since=started) if job.tags else []
        if not rows and report.run_id is not None:
            rows = [row for row in store.rows() if row["run_id"] == report.run_id]
        return runs_of_rows(store, list(reversed(rows)))


def _was_stopped(run: SweepRun) -> bool:
    """Whether somebody stopped ``run``, as ``benchlab live`` does: a condition of its plan may."""
    return run.verdict == "interrupted" and not Store().load(run.run_id).stop_reason


def _read_line() -> bytes:
    """A line from standard input, of which nothing is read beyond it."""
    line = b""
    while not line.endswith(b"\n"):
        data = os.read(0, 1)
        if not data:
            raise SystemExit("the job of a point is a line of JSON on standard input")
        line += data
    return line


def _obey_sweep() -> None:
    """Interrupt this process when the sweep asks for it, and end it when the sweep is gone."""
    while os.read(0, 4096):
        os.kill(os.getpid(), signal.SIGINT)
    _gone.set()
    os.kill(os.getpid(), _END)
    time.sleep(_PATIENCE_S)
    os._exit(1)


def _end(_number: int, _frame: FrameType | None) -> None:
    """End the notebook: its kernel is shut down, and with that all that it started."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
