"""Start a run that outlives its caller."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, get_args

from benchlab import spool
from benchlab.errors import InputError, RunError
from benchlab.load.cluster.asked import SamplesTo
from benchlab.load.run import check_plan
from benchlab.load.supervisor.preflight import check_reachable
from benchlab.load.supervisor.reflection import with_descriptors
from benchlab.paths import spool_root
from benchlab.plan.plan import Plan
from benchlab.plan.validation import check_choice
from benchlab.processes.events import Event, parse_event
from benchlab.runs.experiment import with_tags_of_experiment
from benchlab.runs.head import new_run_id

__all__ = ["Detached", "start_detached"]

_MOST_SAID = 400  # characters


class Detached(NamedTuple):
    """A run in a process of its own: its spool directory, and the plan as it is carried out."""

    directory: Path
    plan: Plan


def start_detached(plan: Plan, cluster: str = "", samples: SamplesTo = "parent") -> Detached:
    """Start the run of ``plan`` in a process of its own; its workers are on ``cluster`` if given.

    That process has a session of its own, and is nobody's child. It has the working directory and
    the environment of this one. The run has started when this returns; an interrupt before that
    ends it.

    Raises:
        InputError: the plan cannot be carried out on this machine.
        TargetError: the service cannot be reached. No load was made.
        WorkerError: a worker process could not be started.
        RunError: the spool cannot be written, or the process could not be started.
    """
    check_plan(plan, here=not cluster)
    check_choice("samples", samples, get_args(SamplesTo))
    if not isinstance(cluster, str):
        raise InputError(
            "ends with this process, which the run outlives",
            field="cluster",
            value=cluster,
            remedy="give the address of the scheduler, such as tcp://scheduler:8786",
        )
    if not cluster:
        check_reachable(plan)
        plan = with_descriptors(plan)
    plan = plan.replace(tags=with_tags_of_experiment(dict(plan.tags)))
    run_id = new_run_id()
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "benchlab.load.detached", run_id, cluster, samples],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as exc:
        raise RunError(
            f"the process of the run cannot be started ({exc.strerror})",
            remedy="free memory, or raise the limit of processes (ulimit -u)",
        ) from exc
    with process:
        try:
            event = _first_event(process, plan)
        except BaseException:
            with suppress(ProcessLookupError):  # its group: the process has forked
                os.killpg(process.pid, signal.SIGTERM)
            raise
    if event.error is not None:
        raise event.error
    directory = spool_root() / run_id
    if cluster:  # which decides how many workers there are
        plan = plan.replace(workers=spool.read_head(directory).plan.workers)
    return Detached(directory, plan)


def _first_event(process: subprocess.Popen[bytes], plan: Plan) -> Event:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with suppress(BrokenPipeError), process.stdin:  # it says below why it ended
        process.stdin.write(plan.to_json().encode() + b"\n")
    for line in process.stdout:
        with suppress(ValueError):  # of something that Python runs at its start, and that prints
            return parse_event(line)
    said = process.stderr.read().decode(errors="replace").strip()[-_MOST_SAID:]
    last = said.splitlines()[-1] if said else "killed?"
    raise RunError(f"the process of the run ended before it had started it: {last}")
