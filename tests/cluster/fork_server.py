"""Processes of a cluster, forked from one that has imported what all of them need.

Importing Dask takes a second of processor time, and a cluster is six processes. ``python -m
tests.cluster.fork_server`` imports it once. It reads orders from standard input, a JSON object per
line, and forks a process for each, which may be in other namespaces than its parent: on a network,
a host name and a clock of its own. What a process says comes back on standard output.

None outlives the fork server, nor that the process that started it.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import random
import signal
import socket
import sys
import traceback
from typing import Any

CLONE_NEWTIME = 0x00000080
CLONE_NEWUTS = 0x04000000
CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1

_IMPORTED = (
    "tests.cluster.roles",  # and Dask
    "benchlab.load.run",
    "benchlab.load.cluster.workers",
    "benchlab.load.cluster.agents",
    "benchlab.runs.run",
)

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(kinds: int) -> None:
    """Give this process namespaces of its own, for time its children alone."""
    _checked(_libc.unshare(kinds))


def join_namespace(descriptor: int, kind: int) -> None:
    """Join the namespace behind ``descriptor``, which is closed."""
    _checked(_libc.setns(descriptor, kind))
    os.close(descriptor)


def namespace(kind: str, pid: int | str = "self") -> int:
    """A descriptor of a process's namespace."""
    return os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)


def _checked(result: int) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def main() -> None:
    """Fork a process for each order until standard input ends."""
    for module in _IMPORTED:
        importlib.import_module(module)
    gc.freeze()  # or collecting would copy the memory that all processes share
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for the test
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that nobody has to wait for them
    own_time = namespace("time")
    for line in sys.stdin:
        order = json.loads(line)
        if order["clock_s"]:
            unshare(CLONE_NEWTIME)
            with open("/proc/self/timens_offsets", "w") as offsets:
                offsets.write(f"monotonic {order['clock_s']} 0\nboottime {order['clock_s']} 0\n")
        pid = os.fork()
        if not pid:
            _become(order)
        if order["clock_s"]:
            join_namespace(os.dup(own_time), CLONE_NEWTIME)
        _say(1, order["name"], pid, None)


def _become(order: dict[str, Any]) -> None:
    """Be the process that was ordered; does not return."""
    status = 1
    try:
        _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL))
        os.setsid()
        for number in (signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        output = os.dup(1)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for descriptor, to in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2)):
            os.dup2(descriptor, to)
        if order["network"]:
            join_namespace(namespace("net", order["network"]), CLONE_NEWNET)
        if order["host_name"]:
            unshare(CLONE_NEWUTS)
            socket.sethostname(order["host_name"])
        os.environ.update(order["environment"])
        random.seed()
        module, _, function = order["call"].partition(":")
        call = getattr(importlib.import_module(module), function)
        call(lambda said: _say(output, order["name"], os.getpid(), said), **order["arguments"])
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _say(output: int, name: str, pid: int, said: object) -> None:
    """Write a line, at once and so never mixed with another's."""
    os.write(output, json.dumps({"name": name, "pid": pid, "said": said}).encode() + b"\n")


if __name__ == "__main__":
    main()
