"""Faults of a process: freeze it and let it go on, kill it and start it again."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from benchlab.errors import FaultError
from benchlab.faults import guard
from benchlab.plan.faults import Fault
from benchlab.plan.plan import Plan
from benchlab.units import seconds_to_ns

__all__ = ["ProcessInjector"]

_OWN_MODULES = ("benchlab.load", "benchlab.faults", "benchlab.calibration")
_FROZEN_WITHIN_S = 15.0  # less than the patience of who asks
_POLL_S = 0.002


class ProcessInjector:
    """Freezes (SIGSTOP, SIGCONT) or kills (SIGKILL) the processes that a plan names, by number.

    Nothing else is touched, not even their children. A killed process is started again when the
    fault ends, by the command of the plan, in the working directory and with the environment that
    it had. It is the service, so it does not end with the run: it has its own session, and nobody
    reads its output. From then on the plan's number means the new process.

    Signals are sent by a guard, a process of its own (`benchlab.faults.guard`): it undoes a fault
    when this process is gone or a lease is over.
    """

    def __init__(self, plan: Plan, faults: Sequence[Fault]) -> None:
        self._faults = faults
        self._guard = _GuardProcess()
        self._processes: dict[int, psutil.Process] = {}
        self._turns: dict[int, asyncio.Lock] = {}
        self._on: list[Fault] = []

    @property
    def resolve(self) -> Mapping[str, str]:
        """Empty: connections go where they always go."""
        return {}

    @property
    def guard_pid(self) -> int:
        """The guard, which undoes what is on when this process is gone; 0 before `prepare`."""
        return self._guard.pid

    async def prepare(self) -> None:
        """Check that the processes exist and may be touched, and the commands too; start the guard.

        Raises:
            FaultError: one may not, has two faults at a time, or a command is not found.
        """
        _check_times(self._faults)
        pids = dict.fromkeys(map(_pid, self._faults))
        self._processes = {pid: _checked(pid) for pid in pids}
        self._turns = {pid: asyncio.Lock() for pid in pids}
        for fault in self._faults:
            _check_command(fault, self._processes[_pid(fault)])
        await self._guard.start()
        for pid, process in self._processes.items():
            await self._guard.ask(do="name", pid=pid)
            if not process.is_running():  # what the guard holds now may be a later one
                raise _ended(pid)

    async def set(self, fault: Fault, lease_s: float) -> None:
        """Freeze or kill the process of ``fault``; returns when that has happened.

        It waits for the end of a fault that ends as this one begins.

        Raises:
            FaultError: it has ended, or is stopped by somebody else.
        """
        pid = _pid(fault)
        await self._turns[pid].acquire()
        process = self._processes[pid]  # only now: it may just have been started again
        self._on.append(fault)  # if this is cancelled, it may be on
        try:
            _check_state(process, pid)
            argv = _argv(fault)
            kept = _kept(process) if argv else {"cwd": None, "env": None}
            await self._guard.ask(do=fault.kind, pid=pid, lease_s=lease_s, argv=argv, **kept)
        except FaultError:
            self._forget(fault)
            raise
        if fault.kind == "freeze":
            await _await_stop(process, pid)

    async def renew(self, fault: Fault, lease_s: float) -> None:
        """Let the guard wait another ``lease_s``."""
        await self._guard.ask(do="renew", pid=_pid(fault), lease_s=lease_s)

    async def lift(self, fault: Fault) -> None:
        """Let the process go on, or start it again; returns when that has been done.

        Raises:
            FaultError: it has ended in the meantime, or its command cannot be started.
        """
        if fault not in self._on:
            return
        pid = _pid(fault)
        try:
            response = await self._guard.ask(do="lift", pid=pid)
            if fault.kind == "kill" and _argv(fault):
                self._processes[pid] = psutil.Process(response["pid"])
        except psutil.NoSuchProcess as exc:
            raise _ended(pid) from exc
        except FaultError:
            if self._guard.has_ended and fault.kind == "freeze":
                with suppress(psutil.Error):
                    self._processes[pid].resume()
            raise
        finally:
            self._forget(fault)

    async def close(self) -> None:
        """Undo what is still on, and end the guard."""
        try:
            for fault in tuple(self._on):
                await self.lift(fault)
        finally:
            await self._guard.close()

    def _forget(self, fault: Fault) -> None:
        self._on.remove(fault)
        self._turns[_pid(fault)].release()


class _GuardProcess:
    """The guard as this process sees it."""

    def __init__(self) -> None:
        self.pid = 0
        self.has_ended = False
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Start it."""
        own, its = socket.socketpair()
        try:
            parent = subprocess.Popen(
                (sys.executable, "-I", "-S", str(Path(guard.__file__))),
                stdin=its.fileno(),
                stdout=its.fileno(),
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the run, and so is the end of a terminal
            )
        except OSError as exc:
            own.close()
            raise FaultError(
                f"the guard of frozen processes cannot be started ({exc.strerror})"
            ) from exc
        finally:
            its.close()
        self._reader, self._writer = await asyncio.open_unix_connection(sock=own)
        line = await self._reader.readline()
        await asyncio.to_thread(parent.wait)
        if not line:
            raise FaultError("the guard of frozen processes ended as it began")
        self.pid = json.loads(line)["pid"]

    async def ask(self, **command: Any) -> dict[str, Any]:
        """Have ``command`` carried out; returns the response.

        Raises:
            FaultError: it cannot be carried out, or the guard has ended.
        """
        pid = command["pid"]
        # A caller that gives up leaves no response behind that the next one would take for its own.
        response = await asyncio.shield(asyncio.ensure_future(self._exchange(command)))
        if not response:
            self.has_ended = True
            raise FaultError("the guard, which watches over it, has ended", field="pid", value=pid)
        if "error" in response:
            raise FaultError(response["error"], field="pid", value=pid)
        return response

    async def close(self) -> None:
        """End it, which undoes all that is still on."""
        if self._reader is None or self._writer is None:
            return
        with suppress(OSError, RuntimeError):  # it has ended
            self._writer.write_eof()
            await self._reader.read()
        self._writer.close()

    async def _exchange(self, command: dict[str, Any]) -> dict[str, Any]:
        """The response to ``command``; empty if the guard has ended."""
        assert self._reader is not None
        assert self._writer is not None
        line = b""
        async with self._turn:
            with suppress(OSError):
                if not self._writer.is_closing():
                    self._writer.write(json.dumps(command).encode() + b"\n")
                line = await self._reader.readline()
        response: dict[str, Any] = json.loads(line or b"{}")
        return response


def _pid(fault: Fault) -> int:
    pid: int = fault.options["pid"]
    return pid


def _argv(fault: Fault) -> list[str]:
    return shlex.split(fault.options.get("restart", ""))


def _checked(pid: int) -> psutil.Process:
    """The process ``pid``, which may be touched.

    Raises:
        FaultError: it may not, or there is none.
    """
    if pid <= 1:
        raise FaultError("is the system's first process", field="pid", value=pid)
    try:
        process = psutil.Process(pid)
        user = process.uids().real
        state = process.status()
        argv = process.cmdline()
    except psutil.NoSuchProcess as exc:
        raise _ended(pid) from exc
    except psutil.AccessDenied as exc:
        raise FaultError("belongs to another user", field="pid", value=pid) from exc
    if state == psutil.STATUS_ZOMBIE:
        raise _ended(pid)
    if user != os.getuid():
        raise FaultError(
            f"belongs to another user (number {user})",
            field="pid",
            value=pid,
            remedy="make the run as the user of the service",
        )
    me = psutil.Process()
    if process in (me, *me.parents()) or _is_own(argv):
        raise FaultError(
            "is one of the run's own processes",
            field="pid",
            value=pid,
            remedy="name a process of the service",
        )
    return process


def _check_times(faults: Sequence[Fault]) -> None:
    """Refuse two faults of one process at the same time: the end of one would end the other."""
    for pid in dict.fromkeys(map(_pid, faults)):
        own = sorted((fault for fault in faults if _pid(fault) == pid), key=lambda item: item.at_s)
        for fault, following in pairwise(own):
            is_over = fault.for_s is not None and seconds_to_ns(
                fault.at_s + fault.for_s
            ) <= seconds_to_ns(following.at_s)
            if not is_over:
                raise FaultError(
                    f"has two faults at a time, {fault} and {following}",
                    field="pid",
                    value=pid,
                    remedy="let the first one end before the other begins",
                )


def _check_state(process: psutil.Process, pid: int) -> None:
    """Refuse a process that has ended, or that is stopped: it is not ours to let go on."""
    state = _state(process)
    if state in ("", psutil.STATUS_ZOMBIE):
        raise _ended(pid)
    if state == psutil.STATUS_STOPPED:
        raise FaultError(
            "is stopped already, by somebody else",
            field="pid",
            value=pid,
            remedy=f"let it go on (kill -CONT {process.pid})",
        )


def _is_own(argv: list[str]) -> bool:
    """Whether these are the arguments of a process that makes load: a worker, a supervisor."""
    module = argv[argv.index("-m") + 1 :][:1] if "-m" in argv else []
    return any(name == own or name.startswith(f"{own}.") for name in module for own in _OWN_MODULES)


def _check_command(fault: Fault, process: psutil.Process) -> None:
    argv = _argv(fault)
    if not argv:
        return
    kept = _kept(process)
    program = argv[0]
    directory = kept["cwd"] or os.getcwd()
    # Where the guard will look: a path is relative to the working directory, a name is in PATH.
    place = os.path.join(directory, program) if os.sep in program else program
    if shutil.which(place, path=(kept["env"] or os.environ).get("PATH")) is None:
        raise FaultError(
            "is not found, or cannot be executed",
            field="restart",
            value=program,
            remedy=f"give its whole path, or one from {directory}",
        )


def _kept(process: psutil.Process) -> dict[str, Any]:
    """Working directory and environment of a process, for the one that takes its place.

    None, which means this process's, where the system does not tell.
    """
    try:
        return {"cwd": process.cwd() or None, "env": process.environ() or None}
    except (psutil.Error, OSError):
        return {"cwd": None, "env": None}


def _state(process: psutil.Process) -> str:
    """The process's state, empty if it has ended."""
    try:
        return process.status() if process.is_running() else ""
    except psutil.NoSuchProcess:
        return ""


async def _await_stop(process: psutil.Process, pid: int) -> None:
    """Wait until the system has stopped it: a signal is on its way for a moment."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _FROZEN_WITHIN_S
    while (state := _state(process)) != psutil.STATUS_STOPPED:
        if not state:
            raise _ended(pid)
        if loop.time() > deadline:
            raise FaultError(
                f"was not frozen within {_FROZEN_WITHIN_S:.0f} s", field="pid", value=pid
            )
        await asyncio.sleep(_POLL_S)


def _ended(pid: int) -> FaultError:
    return FaultError(
        "no process has this number, or it has ended",
        field="pid",
        value=pid,
        remedy="start the service first, and name the number that it has now",
    )
