"""The parent's end of one host: follows its agent from the start of a run to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchlab import spool
from benchlab.errors import BenchlabError, InputError, WorkerError
from benchlab.load.cluster.agent import HostFacts
from benchlab.load.cluster.agents import GONE, call_agent, start_agent
from benchlab.load.cluster.clock import ClockReading, measure_clock
from benchlab.load.cluster.connect import ClusterConnection, HostGoneError, HostUnreachableError
from benchlab.load.cluster.delivery import DeliveryState, Sink
from benchlab.load.cluster.mirror import Mirror
from benchlab.load.cluster.reading import SMALLEST_BYTES, Reading, chunk_bytes
from benchlab.load.cluster.remote_worker import RemoteWorker
from benchlab.load.cluster.timing import Patience
from benchlab.processes.events import Event
from benchlab.runs.health import WorkerHealth
from benchlab.runs.host_record import HostRecord
from benchlab.spool.share import Share

__all__ = ["HostLink"]

_RETRY_S = 0.2


class HostLink:
    """What the parent knows of one host, and does with its agent.

    Its coroutines run in the thread of the ``connection``. ``workers`` are the handles of the
    workers on this host, ``number`` that of the host in the run.
    """

    def __init__(
        self,
        connection: ClusterConnection,
        address: str,
        number: int,
        key: str,
        workers: Sequence[RemoteWorker],
        patience: Patience,
        hosts: int,
        on_change: Callable[[], None],
    ) -> None:
        """The run has so many ``hosts``. ``on_change`` is called when this one is lost, or heard
        again.
        """
        self.address = address
        self.number = number
        self.workers = {worker.number: worker for worker in workers}
        self.facts: HostFacts | None = None
        self.clock: ClockReading | None = None
        self.lost = ""
        self.is_whole = False
        self._connection = connection
        self._key = key
        self._patience = patience
        self._poll_s = patience.poll_every_s(hosts)
        self._on_change = on_change
        self._drift_ns: int | None = None
        self._late_ns = 0
        self._directory: Path | None = None
        self._mirror: Mirror | None = None
        self._seen = 0
        self._most_bytes = self._chunk_bytes = chunk_bytes(hosts)
        self._heard_s = time.monotonic()
        self._is_gone = self._keeps_share = False
        self._ending = asyncio.Event()
        self._commands: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        self._keeping: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def name(self) -> str:
        """The host name of its machine, or the address while that is not known."""
        return self.address if self.facts is None else self.facts.name

    @property
    def record(self) -> HostRecord:
        """What the run keeps of this host."""
        return HostRecord(
            address=self.address,
            name=self.name,
            workers=tuple(self.workers),
            clock_offset_ns=0 if self.clock is None else self.clock.offset_ns,
            clock_error_ns=0 if self.clock is None else self.clock.error_ns,
            clock_drift_ns=self._drift_ns,
            start_late_ns=self._late_ns,
            lost=self.lost,
        )

    async def open(self) -> None:
        """Start the agent and its worker processes.

        Raises:
            BenchlabError: it cannot be started.
        """
        try:
            self.facts = await self._connection.call(
                self.address,
                start_agent,
                self._key,
                tuple(self.workers),
                self._patience.lease_s,
                timeout_s=self._patience.ready_s,
            )
        except HostUnreachableError as exc:
            raise WorkerError(f"the host {self.address} does not respond ({exc})") from exc
        except BenchlabError as exc:
            raise self._named(exc) from exc
        self._keeping = asyncio.create_task(self._keep_lease())

    async def check(
        self,
        plan: Mapping[str, Any],
        files: Mapping[str, bytes],
        sending: asyncio.Semaphore,
        *,
        describe: bool,
        sink: Sink | None = None,
    ) -> dict[str, Any] | None:
        """Check that the host can carry out its share of ``plan``; see `Agent.check`.

        ``sending`` limits to how many hosts the plan is on its way at a time.

        Raises:
            BenchlabError: it cannot.
        """
        async with sending:
            described: dict[str, Any] | None = await self._prepare(
                "check", plan, files, describe, sink
            )
        return described

    async def follow(
        self,
        directory: Path,
        share: Share,
        head: bytes,
        plan: Mapping[str, Any],
        files: Mapping[str, bytes],
        mirror: Mirror,
        sending: asyncio.Semaphore,
        clocks: asyncio.Semaphore,
        sink: Sink | None = None,
    ) -> None:
        """Assign the workers their ``share`` of the run in ``directory``, and take what they do.

        What they measure goes to ``sink``, if there is one. ``sending`` is as for `check`;
        ``clocks`` limits of how many hosts the clock is read at a time.
        """
        self._directory, self._mirror = directory, mirror
        self._keeps_share = sink is not None
        try:
            async with sending:
                await self._prepare("assign", share, head, plan, files, sink)
            async with clocks:
                self.clock = await self._measure_clock()
        except BenchlabError as exc:
            for worker in self.workers.values():
                worker.put(Event("error", exc))
            return
        if self._ending.is_set():
            return
        self._tasks = [
            asyncio.create_task(self._follow()),
            asyncio.create_task(self._send_commands()),
        ]

    def tell(self, worker: int, command: str) -> None:
        """Send a command to a worker, in order; called in the connection's thread."""
        self._commands.put_nowait((worker, command))

    async def conclude(self, *, was_started: bool) -> None:
        """End the workers, fetch what is left of what they wrote, and let the agent end.

        It takes a bounded time. What cannot be fetched stays on the host.
        """
        self._ending.set()  # it may be writing: it is not cancelled
        for task in self._tasks[1:]:
            task.cancel()
        keeping = [] if self._keeping is None else [self._keeping]
        await asyncio.gather(*self._tasks, *keeping, return_exceptions=True)
        if not was_started or self._mirror is None:
            with suppress(BenchlabError, HostUnreachableError):
                await self._call("finish", timeout_s=self._patience.lease_s + 5)
        else:
            await self._collect()
            if self.is_whole:
                await self._part()
            self._note_lost()
        for worker in self.workers.values():
            worker.close()

    async def _follow(self) -> None:
        while not self._ending.is_set():
            try:
                reading = await self._read()
            except HostUnreachableError as exc:
                self._is_gone = exc.is_gone or not await self._connection.has(self.address)
                silent_s = time.monotonic() - self._heard_s
                if self._is_gone:
                    self._lose("its Dask worker has ended")
                elif silent_s > self._patience.lost_s:
                    self._lose(f"no response for {silent_s:.0f} s")
                if self._is_gone:
                    return
                await self._pause(_RETRY_S)
            except (OSError, BenchlabError) as exc:
                self._stop_run(exc)
                return
            else:
                if self.is_whole:  # other hosts are not: this one's lease goes on
                    await self._pause(self._patience.lease_s / 5)
                elif reading.is_complete:
                    await self._pause(self._poll_s)

    async def _keep_lease(self) -> None:
        """Let the agent hear of the parent until it is followed: preparing a run may take long."""
        while not self._ending.is_set() and not self._tasks:
            with suppress(BenchlabError, HostUnreachableError):
                await self._call("read", {}, 0)
            await self._pause(self._patience.lease_s / 5)

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()

    async def _read(self) -> Reading:
        """Read and mirror what is new, and pass the events on.

        Raises:
            HostUnreachableError: the host does not respond.
            OSError: the parent's disk cannot be written.
        """
        assert self._mirror is not None
        try:
            reading = await self._call("read", self._mirror.offsets, self._seen, self._chunk_bytes)
        except HostUnreachableError:
            self._chunk_bytes = max(SMALLEST_BYTES, self._chunk_bytes // 2)  # a slow link
            raise
        self._chunk_bytes = min(self._most_bytes, 2 * self._chunk_bytes)
        found: Reading = reading
        self._heard_s = time.monotonic()
        if found.chunks:
            await asyncio.to_thread(self._mirror.write, found.chunks)
        if found.problem != self.lost:  # a host that was not heard is there again
            self.lost = found.problem
            self._on_change()
        for event in found.events:
            self._seen += 1
            self.workers[event.worker].put(event.event)
        if found.is_complete:
            for number in found.ended:
                self.workers[number].close()
            self.is_whole = set(found.ended) == set(self.workers)
        return found

    async def _send_commands(self) -> None:
        while True:
            commands = [await self._commands.get()]
            while not self._commands.empty():
                commands.append(self._commands.get_nowait())
            while commands:
                try:
                    await self._send(commands)
                    commands = []
                except HostUnreachableError:
                    await asyncio.sleep(_RETRY_S)
                except BenchlabError as exc:
                    self._stop_run(exc)
                    return

    async def _send(self, commands: Sequence[tuple[int, str]]) -> None:
        starts = [command for _, command in commands if command.startswith("start")]
        if starts:  # of all workers of the host at once
            assert self._directory is not None
            assert self.clock is not None
            start_ns = int(starts[0].partition(" ")[2]) + self.clock.offset_ns
            at_ns = spool.read_started_at_ns(self._directory)
            self._late_ns = max(self._late_ns, await self._call("start", start_ns, at_ns))
        others = [each for each in commands if not each[1].startswith("start")]
        if others:
            await self._call("tell", others)

    async def _collect(self) -> None:
        """Fetch what is left, as long as there is hope."""
        patience = self._patience
        deadline_s = time.monotonic() + patience.collect_s
        try:
            if self._is_gone:
                return
            if not self.is_whole:
                end_s = patience.call_s if self.lost else 2 * patience.lease_s
                await self._call("end", timeout_s=end_s)
            while (
                not self.is_whole
                and time.monotonic() < deadline_s
                and not self._connection.is_aborted
            ):
                try:
                    await self._read()
                except HostUnreachableError as exc:
                    if exc.is_gone or time.monotonic() - self._heard_s > patience.lost_s:
                        raise
                    await asyncio.sleep(_RETRY_S)
        except HostUnreachableError as exc:
            self._lose(str(exc))
        except (OSError, BenchlabError) as exc:
            self.lost = self.lost or str(exc)
        if not self.is_whole and not self.lost:
            waited_s = patience.collect_s - max(0.0, deadline_s - time.monotonic())
            self.lost = f"not all of it arrived within {waited_s:.0f} s"

    async def _part(self) -> None:
        """Read the clock again, and let the agent delete what the parent has on its disk."""
        assert self._mirror is not None
        with suppress(BenchlabError, HostUnreachableError):
            now = await self._measure_clock()
            if self.clock is not None:
                self._drift_ns = now.offset_ns - self.clock.offset_ns
        with suppress(BenchlabError, HostUnreachableError, OSError):
            await asyncio.to_thread(self._mirror.sync)
            if not self._keeps_share:  # the store does not have it yet
                await self.delete_share()

    async def delivery_state(self) -> DeliveryState:
        """How much of its share the host has sent to the store.

        Raises:
            HostUnreachableError: it does not respond.
        """
        state: DeliveryState = await self._call("delivery_state")
        return state

    async def send_again(self, salt: str) -> None:
        """Have the host send what the store lacks.

        Raises:
            HostUnreachableError: it does not respond.
        """
        await self._call("send_again", salt)

    def lose(self, why: str) -> None:
        """Note that the host was lost before it had sent all of its share."""
        assert self._directory is not None
        self.is_whole = False
        self.lost = self.lost or f"it was lost ({why})"
        self._report_lost(self._directory, self.workers)

    async def leave_share(self) -> None:
        """Let the agent end, and keep its share for whoever recovers the run.

        Raises:
            HostUnreachableError: the host does not respond.
        """
        await self._call("leave", timeout_s=self._patience.lease_s)

    async def delete_share(self) -> None:
        """Let the agent delete its share and end.

        Raises:
            HostUnreachableError: the host does not respond.
        """
        await self._call("finish", timeout_s=self._patience.lease_s)

    def _note_lost(self) -> None:
        """Report workers that are lost with this host in the run's spool."""
        assert self._directory is not None
        if self.is_whole or not self.lost:
            return
        silent = [n for n in self.workers if not spool.health_path(self._directory, n).exists()]
        self._report_lost(self._directory, silent)

    def _report_lost(self, directory: Path, workers: Iterable[int]) -> None:
        """Report in the spool that ``workers`` are lost with this host."""
        problem = f"was lost with its host {self.name}: {self.lost}"
        for number in workers:
            with suppress(OSError):  # a full disk: their missing health says as much
                health = WorkerHealth(number, problem=problem, problem_kind="lost")
                spool.write_health(directory, health)

    def _lose(self, why: str) -> None:
        """Go on without this host; its load has ended by now, since its lease has."""
        if not self.lost and not self.is_whole:  # else the parent has all that it measured
            self.lost = why
            self._on_change()
        for worker in self.workers.values():
            worker.close()

    def _stop_run(self, exc: Exception) -> None:
        """End the run: the parent cannot keep what it measures."""
        self.lost = self.lost or f"the parent could not keep its samples ({exc})"
        for worker in self.workers.values():
            worker.put(Event("stopping", reason=f"stopped since {self.lost}"))
            worker.close()

    async def _measure_clock(self) -> ClockReading:
        try:
            return await measure_clock(self._connection, self.address, self._patience.call_s)
        except HostUnreachableError as exc:
            raise WorkerError(f"the host {self.name} does not respond ({exc})") from exc

    async def _prepare(self, method: str, *args: Any) -> Any:
        try:
            return await self._call(method, *args, timeout_s=self._patience.ready_s)
        except HostUnreachableError as exc:
            raise WorkerError(f"the host {self.name} does not respond ({exc})") from exc
        except BenchlabError as exc:
            raise self._named(exc) from exc

    def _named(self, exc: BenchlabError) -> BenchlabError:
        """The same error, which names this host: others may be well."""
        where = f"on the host {self.name}"
        if isinstance(exc, InputError):
            return exc.within(where)
        return type(exc)(**{**exc.to_dict(), "problem": f"{where}: {exc.problem}"})

    async def _call(self, method: str, *args: Any, timeout_s: float = 0.0) -> Any:
        """Call a method of the agent.

        Raises:
            BenchlabError: the agent's.
            HostUnreachableError: the host does not respond, or has no such agent any more.
        """
        result = await self._connection.call(
            self.address,
            call_agent,
            self._key,
            method,
            *args,
            timeout_s=timeout_s or self._patience.call_s,
        )
        if isinstance(result, str) and result == GONE:
            raise HostGoneError("its agent has ended")
        return result
