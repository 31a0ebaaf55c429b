"""A worker process: ``python -m benchlab.load.worker SPOOL_DIRECTORY NUMBER [MEMORY]``.

MEMORY is the descriptor of memory that the supervisor shares with it
(`benchlab.load.supervisor.rescue`). It reports events (`benchlab.load.events`) on standard output,
which is its own: what a scenario prints goes to standard error. It obeys lines on standard input:

    start <clock ns>    let go at this time of the monotonic clock
    stop                send nothing new, wait for the answers
    quit                record what is open as abandoned, and end

When it reports that it is stopping, its account of itself says why. The end of standard input means
that the supervisor is gone: the same as ``quit``. Either way the samples are in the spool before
the process ends. Exit status 0 unless it failed itself.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from benchlab import spool
from benchlab.errors import BenchlabError
from benchlab.load.events import READY, STOPPING, error_line
from benchlab.load.open_files import allow_open_files
from benchlab.load.worker.engine import Engine

__all__ = ["main"]


class Commands:
    """Lines from standard input, obeyed as they come."""

    def __init__(self, engine: Engine, started: asyncio.Event) -> None:
        self._engine = engine
        self._started = started
        self._rest = b""

    def read(self) -> None:
        """Take in what standard input has."""
        data = os.read(sys.stdin.fileno(), 4096)
        if not data:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self.quit()
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._obey(line.decode())

    def quit(self) -> None:
        """End now, started or not."""
        self._engine.quit()
        self._started.set()

    def _obey(self, line: str) -> None:
        command, _, argument = line.partition(" ")
        if command == "start":
            self._engine.start(int(argument))
            self._started.set()
        elif command == "stop":
            self._engine.stop()
        elif command == "quit":
            self.quit()


def report(descriptor: int, event: bytes) -> None:
    """Write the line of an event."""
    with suppress(OSError):  # the supervisor is gone
        os.write(descriptor, event)


async def work(directory: Path, worker: int, memory: int | None, output: int) -> None:
    """Carry out one worker's share of the run in ``directory``; events go to ``output``."""
    loop = asyncio.get_running_loop()
    plan = spool.read_plan(directory)
    engine = Engine(
        directory, directory.name, plan, worker, memory, on_trouble=lambda: report(output, STOPPING)
    )
    started = asyncio.Event()
    commands = Commands(engine, started)
    await engine.open()
    loop.add_reader(sys.stdin.fileno(), commands.read)
    loop.add_signal_handler(signal.SIGTERM, commands.quit)
    report(output, READY)
    # From here on nothing that lives is garbage: collecting would only cost pauses.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    await started.wait()
    problem = ""
    try:
        await engine.finished
    except Exception as exc:
        problem = f"failed: {type(exc).__name__}: {exc}"
        raise
    finally:
        await engine.close(problem)


def _own_output() -> int:
    """A descriptor of what was standard output; whatever code prints from now on is an error's."""
    own = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return own


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not on this platform: slower, and the lag says so
        return None
    return uvloop.new_event_loop


def main() -> int:
    """Entry point of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor decides what Ctrl-C means
    directory, worker, *shared = Path(sys.argv[1]), *map(int, sys.argv[2:])
    output = _own_output()
    allow_open_files()
    try:
        with (
            spool.own_worker(directory, worker),
            asyncio.Runner(loop_factory=_loop_factory()) as runner,
        ):
            runner.run(work(directory, worker, shared[0] if shared else None, output))
    except BenchlabError as exc:
        report(output, error_line(exc))
        print(exc, file=sys.stderr)
        return exc.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
