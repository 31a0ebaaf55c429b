"""The scenario driver: users run the plan's function once per request of the source."""

from __future__ import annotations

import asyncio
import pickle
import time
from itertools import count

from benchlab.errors import InputError
from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.scenario.context import Context, Iteration, Step, failure_of
from benchlab.load.drivers.scenario.step_names import StepNames
from benchlab.load.drivers.scenario.users import Function, UserClient, users_of
from benchlab.load.drivers.user_pool import UserPool
from benchlab.load.recording.outcome import Outcome
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.units import seconds_to_ns

__all__ = ["ScenarioDriver", "User"]

_clock = time.monotonic_ns
_OK = ErrorKind.OK  # a member of an enum is not found at once
_WARMUP = int(Flag.WARMUP)
_FIRST_STEP = int(Flag.FIRST_STEP)


class User:
    """A user: what its scenario gets."""

    __slots__ = ("client", "context")

    def __init__(self, client: UserClient, context: Context) -> None:
        self.client = client
        self.context = context

    async def aclose(self) -> None:
        """Close the user's connections."""
        await self.client.aclose()


class ScenarioDriver(UserPool[User, Iteration]):
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
        self._data = plan.scenario.data
        self._function = _load_function(plan.scenario.code)
        self._names = StepNames(recording.steps_path, recording.endpoints)
        self._known_number = self._names.numbers.get
        self._users = users_of(plan, worker, run_id, recording, self.servers)
        self._user_count = 0
        self.loop = asyncio.get_running_loop()
        self._iterations: set[Iteration] = set()
        self._open: dict[Step, None] = {}  # the oldest first
        self._seqs = count(worker, plan.workers)
        self._first_measured = 0
        self._timeout_ns = seconds_to_ns(plan.timeout_s)
        self._is_closed = source.closed
        self._record = recording.record

    @property
    def connections_opened(self) -> int:
        """Number of connections that all clients opened."""
        return self._users.opened

    @property
    def local_failure_count(self) -> int:
        """Number of connections that failed because this machine lacked ports, files or buffers."""
        return self._users.local_failure_count

    @property
    def in_flight(self) -> int:
        """Number of iterations in progress."""
        return len(self._iterations)

    async def open(self) -> None:
        """Resolve names and create the first users. They connect with their first request."""
        await self._users.open()
        await super().open()

    def measure_from(self, seq: int) -> None:
        """Flag all steps of iterations with a number below ``seq`` as warm-up."""
        self._first_measured = seq

    def sweep(self, now_ns: int) -> None:
        """End steps that take longer than the timeout."""
        self._users.sweep(now_ns)
        late = []
        for step in self._open:
            if now_ns - step.begun <= self._timeout_ns:
                break
            late.append(step)
        for step in late:
            step.expire()

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

    def begin_step(self, step: Step) -> None:
        """Number a step and note its flags and times.

        Raises:
            ValueError: there are too many different step names.
            asyncio.CancelledError: the run is over. Raised again if the scenario catches it.
        """
        if self._stopped:
            raise asyncio.CancelledError
        endpoint = self._known_number(step.name)
        if endpoint is None:
            endpoint = self._names.number_of(step.name, step.by_path)
        step.endpoint = endpoint
        step.seq = next(self._seqs)
        step.begun = step.sent = step.intended = _clock()
        iteration = step.iteration
        if iteration.begun:
            step.flags = iteration.flags & _WARMUP
        else:
            step.flags = self._first_flags(iteration)
            if not self._is_closed:
                step.intended = iteration.intended
        self._open[step] = None

    def end_step(self, step: Step, error: ErrorKind, message: str) -> None:
        """Record a step, unless it was already recorded as abandoned."""
        if step not in self._open:
            return
        del self._open[step]
        done = _clock()
        if step.streamed:
            step.count_streamed()
        if not error:
            if done - step.sent <= self._timeout_ns:
                self._record(
                    step.seq,
                    step.intended,
                    step.sent,
                    step.first_byte,
                    done,
                    step.bytes_in,
                    step.status,
                    step.endpoint,
                    0,
                    step.flags,
                    step.connection,
                )
                return
            error, message = ErrorKind.TIMEOUT, ""  # its time was over between two sweeps
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
            flags |= _WARMUP
        iteration = Iteration(number, intended, flags)
        self._iterations.add(iteration)
        in_flight = len(self._iterations)
        if in_flight > self.in_flight_max:
            self.in_flight_max = in_flight
        return iteration

    def _make_user(self) -> User:
        number = self._worker + self._user_count * self._plan.workers
        self._user_count += 1
        context = Context(self, number, self._plan.seed)
        return User(self._make_client(context), context)

    def _make_client(self, context: Context) -> UserClient:
        return self._users.make(context, None)

    async def _perform(self, user: User, iteration: Iteration) -> ErrorKind:
        data, row = self._data, {}
        if data is not None:
            row = data.rows[data.index(iteration.number, iteration.number, self._plan.seed)]
        user.context.begin(iteration, row)
        begun = iteration.intended if self._is_closed else _clock()
        error, message, outside = _OK, "the iteration had no step", False
        try:
            await self._function(user.client, user.context)
        except (Exception, SystemExit, asyncio.CancelledError) as exc:
            if self._stopped and isinstance(exc, asyncio.CancelledError):
                raise
            # This iteration failed. The user continues, also if the scenario cancelled a task.
            error, message = failure_of(exc)
            outside = not iteration.has_reported(exc)
        if (outside or not iteration.begun) and iteration in self._iterations:
            self._record_iteration(iteration, begun, error or ErrorKind.CHECK, message)
        self._iterations.discard(iteration)
        if self._is_closed and not iteration.has_waited:
            await asyncio.sleep(0)  # a scenario that awaits nothing must not block the event loop
        return error

    def _record_iteration(
        self, iteration: Iteration, sent: int, error: ErrorKind, message: str
    ) -> None:
        """Record an iteration that failed outside of its steps, under the scenario's name."""
        now = _clock()
        intended, flags = sent, iteration.flags & _WARMUP
        if not iteration.begun:
            flags = self._first_flags(iteration)
            intended = sent if self._is_closed else iteration.intended
        seq = next(self._seqs)
        self._recording.finish(
            Outcome(seq, intended, sent, 0, now, 0, 0, 0, error, flags, message=message)
        )

    @staticmethod
    def _first_flags(iteration: Iteration) -> int:
        """The flags of the iteration's first record, which alone has FIRST_STEP and CAP_WAIT."""
        iteration.begun = True
        return iteration.flags | _FIRST_STEP


def _load_function(code: bytes) -> Function:
    try:
        function: Function = pickle.loads(code)
    except Exception as exc:  # this imports the user's modules, which may raise anything
        raise InputError(
            f"the scenario cannot be loaded in a worker: {type(exc).__name__}: {exc}"
        ) from exc
    return function
