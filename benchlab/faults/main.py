"""The process that makes the faults of a run: ``python -m benchlab.faults``.

It reads commands, one per line, from standard input:

    run <directory>     read the plan in this spool directory, and get ready
    start <clock ns>    the run starts at this time of the monotonic clock
    stop                lift what is on, and set nothing any more
    quit                lift what is on, and exit

It reports events (`benchlab.processes.events`) on standard output. The end of standard input means
that the supervisor is gone, or that the run has ended, and is handled like ``quit``; SIGTERM is
handled like ``stop``, and ends the run. Faults that need this process end without it: what it sets
elsewhere has a lease that it renews.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from benchlab import spool
from benchlab.errors import BenchlabError
from benchlab.faults.injector import Injector
from benchlab.faults.injectors import make_injectors
from benchlab.faults.timetable import Timetable
from benchlab.processes.child import CommandReader, await_directory, log_to, own_output, report
from benchlab.processes.event_loop import loop_factory
from benchlab.processes.events import error_line, ready_line, stopping_line
from benchlab.spool.fault_log import FaultLog

__all__ = ["main"]


async def work(directory: Path, output: int) -> None:
    """Make the faults of the run in ``directory``; events go to ``output``."""
    plan = spool.read_plan(directory)
    injectors = make_injectors(plan)

    def fail(reason: str) -> None:
        report(output, stopping_line(reason))

    log = FaultLog(spool.fault_log_path(directory))
    timetable = Timetable(plan, injectors, log, fail)
    ended = asyncio.Event()

    def execute(command: str, argument: str) -> None:
        if command == "start":
            timetable.start(int(argument))
        elif command == "stop":
            timetable.stop()
        elif command == "quit":
            ended.set()

    def end_early() -> None:
        timetable.stop()
        fail("the process of the faults was ended (SIGTERM)")

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end_early)
    CommandReader(execute, ended.set).start()
    ending = asyncio.create_task(ended.wait())
    try:
        if await _are_prepared(injectors, ending):
            report(output, ready_line(_resolve(injectors)))
            await ending
            await timetable.finish()
    finally:
        for injector in injectors.values():
            try:
                await injector.close()
            except BenchlabError as exc:  # what it has set has a lease
                print(exc, file=sys.stderr)


async def _are_prepared(injectors: Mapping[str, Injector], ending: asyncio.Task[bool]) -> bool:
    """Prepare all ``injectors``, unless the process has to end first."""

    async def prepare() -> None:
        for injector in injectors.values():
            await injector.prepare()

    preparing = asyncio.create_task(prepare())
    await asyncio.wait((preparing, ending), return_when=asyncio.FIRST_COMPLETED)
    if not preparing.done():
        preparing.cancel()
        return False
    preparing.result()
    return True


def _resolve(injectors: Mapping[str, Injector]) -> dict[str, str]:
    return {
        place: address
        for injector in injectors.values()
        for place, address in injector.resolve.items()
    }


def main() -> int:
    """Entry point of the process."""
    for number in (signal.SIGINT, signal.SIGHUP):  # the supervisor decides what they mean
        signal.signal(number, signal.SIG_IGN)
    output = own_output()
    directory = await_directory()
    if directory is None:
        return 0
    log_to(spool.fault_process_log_path(directory))
    try:
        with spool.own_faults(directory), asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(work(directory, output))
    except BenchlabError as exc:
        report(output, error_line(exc))
        print(exc, file=sys.stderr)
        return exc.exit_code
    return 0
