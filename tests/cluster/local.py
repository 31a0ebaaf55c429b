"""A real Dask cluster on this machine: a scheduler, and Dask workers that have disks of their own.

>>> with start_cluster(directory) as cluster:             # doctest: +SKIP
...     bl.run(plan, cluster=cluster.address)
...     cluster.hosts[0].kill()

Each part is a process that can be killed, stopped and started again with the same disk. Nothing is
left behind: the fork server, whose children all of them are, ends with the process that started it.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchlab.load.cluster.timing import Patience
from benchlab.spool import is_in_use
from benchlab.units import NS_PER_S

__all__ = [
    "LENIENT",
    "LOOPBACK",
    "PATIENT",
    "Cluster",
    "ForkServer",
    "Host",
    "Part",
    "start_cluster",
    "start_fork_server",
]

ROOT = Path(__file__).parents[2]
LOOPBACK = "127.0.0.1"
PATIENCE_S = 120.0
"""How long anything may take on a busy machine."""

PATIENT = Patience(lease_s=120, lost_s=150, call_s=60, ready_s=240, collect_s=240)
"""Of a parent on a busy machine, whose hosts are on it too and may stand still for a while."""

LENIENT = {"benchlab.load.cluster.agent:LATE_LIMIT_NS": 120 * NS_PER_S}
"""Of hosts there: the ``patches`` of a cluster in which no test stops a host."""


@dataclass
class Part:
    """A process of the cluster: alive, stopped or dead."""

    name: str
    process: psutil.Process
    log: Path
    heard: queue.SimpleQueue[Any] = field(repr=False)

    @property
    def is_alive(self) -> bool:
        """Whether the process is there."""
        return self.process.is_running()

    def hear(self) -> Any:
        """The next thing that it says; one that ends without a word fails the test."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            alive = self.is_alive
            try:
                return self.heard.get(timeout=0.2)
            except queue.Empty:
                assert alive, f"{self.name} has ended:\n{self.read_log()}"
        raise AssertionError(f"{self.name} says nothing:\n{self.read_log()}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it is alive."""
        if self.is_alive:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once, as kill -9 does."""
        self.send(signal.SIGKILL)
        self.await_end()

    def await_end(self) -> None:
        """Wait until the process has ended."""
        _, alive = psutil.wait_procs([self.process], timeout=PATIENCE_S)
        assert not alive, f"{self.name} does not end:\n{self.read_log()}"

    def read_log(self) -> str:
        """Its standard error."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@dataclass
class Host(Part):
    """A Dask worker, and the disk that its workers of benchlab write to."""

    number: int = 0
    address: str = ""
    disk: Path = Path()

    @property
    def shares(self) -> list[Path]:
        """The directories of shares of runs on its disk (`benchlab.spool.share`)."""
        return [path.parent for path in (self.disk / "shares").glob("*/[!.]*/share.json")]

    @property
    def generators(self) -> list[psutil.Process]:
        """The worker processes of benchlab that write to its disk, whoever their parent is."""
        return generators(self.disk)


def generators(below: Path) -> list[psutil.Process]:
    """The living worker processes of benchlab whose data directory is ``below`` this one."""
    return [process for process in psutil.process_iter() if _generates(process, below)]


def _generates(process: psutil.Process, below: Path) -> bool:
    try:
        if "benchlab.load.worker" not in process.cmdline():
            return False  # nor has a zombie a command line
        return Path(process.environ().get("BENCHLAB_DATA_DIR", "/")).is_relative_to(below)
    except psutil.Error:
        return False


class ForkServer:
    """The process that forks all others (`tests.cluster.fork_server`)."""

    def __init__(self) -> None:
        self._heard: defaultdict[int, queue.SimpleQueue[Any]] = defaultdict(queue.SimpleQueue)
        self._forked: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._processes: list[psutil.Process] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.fork_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
        self._thread = threading.Thread(target=self._listen, name="fork server", daemon=True)
        self._thread.start()

    def fork(
        self,
        name: str,
        role: str,
        arguments: Mapping[str, Any],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        network: Part | None = None,
        host_name: str = "",
        clock_s: int = 0,
    ) -> Part:
        """Start a process called ``name``, which is ``role``, a function as ``module:name``.

        It is on the network of another, has a host name of its own, and its monotonic clock shows
        ``clock_s`` more than this one's.
        """
        order = {
            "name": name,
            "call": role,
            "arguments": arguments,
            "log": str(log),
            "environment": environment or {},
            "network": network.process.pid if network else None,
            "host_name": host_name,
            "clock_s": clock_s,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        pid = self._forked.get(timeout=PATIENCE_S)
        assert pid, "the fork server could not start"
        process = psutil.Process(pid)
        self._processes.append(process)
        return Part(name, process, log, self._heard[pid])

    def close(self) -> None:
        """End it, and with it all processes that it has forked."""
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._thread.join()
        psutil.wait_procs(self._processes, timeout=PATIENCE_S)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            if told["said"] is None:
                self._forked.put(told["pid"])
            else:
                self._heard[told["pid"]].put(told["said"])
        self._forked.put(0)


@dataclass
class Cluster:
    """A scheduler and Dask workers, called hosts, in ``directory``."""

    forks: ForkServer
    directory: Path
    host_address: str = LOOPBACK
    patches: Mapping[str, Any] = field(default_factory=dict)
    scheduler: Part = field(init=False)
    address: str = ""
    hosts: list[Host] = field(default_factory=list)

    def start_scheduler(self) -> None:
        """Start the scheduler, on the port that it had before."""
        port = int(self.address.rpartition(":")[2] or 0)
        arguments = {"host": self.host_address, "port": port}
        log = self.directory / "scheduler.log"
        self.scheduler = self.forks.fork("scheduler", _role("scheduler"), arguments, log)
        self.address = self.scheduler.hear()

    def start_hosts(self, numbers: Sequence[int], **options: Any) -> list[Host]:
        """Start Dask workers, at once; each number has a disk, which stays when its process ends.

        ``options`` are those of `start_host`.
        """
        started = [self.start_host(number, **options) for number in numbers]
        for host in started:
            host.address = host.hear()
        return started

    def start_host(
        self,
        number: int,
        *,
        address: str = "",
        network: Part | None = None,
        clock_s: int = 0,
        disk: Path | None = None,
        patches: Mapping[str, Any] | None = None,
    ) -> Host:
        """Start the Dask worker of this number; it has no address before it has said it."""
        name = f"host-{number}"
        place = self.directory / name
        place.mkdir(exist_ok=True)
        disk = disk or place / "data"
        part = self.forks.fork(
            name,
            _role("dask_worker"),
            {
                "scheduler": self.address,
                "host": address or self.host_address,
                "name": name,
                "directory": str(place),
                "patches": {**self.patches, **(patches or {})},
            },
            place / "dask-worker.log",
            environment={"BENCHLAB_DATA_DIR": str(disk)},
            network=network,
            host_name=name if network else "",
            clock_s=clock_s,
        )
        host = Host(part.name, part.process, part.log, part.heard, number=number, disk=disk)
        self.hosts = sorted(
            [*(other for other in self.hosts if other.number != number), host],
            key=lambda other: other.number,
        )
        return host

    @property
    def generators(self) -> list[psutil.Process]:
        """The living worker processes of benchlab on all hosts."""
        return generators(self.directory)

    def await_quiet(self) -> None:
        """Wait until no worker process of benchlab is left on any host."""
        self._await(lambda: not self.generators)

    def await_free_shares(self) -> None:
        """Wait until no agent holds what is on its disk, since its lease has ended."""
        shares = [share for host in self.hosts for share in host.shares]
        self._await(lambda: not any(map(is_in_use, shares)))

    def _await(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, [host.read_log() for host in self.hosts]
            time.sleep(0.2)

    def close(self) -> None:
        """End all of it."""
        parts: list[Part] = [*self.hosts, *([self.scheduler] if hasattr(self, "scheduler") else [])]
        for part in parts:
            part.send(signal.SIGKILL)
        for part in parts:
            part.await_end()
        self.await_quiet()


def _role(name: str) -> str:
    return f"tests.cluster.roles:{name}"


@contextmanager
def start_fork_server() -> Iterator[ForkServer]:
    """A fork server, which ends at the end of the block with all that it has forked."""
    forks = ForkServer()
    try:
        yield forks
    finally:
        forks.close()


@contextmanager
def start_cluster(
    directory: Path,
    hosts: int = 4,
    *,
    forks: ForkServer | None = None,
    patches: Mapping[str, Any] | None = None,
) -> Iterator[Cluster]:
    """A cluster of ``hosts`` Dask workers on loopback, which ends at the end of the block.

    ``patches`` are values of attributes in the Dask workers, by ``module:attribute``.
    """
    if forks is None:
        with (
            start_fork_server() as own,
            start_cluster(directory, hosts, forks=own, patches=patches) as cluster,
        ):
            yield cluster
        return
    cluster = Cluster(forks, directory, patches=patches or {})
    try:
        cluster.start_scheduler()
        cluster.start_hosts(range(hosts))
        yield cluster
    finally:
        cluster.close()
