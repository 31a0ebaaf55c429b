"""Inside a Dask worker: worker processes of a run, and what they write to this machine's disk."""

from __future__ import annotations

import os
import selectors
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchlab import spool
from benchlab.decoding import decode_file
from benchlab.errors import BenchlabError, RunError, StoreError, WorkerError
from benchlab.load.cluster.delivery import Delivery, DeliveryState, Sink, nothing_to_send
from benchlab.load.cluster.plan_files import placed, remove_files
from benchlab.load.cluster.reading import CHUNK_BYTES, Reading, WorkerEvent, read_files
from benchlab.load.open_files import check_open_files
from benchlab.load.supervisor.environment import capture_environment
from benchlab.load.supervisor.floor_file import attach_floor
from benchlab.load.supervisor.preflight import check_reachable
from benchlab.load.supervisor.reflection import with_descriptors
from benchlab.load.supervisor.worker_process import WorkerProcess
from benchlab.plan.plan import Plan
from benchlab.processes.events import Event
from benchlab.runs.health import WorkerHealth
from benchlab.spool.share import Share, create_share, remove_share, shares
from benchlab.units import NS_PER_S

__all__ = ["LATE_LIMIT_NS", "Agent", "HostFacts", "machine_identity"]

LATE_LIMIT_NS = 5 * NS_PER_S
"""A host that hears of the start later than this makes no load: what it had missed, it would send
at once."""

_LOOK_EVERY_S = 0.1
_GRACE_S = 5.0
_LINGER_S = 60.0
"""How long a parent that was not heard for a while may come back, and find the agent."""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What is known of a host: its ``environment`` with the noise floor, and which machine it is.

    Two hosts with the same ``identity`` are the same machine, with the same network.
    """

    name: str
    identity: str
    environment: dict[str, Any]


def machine_identity() -> str:
    """What tells this machine and its network from others, network namespaces included."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
    with suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/net"))
    return " ".join(parts)


class Agent:
    """Runs some workers of a run on this machine.

    Call `check`, `assign`, `start`, then `read` until all workers have ended and nothing is left,
    and `finish`; `end` at any time. Each call says that the parent is there. If none comes for
    ``lease_s``, the workers are told to quit, as when a parent on the same machine ends: no load is
    made that nobody watches. They quit by themselves if the Dask worker hangs, with the agent in
    it. What they measured stays on the disk; the parent may come back for it, and so may
    ``benchlab recover --cluster``.

    Calls come from several threads. A call may come twice, if its response was lost.
    """

    def __init__(
        self, workers: Sequence[int], lease_s: float, on_end: Callable[[], None] = lambda: None
    ) -> None:
        """Start the processes of ``workers``; ``on_end`` is called when the agent has ended.

        Raises:
            WorkerError: a process cannot be started.
        """
        self._workers = tuple(workers)
        self._lease_s = lease_s
        self._on_end = on_end
        self._lock = threading.Lock()
        self._own = ExitStack()  # the lock of the directory
        self._directory: Path | None = None
        self._events: list[WorkerEvent] = []
        self._ready: set[int] = set()
        self._ended: list[int] = []
        self._all_ended = threading.Event()
        self._ending = self._done = self._is_assigned = False
        self._problem = ""
        self._plan: Plan | None = None
        self._sink: Sink | None = None
        self._delivery: Delivery | None = None
        self._start_ns = self._late_ns = 0
        self._heard_s = time.monotonic()
        self._processes = self._started(self._workers)
        self._wake, self._woken = os.pipe()  # read end, write end
        self._thread = threading.Thread(target=self._watch, name="benchlab-agent", daemon=True)
        self._thread.start()

    @staticmethod
    def _started(workers: Sequence[int]) -> dict[int, WorkerProcess]:
        found: dict[int, WorkerProcess] = {}
        try:
            for worker in workers:
                found[worker] = WorkerProcess(worker)
        except OSError as exc:
            for process in found.values():
                process.end(0, 0)
            raise WorkerError(
                f"worker {worker} cannot be started on {socket.gethostname()} ({exc.strerror})",
                remedy="free memory, raise the limit of processes (ulimit -u) or use fewer",
            ) from exc
        return found

    def facts(self) -> HostFacts:
        """The machine and its noise floor."""
        self._hear()
        environment = capture_environment()
        environment["calibration"] = attach_floor(environment)
        return HostFacts(socket.gethostname(), machine_identity(), environment)

    def check(
        self,
        plan: Mapping[str, Any],
        files: Mapping[str, bytes],
        describe: bool,
        sink: Sink | None = None,
    ) -> dict[str, Any] | None:
        """Check that this host can carry out its share of ``plan`` and reaches its services.

        With ``describe`` returns the plan with what gRPC services say of themselves.

        Raises:
            InputError: it cannot be carried out here.
            TargetError: a service cannot be reached from here.
            StoreError: ``sink`` cannot.
        """
        self._hear()
        if sink is not None:
            _check_sink(sink)
        with tempfile.TemporaryDirectory(prefix="benchlab-") as place:
            here = Plan.from_dict(placed(plan, files, Path(place)))
            check_open_files(here)
            check_reachable(here)
            described = with_descriptors(here) if describe else None
        if described is None:
            return None
        return {**described.to_dict(), "transport": plan["transport"]}

    def assign(
        self,
        share: Share,
        head: bytes,
        plan: Mapping[str, Any],
        files: Mapping[str, bytes],
        sink: Sink | None = None,
    ) -> None:
        """Create the directory of ``share`` with the parent's ``head``, and prepare the workers.

        What they measure goes to ``sink``, if there is one.

        Raises:
            RunError: the directory cannot be written.
            WorkerError: it has to end already.
        """
        self._hear()
        with self._lock:
            if self._ending:
                raise WorkerError("the agent ends before it was assigned its share")
            if self._directory is not None:
                return
            _forget_secrets()
            directory = self._own.enter_context(create_share(share, head, plan))
            self._directory = directory
        if files:
            spool.write_plan_data(directory, placed(plan, files, directory))
        self._plan, self._sink = Plan.from_dict(plan), sink
        for process in self._processes.values():
            process.assign(directory)
        self._is_assigned = True

    def start(self, start_ns: int, started_at_ns: int) -> int:
        """Start the load at ``start_ns`` of this machine's monotonic clock; returns how late it is.

        ``started_at_ns`` is the wall clock then, by the parent. Nothing is started if it is later
        than `LATE_LIMIT_NS`.
        """
        self._hear()
        assert self._directory is not None
        with self._lock:
            if self._start_ns:
                return self._late_ns
            self._start_ns = start_ns
            self._late_ns = max(0, time.monotonic_ns() - start_ns)
        spool.write_start(self._directory, started_at_ns)
        if self._late_ns > LATE_LIMIT_NS:
            late_s = self._late_ns / NS_PER_S
            self._give_up(f"it heard of the start {late_s:.1f} s too late, and made no load")
        else:
            for process in self._processes.values():
                process.tell(f"start {start_ns}")
            self._late_ns = max(0, time.monotonic_ns() - start_ns)
        self._begin_delivery()
        return self._late_ns

    def tell(self, commands: Sequence[tuple[int, str]]) -> None:
        """Send ``stop`` or ``quit`` to workers, by their numbers."""
        self._hear()
        for worker, command in commands:
            self._processes[worker].tell(command)

    def read(self, offsets: dict[str, int], seen: int, limit: int = CHUNK_BYTES) -> Reading:
        """What is new: in the files behind ``offsets``, and events after the ``seen`` first.

        Raises:
            RunError: the directory was deleted.
        """
        self._hear()
        with self._lock:
            events, ended = tuple(self._events[seen:]), tuple(self._ended)
            directory, problem = self._directory, self._problem
        if directory is None:
            return Reading(events=events, ended=ended, problem=problem)
        if not directory.is_dir():
            raise RunError(f"the spool {directory} was deleted before the parent had it")
        chunks, is_complete = read_files(
            directory, self._workers, ended, offsets, limit, direct=self._sink is not None
        )
        return Reading(chunks, events, ended, is_complete, problem)

    def end(self) -> None:
        """End the workers that are left, by force if needed."""
        self._hear()
        self._ending = True
        self._look()
        self._all_ended.wait(2 * _GRACE_S)

    def finish(self, *, keep: bool = False) -> None:
        """Delete the directory, which the parent has whole, unless it is to be kept; and end."""
        self.end()
        self._done = True
        self._look()
        self._thread.join()
        with self._lock:
            directory = self._directory
        if directory is not None and not keep:
            remove_share(directory)

    def leave(self) -> None:
        """End, and keep the directory for whoever recovers the run."""
        self.finish(keep=True)

    def delivery_state(self) -> DeliveryState:
        """How much of the share was sent to the sink."""
        self._hear()
        if self._delivery is None:  # it made no load
            return nothing_to_send(self._workers)
        return self._delivery.state()

    def send_again(self, salt: str) -> None:
        """Send what the sink lacks by now."""
        self._hear()
        if self._delivery is not None:
            self._delivery.send_again(salt)

    def _is_watched(self) -> bool:
        return time.monotonic() - self._heard_s <= self._lease_s

    def _hear(self) -> None:
        self._heard_s = time.monotonic()

    def _look(self) -> None:
        with self._lock:
            if self._woken >= 0:  # else it has ended, and another file may have its descriptor
                os.write(self._woken, b".")

    def _give_up(self, problem: str) -> None:
        """Let the workers end early; their health says why."""
        with self._lock:
            self._problem = self._problem or problem
        if self._directory is None:
            self._ending = True
            return
        for process in self._processes.values():
            process.tell("quit")

    def _watch(self) -> None:
        """Take the workers' events, and look after the lease, until the end of the agent."""
        given_up_s = renewed_s = 0.0
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            for worker, process in self._processes.items():
                selector.register(process, selectors.EVENT_READ, worker)
            while not self._done:
                for key, _ in selector.select(_LOOK_EVERY_S):
                    if key.data is None:
                        os.read(self._wake, 4096)
                    elif self._take_events(key.data):
                        selector.unregister(key.fileobj)
                        self._end_worker(key.data)
                now_s = time.monotonic()
                silent_s = now_s - self._heard_s
                left_s = self._lease_s - silent_s
                if self._is_assigned and left_s > 0 and now_s - renewed_s > self._lease_s / 10:
                    renewed_s = now_s
                    for process in self._processes.values():
                        process.tell(f"lease {left_s:.3f}")
                is_silent = silent_s > self._lease_s and not self._all_ended.is_set()
                if is_silent and not given_up_s:
                    given_up_s = time.monotonic()
                    self._give_up(f"it heard nothing of the parent for {self._lease_s:g} s")
                hangs = given_up_s and time.monotonic() - given_up_s > _GRACE_S
                if self._ending or hangs:
                    self._end_workers(selector)
                if self._all_ended.is_set() and silent_s > self._lease_s:
                    self._own.close()  # whoever recovers the run may have it
                    if silent_s > self._lease_s + _LINGER_S:
                        self._done = True
        self._end_workers(None)
        if self._delivery is not None:
            self._delivery.stop()
        self._own.close()
        with self._lock:
            os.close(self._wake)
            os.close(self._woken)
            self._wake = self._woken = -1
        self._on_end()

    def _take_events(self, worker: int) -> bool:
        """Keep the events of ``worker``; True after it has ended."""
        try:
            found = self._processes[worker].events()
        except BenchlabError as exc:  # something else wrote to its standard output
            found = [Event("error", exc)]
        with self._lock:
            self._events += [WorkerEvent.of(worker, event) for event in found or ()]
            if any(event.name == "ready" for event in found or ()):
                self._ready.add(worker)
        if self._directory is not None and self._ready == set(self._workers):
            spool.forget_plan(self._directory)
            remove_files(self._directory)
        return found is None

    def _end_workers(self, selector: selectors.BaseSelector | None) -> None:
        left = [worker for worker in self._workers if worker not in self._ended]
        for worker in left:
            self._processes[worker].tell("quit")
        for worker in left:
            if selector is not None:
                selector.unregister(self._processes[worker])
            self._end_worker(worker)

    def _end_worker(self, worker: int) -> None:
        """End the process of ``worker``, save what it had not written, and note that."""
        process = self._processes[worker]
        if worker not in self._ready and self._directory is not None and not self._ending:
            with self._lock:
                known = {event.worker for event in self._events if event.name == "error"}
            if worker not in known:
                error = WorkerError(f"worker {worker} could not start: {process.last_line()}")
                with self._lock:
                    self._events.append(WorkerEvent.of(worker, Event("error", error)))
        process.end(self._start_ns, 0 if self._plan is None else self._plan.warmup_ns)
        if self._problem and self._directory is not None:
            self._add_problem(worker)
        if self._delivery is not None and len(self._ended) == len(self._workers) - 1:
            self._delivery.end_of_load()  # before anybody knows: its sums are among what is read
        with self._lock:
            self._ended.append(worker)
            if len(self._ended) == len(self._workers):
                self._all_ended.set()
                if self._delivery is not None:  # it has begun just now
                    self._delivery.end_of_load()

    def _begin_delivery(self) -> None:
        """Begin to send what the workers measure, if it goes to a sink."""
        if self._sink is None or self._plan is None or self._directory is None:
            return
        delivery = Delivery(
            self._sink, self._directory, self._plan, self._workers, self._is_watched
        )
        delivery.start()
        with self._lock:
            self._delivery = delivery
            if self._all_ended.is_set():
                delivery.end_of_load()

    def _add_problem(self, worker: int) -> None:
        """Note in the health of ``worker`` that its host let it end early."""
        assert self._directory is not None
        with suppress(OSError, BenchlabError):  # its missing health says as much
            path = spool.health_path(self._directory, worker)
            health = decode_file(path, WorkerHealth)
            if not health.problem:
                problem = f"was lost: {self._problem}"
                lost = replace(health, problem=problem, problem_kind="lost")
                spool.write_health(self._directory, lost)


def _forget_secrets() -> None:
    """Delete what is secret of runs on this disk whose agents were killed before they did it."""
    for directory in shares():
        if not spool.is_in_use(directory):
            spool.forget_plan(directory)
            remove_files(directory)


def _check_sink(sink: Sink) -> None:
    """Check that samples can be sent to ``sink`` from here.

    Raises:
        StoreError: they cannot; the message names this host.
    """
    try:
        sink.check()
    except StoreError as exc:
        raise type(exc)(
            f"the host {socket.gethostname()} cannot send its samples: {exc}",
            remedy="name the store by an address that all hosts reach, or leave it to the parent"
            ' to save the run (samples="parent")',
        ) from exc
