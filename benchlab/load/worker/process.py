"""A worker process: ``python -m benchlab.load.worker NUMBER [MEMORY]``.

MEMORY is the descriptor of memory shared with the supervisor (`benchlab.load.supervisor.rescue`).
The worker reads commands, one per line, from standard input:

    run <directory>     prepare its share of the run in this spool directory
    start <clock ns>    start at this time of the monotonic clock
    stop                send no new requests, wait for responses
    quit                finish open requests as abandoned, and exit
    lease <seconds>     quit unless another lease comes within this time

It reports events (`benchlab.processes.events`) on standard output, which is reserved for them: the
output of a scenario goes to standard error, and that to the log in the spool directory. The reason
of a ``stopping`` event is in the worker's health file. The end of standard input means that the
supervisor is gone, and is handled like ``quit``. A worker with a lease, as on a host of a cluster,
reports in its health that it did not come to its end, if its supervisor is gone or does not renew
the lease: nobody else may be there to know it. In any case the samples are in the spool before the
process ends. The exit status is 0 unless the worker itself failed.
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
from benchlab.processes.child import CommandReader, await_directory, log_to, own_output, report
from benchlab.processes.event_loop import loop_factory
from benchlab.processes.events import READY, STOPPING, error_line
from benchlab.processes.open_files import allow_open_files

__all__ = ["main"]

_CATCH_UP_S = 0.5


class Commands:
    """Executes the supervisor's commands."""

    def __init__(self, engine: Engine, started: asyncio.Event) -> None:
        self._engine = engine
        self._started = started
        self._lease: asyncio.TimerHandle | None = None

    def execute(self, command: str, argument: str) -> None:
        """Execute ``command``; ``quit`` ends the worker now, started or not."""
        if command == "start":
            self._engine.start(int(argument))
            self._started.set()
        elif command == "stop":
            self._engine.stop()
        elif command == "quit":
            self._engine.quit()
            self._started.set()
        elif command == "lease":
            self._renew(float(argument))

    def end(self) -> None:
        """Quit: there are no more commands, since the supervisor is gone."""
        if self._lease is not None:
            self._engine.lose("the process that watched it has ended")
        self.execute("quit", "")

    def _renew(self, lease_s: float) -> None:
        if self._lease is not None:
            self._lease.cancel()
        loop = asyncio.get_running_loop()
        # After a pause of this very process, a renewal may wait to be read.
        self._lease = loop.call_later(lease_s, self._await_renewal)

    def _await_renewal(self) -> None:
        loop = asyncio.get_running_loop()
        self._lease = loop.call_later(_CATCH_UP_S, self._expire)

    def _expire(self) -> None:
        self._engine.lose("nobody watched it any more")
        self.execute("quit", "")


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
    CommandReader(commands.execute, commands.end).start()
    report(output, READY)
    gc.freeze()  # objects that exist now live until the end: looking for garbage among them pauses
    await started.wait()
    problem = ""
    try:
        await engine.finished
    except Exception as exc:
        problem = f"failed: {type(exc).__name__}: {exc}"
        raise
    finally:
        await engine.close(problem)


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
