"""A worker process: ``python -m benchlab.load.worker NUMBER [MEMORY]``.

MEMORY is the descriptor of memory shared with the supervisor (`benchlab.load.supervisor.rescue`).
The worker reads commands, one per line, from standard input:

    run <directory>     prepare its share of the run in this spool directory
    start <clock ns>    start at this time of the monotonic clock
    stop                send no new requests, wait for responses
    quit                finish open requests as abandoned, and exit

It reports events (`benchlab.processes.events`) on standard output, which is reserved for them: the
output of a scenario goes to standard error, and that to the log in the spool directory. The reason
of a ``stopping`` event is in the worker's health file. The end of standard input means that the
supervisor is gone, and is handled like ``quit``; the health of a host's worker says so, as the run
goes on without it. In any case the samples are in the spool before
the process ends. The exit status is 0 unless the worker itself failed.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from pathlib import Path

from benchlab import spool
from benchlab.errors import BenchlabError
from benchlab.load.worker.engine import Engine
from benchlab.processes.child import (
    ALONE,
    CommandReader,
    await_directory,
    log_to,
    own_output,
    report,
)
from benchlab.processes.event_loop import loop_factory
from benchlab.processes.events import READY, STOPPING, error_line
from benchlab.processes.open_files import allow_open_files
from benchlab.runs.health import ProblemKind

__all__ = ["main"]

_ALONE = "was lost: the Dask worker that it belonged to has ended"


class Commands:
    """Executes the supervisor's commands."""

    def __init__(self, engine: Engine, started: asyncio.Event) -> None:
        self._engine = engine
        self._started = started
        self.is_alone = False
        """Whether the parent has ended, which ended the worker early."""

    def execute(self, command: str, argument: str) -> None:
        """Execute ``command``; ``quit`` ends the worker now, started or not."""
        if command == "start":
            self._engine.start(int(argument))
            self._started.set()
        elif command == "stop":
            self._engine.stop()
        elif command == "quit":
            self.is_alone = argument == ALONE
            self._engine.quit()
            self._started.set()


async def work(directory: Path, worker: int, memory: int | None, output: int) -> None:
    """Carry out one worker's share of the run in ``directory``; events go to ``output``."""
    plan = spool.read_plan(directory)
    engine = Engine(
        directory,
        directory.name,
        plan,
        worker,
        memory,
        on_stopping=lambda: report(output, STOPPING),
    )
    started = asyncio.Event()
    await engine.open()
    commands = Commands(engine, started)
    CommandReader(commands.execute).start()
    report(output, READY)
    gc.freeze()  # objects that exist now live until the end: looking for garbage among them pauses
    await started.wait()
    problem: str = ""
    kind: ProblemKind = "failed"
    try:
        await engine.finished
        if commands.is_alone and spool.is_share(directory):  # others go on with the run
            problem, kind = _ALONE, "lost"
    except Exception as exc:
        problem = f"failed: {type(exc).__name__}: {exc}"
        raise
    finally:
        await engine.close(problem, kind)


def main() -> int:
    """Entry point of the process."""
    # The supervisor decides what they mean: systemd sends SIGTERM to all processes of a service.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    worker, *shared = map(int, sys.argv[1:])
    output = own_output()
    allow_open_files()
    make_loop = loop_factory()  # loads uvloop before the first command
    directory = await_directory()
    if directory is None:
        return 0
    log_to(spool.log_path(directory, worker))
    try:
        with (
            spool.own_worker(directory, worker),
            asyncio.Runner(loop_factory=make_loop) as runner,
        ):
            runner.run(work(directory, worker, shared[0] if shared else None, output))
    except BenchlabError as exc:
        report(output, error_line(exc))
        print(exc, file=sys.stderr)
        return exc.exit_code
    return 0
