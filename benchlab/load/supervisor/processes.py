"""Starting the workers, letting them go together, stopping them, and leaving none behind."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from benchlab import spool
from benchlab.errors import WorkerError
from benchlab.load.events import Event, parse_event
from benchlab.load.supervisor.progress import OnProgress, ProgressReader
from benchlab.load.supervisor.rescue import rescue, share_memory
from benchlab.plan.plan import Plan
from benchlab.units import NS_PER_MS, seconds_to_ns

__all__ = ["StopSignal", "stop_on_interrupt", "supervise"]

_READY_WITHIN_S = 60.0
_LEAD_NS = 50 * NS_PER_MS
_LOOK_EVERY_S = 0.2
_GRACE_S = 5.0


class StopSignal:
    """Asked once, a run drains; asked again, it ends without waiting. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.level = 0

    def request(self) -> None:
        """Ask once more."""
        with self._lock:
            self.level += 1


_asked_on_interrupt: list[StopSignal] = []
_handler_before: list[Any] = []


@contextmanager
def stop_on_interrupt(stop: StopSignal) -> Iterator[None]:
    """While inside, Ctrl-C (or a kernel's interrupt) asks ``stop`` instead of raising.

    Runs may overlap: all of them are asked, and the last to leave puts the old handler back.
    Outside the main thread, where Python allows no signal handlers, it changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if not _asked_on_interrupt:
        before = signal.signal(signal.SIGINT, _ask_all)
        _handler_before.append(signal.SIG_DFL if before is None else before)
    _asked_on_interrupt.append(stop)
    try:
        yield
    finally:
        _asked_on_interrupt.remove(stop)
        if not _asked_on_interrupt:
            signal.signal(signal.SIGINT, _handler_before.pop())


def _ask_all(_signal: int, _frame: FrameType | None) -> None:
    for stop in _asked_on_interrupt:
        stop.request()


def supervise(
    plan: Plan, directory: Path, stop: StopSignal, on_progress: OnProgress | None = None
) -> None:
    """Carry out ``plan`` into the spool ``directory``; returns when every worker has ended.

    Raises:
        InputError: a worker found something in the plan that cannot be sent.
        TargetError: the service's name cannot be resolved.
        WorkerError: a worker did not come up. One that fails later is told by its health instead.
    """
    workers = []
    start_ns = 0
    try:
        for number in range(plan.workers):
            workers.append(_Worker(directory, number))
        deadline = time.monotonic() + _READY_WITHIN_S
        for worker in workers:
            worker.await_ready(deadline, stop)
        start_ns = time.monotonic_ns() + _LEAD_NS
        spool.write_start(directory, time.time_ns() + start_ns - time.monotonic_ns())
        for worker in workers:
            worker.tell(f"start {start_ns}")
        outcome = _watch(plan, directory, workers, start_ns, stop, on_progress)
        with suppress(OSError):  # a full disk: the samples tell how far the run came
            spool.write_outcome(directory, *outcome)
    finally:
        for worker in workers:
            worker.end(start_ns, plan.warmup_ns)


def _watch(
    plan: Plan,
    directory: Path,
    workers: list[_Worker],
    start_ns: int,
    stop: StopSignal,
    on_progress: OnProgress | None,
) -> tuple[int | None, str]:
    """When the run was stopped, if early, and why if by the plan's own ``abort_on``."""
    onlooker = _Onlooker(plan, directory, stop, on_progress)
    limit_s = plan.drain_s + plan.timeout_s + _GRACE_S
    limit_ns = start_ns + plan.end_ns + seconds_to_ns(limit_s)
    stopped_ns: int | None = None
    told = 0
    with selectors.DefaultSelector() as selector:
        for worker in workers:
            selector.register(worker.output, selectors.EVENT_READ, worker)
        while selector.get_map():
            for key, _ in selector.select(_LOOK_EVERY_S):
                events = key.data.read_events()
                if events is None:  # the worker has gone
                    selector.unregister(key.fileobj)
                elif any(event.name == "stopping" for event in events) and not stop.level:
                    stop.request()  # so must the others
            now_ns = time.monotonic_ns()
            onlooker.look(now_ns - start_ns, phase="stopping" if told else "")
            while told < min(stop.level, 2):
                told += 1
                if stopped_ns is None:
                    stopped_ns = max(0, now_ns - start_ns)
                for worker in workers:
                    worker.tell("stop" if told == 1 else "quit")
            if now_ns > limit_ns:
                break  # a worker hangs: end() kills it, and its missing health tells
    onlooker.look(time.monotonic_ns() - start_ns, phase="done")
    if stopped_ns is not None and stopped_ns >= plan.end_ns:
        return None, ""  # asked during the draining: the measured window is whole
    return stopped_ns, onlooker.stop_reason


class _Onlooker:
    """What follows a run through its samples: people, and the plan's own ``abort_on``."""

    def __init__(
        self, plan: Plan, directory: Path, stop: StopSignal, on_progress: OnProgress | None
    ) -> None:
        self._reader = ProgressReader(directory, plan)
        self._stop = stop
        self._on_progress = on_progress
        self._idle = on_progress is None and not plan.abort_on
        self.stop_reason = ""

    def look(self, run_ns: int, phase: str) -> None:
        """Look at the run at ``run_ns``; ask it to stop if that is called for."""
        if self._idle:
            return
        progress = self._reader.look(run_ns, phase)
        if not phase and (reason := self._reader.reason_to_stop(run_ns)):
            self.stop_reason = reason
            self._stop.request()  # whoever asks after this does not want to wait
        if self._on_progress is not None:
            self._on_progress(progress)


class _Worker:
    """A worker process and the pipes to it."""

    def __init__(self, directory: Path, number: int) -> None:
        self._number = number
        self._log = spool.log_path(directory, number)
        self._samples = spool.samples_path(directory, number)
        self._memory = share_memory(f"benchlab-{number}")
        shared = () if self._memory is None else (self._memory,)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "benchlab.load.worker"]
                + [str(argument) for argument in (directory, number, *shared)],
                pass_fds=shared,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                start_new_session=True,  # Ctrl-C in the terminal is for the supervisor alone
            )
        assert self._process.stdout is not None
        self.output = self._process.stdout
        self._rest = b""

    def await_ready(self, deadline: float, stop: StopSignal) -> None:
        """Wait until the worker reports that it is ready.

        Raises:
            BenchlabError: what it reports instead.
            WorkerError: it ended without a report, or reports nothing.
        """
        events: list[Event] | None = []
        with selectors.DefaultSelector() as selector:
            selector.register(self.output, selectors.EVENT_READ)
            while events == []:
                if selector.select(0.1):
                    events = self.read_events()
                elif stop.level:
                    raise KeyboardInterrupt
                elif time.monotonic() > deadline:
                    raise WorkerError(
                        f"worker {self._number} was not ready within {_READY_WITHIN_S:.0f} s"
                    )
        if events is None:
            status = self._process.wait()
            last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
            text = last[0] if last else f"exit status {status}"
            raise WorkerError(f"worker {self._number} could not start: {text}")
        if events[0].error is not None:
            raise events[0].error

    def read_events(self) -> list[Event] | None:
        """The events that have come since the last time; None at the end of the output."""
        data = os.read(self.output.fileno(), 4096)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [parse_event(line) for line in lines] if data else None

    def tell(self, command: str) -> None:
        """Send a command; one to a worker that has gone is not an error."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{command}\n".encode())
        except (BrokenPipeError, ValueError):
            return

    def end(self, start_ns: int, warmup_ns: int) -> None:
        """Leave no process and no pipe: ask by closing standard input, then kill.

        What a worker had measured and not written when it died is written here.
        """
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.output.close()
        if self._memory is not None:
            if start_ns and self._process.returncode:
                with suppress(OSError):  # a full disk: its health is missing, and tells
                    rescue(self._memory, self._samples, start_ns, warmup_ns)
            os.close(self._memory)
