"""The httpx driver for plans with policies: a request may have several tries, or none."""

from __future__ import annotations

import time
from collections.abc import Hashable
from itertools import count

import httpx

from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.httpx.driver import HttpxDriver, Job
from benchlab.load.drivers.policies import (
    NOT_TRIED_AGAIN,
    TRY_FLAGS,
    Course,
    Policies,
    is_replayable,
)
from benchlab.load.drivers.trying import carry_out
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.samples.tries import TryReason

__all__ = ["PolicyHttpxDriver"]

_clock = time.monotonic_ns


class PolicyHttpxDriver(HttpxDriver):
    """The `Driver` for requests through httpx that retries, hedges and breaks circuits.

    The source numbers requests, and tries are numbered here, as `PolicyDriver` does.
    """

    def __init__(
        self, plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
    ) -> None:
        super().__init__(plan, worker, run_id, source, recording)
        self._policies = Policies(plan, worker)
        origins = {origin: number for number, origin in enumerate(plan.origins)}
        self._origin_of = [origins[request.origin] for request in plan.requests]
        self._replayable = [
            is_replayable(request.method, [name for name, _ in request.headers])
            for request in plan.requests
        ]
        self._seqs = count(worker, plan.workers)
        self._first_measured = 0
        self._calls: dict[int, _Call] = {}

    @property
    def in_flight(self) -> int:
        """Number of requests taken and not yet recorded, those between two tries included."""
        return len(self._calls)

    def measure_from(self, seq: int) -> None:
        """Flag the tries of requests that the source numbers below ``seq`` as warm-up."""
        self._first_measured = seq

    def abandon(self, now_ns: int) -> None:
        """Record every request in flight, waiting or due as abandoned, and take no more."""
        while self._source.waiting:
            self._take(Flag.CAP_WAIT)
        self._stopped = True
        for call in list(self._calls.values()):
            self._abandon(call)
        self._cancel()

    def _abandon(self, call: _Call) -> None:
        message, tries = "", [job for job in call.tries if job.seq in self._jobs]
        if not tries:
            tries = [call.begin(TryReason.RETRY)]
            message = NOT_TRIED_AGAIN
        for job in tries[:-1]:
            call.replaced(job, ErrorKind.ABANDONED, "", TryReason.HEDGE)
        self._conclude(call, tries[-1], ErrorKind.ABANDONED, message)

    def _make_job(self, number: int, intended: int, flags: int) -> Job:
        if number < self._first_measured:
            flags |= Flag.WARMUP
        job = Job(next(self._seqs), intended, flags, self._request_of(number), number)
        origin, replayable = self._origin_of[job.endpoint], self._replayable[job.endpoint]
        self._calls[job.seq] = _Call(self, job, origin, replayable)
        return job

    async def _perform(self, client: httpx.AsyncClient, job: Job) -> ErrorKind:
        call = self._calls[job.seq]
        call.client, call.course = client, self._policies.begin(_clock())
        attempt, error, message = await carry_out(self._policies, call)
        self._conclude(call, attempt, error, message)
        return error

    def add_try(self, call: _Call, reason: TryReason) -> Job:
        """A further try of ``call``."""
        first = call.first
        job = Job(
            next(self._seqs),
            (first.sent or first.intended) if self._source.closed else first.intended,
            first.flags & Flag.WARMUP | first.flags & Flag.CAP_WAIT | TRY_FLAGS[reason],
            first.endpoint,
            first.number,
        )
        self._jobs[job.seq] = job
        self._recording.add_try(job.seq, first.seq, call.course.next_number(), reason)
        return job

    async def send_try(self, call: _Call, job: Job) -> tuple[ErrorKind, str]:
        """Send a try of ``call``."""
        assert call.client is not None
        limit_ns = self._policies.time_limit_ns(call.course, self._timeout_ns, _clock())
        return await self._send(call.client, job, limit_ns)

    def finish_try(self, job: Job, error: ErrorKind, message: str) -> None:
        """Record a try that another one replaces."""
        self._finish(job, error, message)

    def _conclude(self, call: _Call, job: Job, error: ErrorKind, message: str) -> None:
        """Record the outcome of a request."""
        if self._calls.pop(call.first.seq, None) is not None:
            self._finish(job, error, message)


class _Call:
    """A request as its user sees it, with its tries so far."""

    def __init__(
        self, driver: PolicyHttpxDriver, first: Job, origin: int, replayable: bool
    ) -> None:
        self._driver = driver
        self.first = first
        self.tries = [first]
        self.origin: Hashable = origin
        self.replayable = replayable
        self.client: httpx.AsyncClient | None = None
        self.course = Course(0)

    def begin(self, reason: TryReason | None) -> Job:
        """Number a try."""
        if reason is not None:
            self.tries.append(self._driver.add_try(self, reason))
        return self.tries[-1]

    async def carry_out(self, attempt: Job) -> tuple[ErrorKind, str]:
        """Send a try."""
        return await self._driver.send_try(self, attempt)

    def replaced(self, attempt: Job, error: ErrorKind, message: str, by: TryReason) -> None:
        """Record a try whose outcome another one replaces."""
        del by
        attempt.flags |= Flag.FAILED_TRY
        self._driver.finish_try(attempt, error, message)
