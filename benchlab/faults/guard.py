"""A small process that stops and kills the processes of a plan, and always mends them again.

It is a program of its own, run by its path: it imports nothing but the standard library, has a
session of its own and is nobody's child, so that whoever kills a run with its descendants leaves
it. What it did is undone as soon as its standard input ends, a lease is over, or a signal ends it:
a frozen process goes on, and a killed one is started again. So no fault stays behind when
everything else of a run is killed.

It first prints ``{"pid": …}``, its own. Then each line of its standard input is a command, a JSON
object, and gets one as its response: ``{"pid": …}``, or ``{"error": …}``.

{"do": "name", "pid": …}                            the process that later commands call by this pid
{"do": "freeze", "pid": …, "lease_s": …}
{"do": "kill", "pid": …, "lease_s": …, "argv": … or null, "cwd": …, "env": …}
{"do": "renew", "pid": …, "lease_s": …}
{"do": "lift", "pid": …}
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import subprocess
import sys
import time
from typing import Any

_GONE_WITHIN_S = 15.0  # less than the patience of who asks
_POLL_S = 0.005
_DEVNULL = subprocess.DEVNULL


class _Process:
    """A process that is told apart from a later one of the same number, where the system can."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._child: subprocess.Popen[bytes] | None = None
        self._fd = _descriptor_of(pid)

    @classmethod
    def started(cls, argv: list[str], cwd: str | None, env: dict[str, str] | None) -> _Process:
        """Start ``argv`` in a session of its own, which outlives this process."""
        child = subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdin=_DEVNULL,
            stdout=_DEVNULL,
            stderr=_DEVNULL,
            start_new_session=True,
        )
        process = cls(child.pid)
        process._child = child
        return process

    def send(self, number: int) -> None:
        """Send a signal.

        Raises:
            ProcessLookupError: it has ended.
        """
        if self._fd is not None:
            signal.pidfd_send_signal(self._fd, number)
        else:
            os.kill(self.pid, number)

    def has_ended(self) -> bool:
        """Whether it has ended, though its parent may not know yet."""
        if self._child is not None:
            return self._child.poll() is not None
        if self._fd is not None:
            return bool(select.select([self._fd], [], [], 0)[0])
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        return False


class _Held:
    """A fault that is on."""

    def __init__(self, command: dict[str, Any]) -> None:
        self.command = command
        self.until = 0.0
        self.renew(command["lease_s"])

    def renew(self, lease_s: float) -> None:
        self.until = time.monotonic() + lease_s


class Guard:
    """Carries out commands, and undoes what was not lifted in time."""

    def __init__(self) -> None:
        self._processes: dict[int, _Process] = {}
        self._held: dict[int, _Held] = {}

    def do(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carry out ``command``; returns the response."""
        name = command["pid"]
        try:
            match command["do"]:
                case "name":
                    self._processes[name] = _Process(name)
                case "renew":
                    self._held[name].renew(command["lease_s"])
                case "lift":
                    self._undo(name)
                case _:
                    self._begin(name, command)
        except ProcessLookupError:
            return {"error": "it has ended"}
        except KeyError:
            return {"error": "the fault is over: its lease has expired"}
        except OSError as exc:
            return {"error": f"{exc.filename or ''} {exc.strerror}".strip()}
        return {"pid": self._processes[name].pid}

    def undo_expired(self) -> None:
        """Undo the faults whose lease is over."""
        now = time.monotonic()
        for name in [name for name, held in self._held.items() if held.until <= now]:
            self._undo_anyway(name)

    def undo_all(self) -> None:
        """Undo every fault that is on."""
        for name in tuple(self._held):
            self._undo_anyway(name)

    def next_end_s(self) -> float | None:
        """Seconds until the first lease is over; None if no fault is on."""
        ends = [held.until for held in self._held.values()]
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _begin(self, name: int, command: dict[str, Any]) -> None:
        process = self._processes[name]
        is_freeze = command["do"] == "freeze"
        self._held[name] = _Held(command)  # before the signal: whatever happens, it is undone
        try:
            process.send(signal.SIGSTOP if is_freeze else signal.SIGKILL)
            if not is_freeze:
                _wait_for_end(process)
        except OSError:
            del self._held[name]
            raise

    def _undo(self, name: int) -> None:
        command = self._held.pop(name).command
        if command["do"] == "freeze":
            self._processes[name].send(signal.SIGCONT)
        elif command["argv"]:
            started = _Process.started(command["argv"], command["cwd"], command["env"])
            self._processes[name] = started

    def _undo_anyway(self, name: int) -> None:
        try:
            self._undo(name)
        except OSError as exc:  # it has ended, or its command is gone: nobody is left to hear it
            print(f"pid {name}: {exc}", file=sys.stderr)


def _descriptor_of(pid: int) -> int | None:
    """A descriptor of a process, None where the system has none.

    Raises:
        ProcessLookupError: it has ended.
    """
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError as exc:
        if exc.errno in (errno.ENOSYS, errno.EPERM):  # an old kernel, a sandbox
            return None
        raise


def _wait_for_end(process: _Process) -> None:
    deadline = time.monotonic() + _GONE_WITHIN_S
    while not process.has_ended():
        if time.monotonic() > deadline:
            raise TimeoutError(0, f"does not end within {_GONE_WITHIN_S:.0f} s of SIGKILL")
        time.sleep(_POLL_S)


def main() -> None:
    """Carry out commands until standard input or a signal ends it."""
    if os.fork():
        os._exit(0)
    signalled = _ending_signals()
    guard = Guard()
    try:
        _respond({"pid": os.getpid()})
        rest = b""
        while True:
            ready = select.select([0, signalled], [], [], guard.next_end_s())[0]
            if signalled in ready:
                return
            if not ready:
                guard.undo_expired()
                continue
            data = os.read(0, 65536)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                _respond(guard.do(json.loads(line)))
    finally:
        guard.undo_all()


def _ending_signals() -> int:
    """A descriptor that is readable once a signal is to end this process.

    A signal interrupts nothing: between taking a fault off the list and undoing it, that would
    leave the fault behind.
    """
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: None)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    return readable


def _respond(response: dict[str, Any]) -> None:
    os.write(1, json.dumps(response).encode() + b"\n")


if __name__ == "__main__":
    main()
