"""The scenario driver: users run the plan's function once per request of the source."""

from __future__ import annotations

import asyncio
import pickle
import time
from collections.abc import Awaitable, Callable
from itertools import count

import httpx

from benchlab.errors import InputError
from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.headers import request_headers
from benchlab.load.drivers.httpx.user_pool import UserPool
from benchlab.load.drivers.scenario.context import Context, Iteration, Step, failure_of
from benchlab.load.drivers.scenario.step_names import StepNames
from benchlab.load.drivers.scenario.user_client import UserClient
from benchlab.load.recording.outcome import Outcome
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.units import seconds_to_ns

__all__ = ["ScenarioDriver"]

_clock = time.monotonic_ns

Function = Callable[[httpx.AsyncClient, Context], Awaitable[None]]


class ScenarioDriver(UserPool[UserClient, Iteration]):
    """The `Driver` for scenarios. The source numbers iterations; steps are numbered here.

    The intended time of an iteration's first step is that of the iteration, of any other step its
    start. An iteration that fails outside of steps, or has no step, is recorded under the
    scenario's own name, so that every iteration has at least one record.
    """

    def __init__(
        self, plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
    ) -> None:
        super().__init__(plan, worker, run_id, source, recording)
        assert plan.scenario is not None
        self._scenario = plan.scenario
        self._function = _load_function(plan.scenario.code)
        self._names = StepNames(recording.steps_path, recording.endpoints)
        self._users = 0
        self._iterations: set[Iteration] = set()
        self._open: set[Step] = set()
        self._seqs = count(worker, plan.workers)
        self._first_measured = 0
        self.timeout_s = plan.timeout_s
        self._timeout_ns = seconds_to_ns(plan.timeout_s)

    @property
    def in_flight(self) -> int:
        """Number of iterations in progress."""
        return len(self._iterations)

    def measure_from(self, seq: int) -> None:
        """Flag all steps of iterations with a number below ``seq`` as warm-up."""
        self._first_measured = seq

    def abandon(self, now_ns: int) -> None:
        """Record every open step and every iteration without one as abandoned; take no more."""
        while self._source.waiting:
            self._take(Flag.CAP_WAIT)
        self._stopped = True
        for step in list(self._open):
            self.end_step(step, ErrorKind.ABANDONED, "")
        for iteration in self._iterations:
            if not iteration.begun:
                self._record_iteration(iteration, _clock(), ErrorKind.ABANDONED, "")
        self._iterations.clear()
        self._cancel()

    # what steps call

    def begin_step(self, step: Step, iteration: Iteration) -> None:
        """Number a step and note its flags and times.

        Raises:
            ValueError: there are too many different step names.
            asyncio.CancelledError: the run is over. Raised again if the scenario catches it.
        """
        if self._stopped:
            raise asyncio.CancelledError
        if step.by_path is None:
            step.endpoint = self._names.number(step.name)
        else:
            step.endpoint = self._names.number_of_request(*step.by_path)
        step.seq = next(self._seqs)
        step.flags = self._flags_of_next(iteration)
        step.sent = step.intended = _clock()
        if step.flags & Flag.FIRST_STEP and not self._source.closed:
            step.intended = iteration.intended
        self._open.add(step)

    def end_step(self, step: Step, error: ErrorKind, message: str) -> None:
        """Record a step, unless it was already recorded as abandoned."""
        if step not in self._open:
            return
        self._open.discard(step)
        done = _clock()
        if not error and done - step.sent > self._timeout_ns:  # its timer was late
            error, message = ErrorKind.TIMEOUT, ""
        outcome = Outcome(
            seq=step.seq,
            intended=step.intended,
            sent=step.sent,
            first_byte=step.first_byte,
            done=done,
            bytes_in=step.bytes_in,
            status=step.status,
            endpoint=step.endpoint,
            error=error,
            flags=step.flags,
            connection=step.connection,
            message=message,
            excerpt=step.excerpt,
        )
        self._recording.finish(outcome)

    # users

    def _take(self, flags: int) -> Iteration | None:
        due = None if self._stopped else self._source.take(_clock())
        if due is None:
            return None
        number, intended = due
        if number < self._first_measured:
            flags |= Flag.WARMUP
        iteration = Iteration(number, intended, flags)
        self._iterations.add(iteration)
        self.in_flight_max = max(self.in_flight_max, len(self._iterations))
        return iteration

    def _make_user(self) -> UserClient:
        number = self._worker + self._users * self._plan.workers
        self._users += 1
        client = self._new_client()
        client.headers.update(request_headers(self._scenario.anchor))
        client.context = Context(self, number, self._plan.seed)
        client.run_id, client.trace_ratio = self._run_id, self._plan.trace_ratio
        client.servers = self.servers
        client.connection_of = self._clients.number_of
        return client

    def _new_client(self) -> UserClient:
        return self._clients.make(UserClient, self._scenario.base_url)

    async def _perform(self, user: UserClient, iteration: Iteration) -> ErrorKind:
        data, row = self._scenario.data, {}
        if data is not None:
            row = data.rows[data.index(iteration.number, iteration.number, self._plan.seed)]
        user.context.begin(iteration, row)
        begun = _clock()
        error, message, outside = ErrorKind.OK, "the iteration had no step", False
        try:
            await self._function(user, user.context)
        except (Exception, SystemExit) as exc:  # this iteration failed; the user continues
            error, message = failure_of(exc)
            outside = not iteration.has_reported(exc)
        if iteration in self._iterations and (outside or not iteration.begun):
            self._record_iteration(iteration, begun, error or ErrorKind.CHECK, message)
        self._iterations.discard(iteration)
        if self._source.closed:
            await asyncio.sleep(0)  # a scenario that awaits nothing must not block the event loop
        return error

    def _record_iteration(
        self, iteration: Iteration, sent: int, error: ErrorKind, message: str
    ) -> None:
        """Record an iteration that failed outside of its steps, under the scenario's name."""
        now = _clock()
        flags = self._flags_of_next(iteration)
        begins = flags & Flag.FIRST_STEP and not self._source.closed
        intended = iteration.intended if begins else sent
        seq = next(self._seqs)
        self._recording.finish(
            Outcome(seq, intended, sent, 0, now, 0, 0, 0, error, flags, message=message)
        )

    @staticmethod
    def _flags_of_next(iteration: Iteration) -> int:
        """The flags of the iteration's next record. Only the first has FIRST_STEP and CAP_WAIT."""
        if iteration.begun:
            return iteration.flags & Flag.WARMUP
        iteration.begun = True
        return iteration.flags | Flag.FIRST_STEP


def _load_function(code: bytes) -> Function:
    try:
        function: Function = pickle.loads(code)
    except Exception as exc:  # this imports the user's modules, which may raise anything
        raise InputError(
            f"the scenario cannot be loaded in a worker: {type(exc).__name__}: {exc}"
        ) from exc
    return function
