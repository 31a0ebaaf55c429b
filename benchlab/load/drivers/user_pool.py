"""Users, each of which carries out one request, or one iteration, after the other."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.headers import ServerNames
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan
from benchlab.samples.samples import ErrorKind, Flag

__all__ = ["UserPool"]

_NOT_SENT = (ErrorKind.CONNECT, ErrorKind.CIRCUIT_OPEN)
_CONNECT_PAUSE_S = 0.01
_MADE_BEFORE = 64
"""Users of an open loop that are created before the run, for to create one takes up to 1 ms, which
would show as lag. Those of a closed loop all are."""


class Closing(Protocol):
    """The client of a user."""

    async def aclose(self) -> None:
        """Close its connections."""


Client = TypeVar("Client", bound=Closing)
Job = TypeVar("Job")


class UserPool(ABC, Generic[Client, Job]):
    """The worker's share of the plan's users: tasks, each with a client, fed by ``source``.

    Implements the part of the `Driver` protocol that does not depend on the kind of job.
    """

    def __init__(
        self, plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
    ) -> None:
        self._plan = plan
        self._worker = worker
        self._run_id = run_id
        self._source = source
        self._recording = recording
        self._limit = plan.share(worker)
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle: list[asyncio.Future[Job]] = []
        self._ready: list[Client] = []
        self._stopped = False
        self.in_flight_max = 0
        self.cap_wait_count = 0
        self.servers = ServerNames()

    @property
    @abstractmethod
    def connections_opened(self) -> int:
        """Number of connections that all clients opened."""

    @property
    @abstractmethod
    def local_failure_count(self) -> int:
        """Number of connections that failed because this machine lacked ports, files or buffers."""

    @abstractmethod
    def _take(self, flags: int) -> Job | None:
        """Take the next job, or None if none is due."""

    @abstractmethod
    def _make_user(self) -> Client:
        """A new user."""

    @abstractmethod
    async def _perform(self, user: Client, job: Job) -> ErrorKind:
        """Carry out a job and record it."""

    async def open(self) -> None:
        """Create the first users. They connect with their first request."""
        count = self._limit if self._source.closed else min(self._limit, _MADE_BEFORE)
        self._ready = [self._make_user() for _ in range(count)]
        self._ready.reverse()  # they are taken from the end

    def begin(self) -> None:
        """Start a closed loop."""
        for _ in range(self._limit):
            job = self._take(0)
            if job is not None:
                self._start(job)

    def dispatch(self) -> None:
        """Give the jobs that are due to idle or new users."""
        while self._source.waiting and (self._idle or len(self._tasks) < self._limit):
            job = self._take(0)
            if job is None:
                return
            if self._idle:
                self._idle.pop().set_result(job)
            else:
                self._start(job)

    def sweep(self, now_ns: int) -> None:
        """Do nothing: each job has its own timeout."""

    async def close(self) -> None:
        """End all users."""
        self._stopped = True
        self._cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(user.aclose() for user in self._ready))

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _start(self, job: Job) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, first: Job) -> None:
        """Run one user: the first job, then further ones until the source is exhausted."""
        job = first
        user = self._ready.pop() if self._ready else self._make_user()
        try:
            while True:
                error = await self._perform(user, job)
                if error in _NOT_SENT and self._source.closed:
                    await asyncio.sleep(_CONNECT_PAUSE_S)
                waited = 0 if self._source.closed else Flag.CAP_WAIT
                due = self._take(waited)
                if due is not None:
                    self.cap_wait_count += bool(waited)
                    job = due
                elif self._stopped or self._source.exhausted:
                    return
                else:
                    idle: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
                    self._idle.append(idle)
                    job = await idle
        finally:
            await user.aclose()
