"""The hosts that carry out one run together."""

from __future__ import annotations

import asyncio
import pickle
import threading
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchlab import spool
from benchlab.load.cluster.asked import SamplesTo
from benchlab.load.cluster.connect import ClusterConnection
from benchlab.load.cluster.delivery import Sink
from benchlab.load.cluster.direct import deliver
from benchlab.load.cluster.host_link import HostLink
from benchlab.load.cluster.mirror import Mirror, StepTable
from benchlab.load.cluster.remote_worker import RemoteWorker
from benchlab.load.cluster.timing import Patience
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.plan.plan import Plan
from benchlab.runs.run import Run
from benchlab.spool.cluster_file import ClusterFile, write_cluster
from benchlab.spool.share import Share
from benchlab.units import NS_PER_MS

__all__ = ["Team"]

_LEAD_NS = 50 * NS_PER_MS
_SENT_AT_ONCE_BYTES = 64 << 20
"""A plan with recorded requests may be large, and each host gets a copy."""
_CLOCKS_AT_ONCE = 4
"""Round trips of more at a time would wait for each other in the parent."""


class Team:
    """Hosts, their workers, and what is done for all of them.

    Methods are called in the thread of the run; coroutines run in that of the ``connection``.
    """

    def __init__(
        self,
        connection: ClusterConnection,
        shares: Sequence[Sequence[int]],
        patience: Patience,
        sink: Sink | None = None,
    ) -> None:
        """``shares`` are the numbers of the workers of each host, in order of its Dask workers.

        The samples come back to this process, or go to ``sink`` if there is one.
        """
        self._sink = sink
        self._connection = connection
        self._key = uuid.uuid4().hex
        self._patience = patience
        self.links = [
            HostLink(
                connection,
                address,
                number,
                f"{self._key}-{number}",
                [RemoteWorker(worker, self, patience.ready_s) for worker in share],
                patience,
                len(shares),
                self._show_hosts,
            )
            for number, (address, share) in enumerate(
                zip(connection.dask_workers, shares, strict=False)
            )
        ]
        self._link_of = {worker: link for link in self.links for worker in link.workers}
        self._directory: Path | None = None
        self._files: Mapping[str, bytes] = {}
        self._sending = asyncio.Semaphore(1)
        self._ending = threading.Lock()
        self._has_ended = False

    @property
    def workers(self) -> list[RemoteWorker]:
        """The handles of all workers, by their numbers."""
        return [self._link_of[number].workers[number] for number in sorted(self._link_of)]

    @property
    def lead_ns(self) -> int:
        """How long before the start all hosts have to be told of it, by the measured clocks."""
        trips = [link.clock.round_trip_ns for link in self.links if link.clock is not None]
        return _LEAD_NS + 10 * max(trips, default=0) + 2 * NS_PER_MS * len(self.links)

    def host_of(self, worker: int) -> str:
        """Where a worker is, and what happened to its host."""
        link = self._link_of[worker]
        return f"{link.name} at {link.address}{', ' + link.lost if link.lost else ''}"

    def open(self) -> None:
        """Start the agents and their worker processes.

        Raises:
            BenchlabError: some cannot be started.
        """
        self._each([link.open() for link in self.links])

    def check(self, plan: Plan, files: Mapping[str, bytes]) -> Plan:
        """Check that every host can carry out its share; returns ``plan`` as it will be sent.

        Raises:
            InputError: it cannot be carried out on a host.
            TargetError: a host cannot reach a service.
            StoreError: a host cannot reach the sink.
        """
        self._files = files
        data = plan.to_dict()
        size = len(pickle.dumps((data, files)))
        self._sending = asyncio.Semaphore(max(1, _SENT_AT_ONCE_BYTES // size))
        found = self._each(
            [
                link.check(data, files, self._sending, describe=not link.number, sink=self._sink)
                for link in self.links
            ]
        )
        return Plan.from_dict(found[0]) if found[0] is not None else plan

    def assign(self, directory: Path) -> None:
        """Assign all workers their shares of the run in the spool ``directory``; once."""
        if self._directory is not None:
            return
        self._directory = directory
        self.write_cluster()
        plan = spool.read_plan(directory)
        data, head = plan.to_dict(), (directory / spool.HEAD).read_bytes()
        steps = None if plan.scenario is None else StepTable(directory)
        clocks = asyncio.Semaphore(_CLOCKS_AT_ONCE)
        for link in self.links:
            workers = tuple(link.workers)
            share = Share(directory.name, link.number, workers, plan.workers, self._samples)
            mirror = Mirror(directory, workers, steps, direct=share.is_direct)
            self._connection.submit(
                link.follow(
                    directory,
                    share,
                    head,
                    data,
                    self._files,
                    mirror,
                    self._sending,
                    clocks,
                    self._sink,
                )
            )

    def tell(self, worker: int, command: str) -> None:
        """Send a command to a worker."""
        if command.startswith("start") and worker == 0:
            self.write_hosts()
        link = self._link_of[worker]
        self._connection.post(link.tell, worker, command)

    def end(self, *, was_started: bool) -> None:
        """End all workers, fetch what is left, and write what is known of the hosts; once."""
        with self._ending:
            if self._has_ended:
                return
            self._has_ended = True
            self._connection.finish([link.conclude(was_started=was_started) for link in self.links])
            if was_started:
                self._write_all()

    def collect(self, directory: Path, plan: Plan, stop: StopSignal | None) -> Run:
        """The run in the spool ``directory``, whose workers have ended.

        Raises:
            StoreError: its samples go to a sink, and could not be stored there. Its hosts keep
                what was measured.
            KeyboardInterrupt: ``stop`` was requested once more meanwhile. They do so then too.
        """
        if self._sink is None:
            return spool.read_run(directory, plan)
        whole = [link for link in self.links if link.is_whole]
        return deliver(
            self._connection,
            whole,
            self._sink,
            directory,
            plan,
            self._patience,
            stop,
            self._write_all,
        )

    def _write_all(self) -> None:
        with suppress(OSError):  # a full disk
            self.write_hosts()
            self.write_cluster()

    @property
    def _samples(self) -> SamplesTo:
        return "parent" if self._sink is None else "direct"

    def dispose(self) -> None:
        """Close the pipes of all workers."""
        for worker in self.workers:
            worker.dispose()

    def write_hosts(self) -> None:
        """Write what is known of the hosts to the run's spool."""
        if self._directory is not None:
            spool.write_hosts(self._directory, [link.record for link in self.links])

    def _show_hosts(self) -> None:
        """Show whoever watches the run which hosts are lost; called in the connection's thread."""
        with suppress(OSError):  # a full disk: they are written again in the end
            self.write_hosts()

    def write_cluster(self) -> None:
        """Write to the run's spool where the rest of it is, and which shares are whole."""
        if self._directory is None:
            return
        complete = [number for link in self.links if link.is_whole for number in link.workers]
        found = ClusterFile(
            scheduler=self._connection.scheduler,
            hosts=tuple(link.address for link in self.links),
            complete=tuple(sorted(complete)),
            samples=self._samples,
        )
        write_cluster(self._directory, found)

    def _each(self, doing: Sequence[Any]) -> list[Any]:
        """The results of coroutines that are carried out at once.

        Raises:
            BenchlabError: the first one's.
        """

        async def all_of_them() -> list[Any]:
            return await asyncio.gather(*doing)

        return self._connection.wait(self._connection.submit(all_of_them()))
