"""Processes that are frozen, killed and started again, and what must never be touched."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchlab import ClosedLoop, Plan, Request
from benchlab.errors import FaultError
from benchlab.faults.process import ProcessInjector
from benchlab.plan.faults import Fault
from tests.faults.proxy import services
from tests.faults.proxy.services import LONG_S

HOUR_S = 3600.0


class Service:
    """A process that repeats each line that it gets."""

    def __init__(self, *argv: str, cwd: Path | None = None) -> None:
        self.process = subprocess.Popen(
            argv or ["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, cwd=cwd
        )
        self.pid = self.process.pid

    def send(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"hello\n")

    def has_responded(self, within_s: float = LONG_S) -> bool:
        assert self.process.stdout is not None
        is_readable = bool(select.select([self.process.stdout], [], [], within_s)[0])
        return is_readable and self.process.stdout.readline() == b"hello\n"

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with closing(Service(cwd=tmp_path)) as running:
        yield running


@contextmanager
def ended_at_last(pid_file: Path) -> Iterator[Callable[[], int]]:
    """Await the pid that a restarted process writes, and end that process at the end."""

    def pid() -> int:
        deadline = time.monotonic() + LONG_S
        while not (pid_file.exists() and pid_file.read_text().endswith("\n")):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return int(pid_file.read_text())

    try:
        yield pid
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid(), signal.SIGKILL)


RESTART = "sh -c 'echo $$ > pid; exec sleep 600'"


def freeze(pid: int) -> Fault:
    return Fault("freeze", pid=pid)


_made: list[ProcessInjector] = []


def injector(*faults: Fault) -> ProcessInjector:
    made = ProcessInjector(Plan([Request("GET", "http://service.test/")], ClosedLoop(1)), faults)
    _made.append(made)
    return made


def in_loop(case: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run ``case``; its injectors are closed even if it fails: uvloop would wait for them."""

    async def carried_out() -> None:
        try:
            await case()
        finally:
            for made in _made:
                with suppress(FaultError):
                    await made.close()
            _made.clear()

    services.in_loop(carried_out)


def state(pid: int) -> str:
    return psutil.Process(pid).status()


def test_a_frozen_process_does_nothing_until_it_is_lifted(service: Service) -> None:
    fault = freeze(service.pid)

    async def case() -> None:
        made = injector(fault)
        await made.prepare()
        for _ in range(2):
            await made.set(fault, HOUR_S)
            assert state(service.pid) == psutil.STATUS_STOPPED
            service.send()
            assert not service.has_responded(0)
            await made.lift(fault)
            assert service.has_responded()
            await made.lift(fault)  # it is off already
        await made.close()

    in_loop(case)


def test_a_frozen_process_goes_on_when_its_lease_is_over(service: Service) -> None:
    fault = freeze(service.pid)

    async def case() -> None:
        made = injector(fault)
        await made.prepare()
        await made.set(fault, HOUR_S)
        await made.renew(fault, 0.01)  # and then nobody renews it
        service.send()
        assert await asyncio.to_thread(service.has_responded)
        with pytest.raises(FaultError, match="lease"):
            await made.renew(fault, HOUR_S)
        with pytest.raises(FaultError, match="lease"):
            await made.close()

    in_loop(case)


HOLDER = """
import asyncio, sys
from benchlab import ClosedLoop, Plan, Request
from benchlab.faults.process import ProcessInjector
from benchlab.plan.faults import Fault

async def hold():
    faults = [Fault.parse(text) for text in sys.argv[1:]]
    made = ProcessInjector(Plan([Request("GET", "http://service.test/")], ClosedLoop(1)), faults)
    await made.prepare()
    for fault in faults:
        await made.set(fault, 3600.0)
    print("set", flush=True)
    await asyncio.sleep(3600.0)

asyncio.run(hold())
"""


def test_no_fault_is_left_when_whoever_holds_it_is_killed(tmp_path: Path) -> None:
    with ExitStack() as stack:
        frozen, killed = (stack.enter_context(closing(Service(cwd=tmp_path))) for _ in range(2))
        new_pid = stack.enter_context(ended_at_last(tmp_path / "pid"))
        faults = [f"freeze pid={frozen.pid}", f'kill pid={killed.pid} restart="{RESTART}" for 1h']
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, *faults],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"set\n"
        assert killed.process.wait(LONG_S) == -signal.SIGKILL
        frozen.send()
        assert not frozen.has_responded(0)
        for child in psutil.Process(holder.pid).children(recursive=True):
            child.kill()
        holder.kill()
        holder.communicate()
        assert frozen.has_responded()
        assert psutil.pid_exists(new_pid())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_guard_that_is_ended_leaves_no_process_frozen(service: Service, number: int) -> None:
    fault = freeze(service.pid)

    async def case() -> None:
        made = injector(fault)
        await made.prepare()
        await made.set(fault, HOUR_S)
        assert psutil.Process(made.guard_pid).parent() != psutil.Process()
        os.kill(made.guard_pid, number)
        service.send()
        if number == signal.SIGTERM:  # the guard itself mends it
            assert await asyncio.to_thread(service.has_responded)
        with pytest.raises(FaultError, match="guard"):
            await made.renew(fault, HOUR_S)
        with pytest.raises(FaultError, match="guard"):
            await made.close()
        if number == signal.SIGKILL:
            assert await asyncio.to_thread(service.has_responded)

    in_loop(case)


def test_a_killed_process_is_started_again_as_it_was_and_can_be_killed_again(
    service: Service, tmp_path: Path
) -> None:
    fault = Fault("kill", pid=service.pid, restart=RESTART, for_s=1)
    again = Fault("freeze", pid=service.pid, at_s=1)

    async def case() -> None:
        made = injector(fault, again)
        await made.prepare()
        await made.set(fault, HOUR_S)
        assert service.process.wait(LONG_S) == -signal.SIGKILL
        setting = asyncio.create_task(made.set(again, HOUR_S))  # it begins as the other one ends
        await asyncio.sleep(0)
        await made.lift(fault)
        await setting  # it is frozen, perhaps before it has written its number
        await made.lift(again)
        started = psutil.Process(await asyncio.to_thread(new_pid))
        assert Path(started.cwd()) == tmp_path.resolve()
        assert os.getsid(started.pid) == started.pid
        await made.set(again, HOUR_S)
        assert state(started.pid) == psutil.STATUS_STOPPED
        await made.close()
        assert started.is_running()
        assert started.status() != psutil.STATUS_STOPPED

    with ended_at_last(tmp_path / "pid") as new_pid:
        in_loop(case)


def test_a_process_that_nothing_starts_again_stays_dead(service: Service) -> None:
    fault = Fault("kill", pid=service.pid)

    async def case() -> None:
        made = injector(fault)
        await made.prepare()
        await made.set(fault, HOUR_S)
        assert service.process.wait(LONG_S) == -signal.SIGKILL
        await made.lift(fault)
        with pytest.raises(FaultError, match="ended"):
            await made.set(fault, HOUR_S)
        await made.close()

    in_loop(case)


async def refusal(*faults: Fault) -> FaultError:
    made = injector(*faults)
    with pytest.raises(FaultError) as refused:
        await made.prepare()
    await made.close()
    return refused.value


def test_no_process_is_touched_that_is_not_a_service_of_the_user(service: Service) -> None:
    worker = Service(sys.executable, "-c", "input()", "-m", "benchlab.load.worker")
    other = _of_another_user()  # None: there is none here
    ended = Service("true")
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # its number stays taken
    refused = {
        1: "first process",
        os.getpid(): "own",
        worker.pid: "own",
        ended.pid: "ended",
    }
    if os.getppid() > 1:
        refused[os.getppid()] = "own"
    if other is not None:
        refused[other.pid] = "another user"

    async def case() -> None:
        for pid, reason in refused.items():
            error = await refusal(freeze(service.pid), freeze(pid))
            assert (error.field, error.value) == ("pid", pid)
            assert reason in error.problem

    with closing(worker), closing(ended):
        in_loop(case)
    if isinstance(other, Service):
        other.close()


def _of_another_user() -> Service | psutil.Process | None:
    if os.getuid() == 0:
        code = "import os; os.setuid(65534); print('hello', flush=True); input()"
        service = Service(sys.executable, "-c", code)
        if service.has_responded():
            return service
        service.close()
    others = (item for item in psutil.process_iter(["uids"]) if item.pid > 1 and item.info["uids"])
    return next((item for item in others if item.info["uids"].real != os.getuid()), None)


def test_a_fault_that_cannot_be_set_says_why(service: Service) -> None:
    missing = Fault("kill", pid=service.pid, restart="no-such-program --port 1", for_s=1)
    at_once = Fault("freeze", pid=service.pid, for_s=2), Fault("freeze", pid=service.pid, at_s=1)
    first = Fault("freeze", pid=service.pid, for_s=0.3)
    second = Fault("freeze", pid=service.pid, at_s=0.3)

    async def case() -> None:
        error = await refusal(missing)
        assert (error.field, error.value) == ("restart", "no-such-program")
        assert "two faults at a time" in (await refusal(*at_once)).problem
        made = injector(first, second)
        await made.prepare()
        await made.set(first, HOUR_S)
        setting = asyncio.create_task(made.set(second, HOUR_S))  # a moment too early
        await made.lift(first)
        await setting
        await made.lift(second)
        os.kill(service.pid, signal.SIGSTOP)
        while state(service.pid) != psutil.STATUS_STOPPED:
            await asyncio.sleep(0.005)
        with pytest.raises(FaultError, match="stopped already"):
            await made.set(first, HOUR_S)
        assert state(service.pid) == psutil.STATUS_STOPPED  # it is not ours to let go on
        await made.close()
        assert state(service.pid) == psutil.STATUS_STOPPED

    in_loop(case)
