"""The scenario driver: users who run the plan's function, once for each request of the source."""

from __future__ import annotations

import asyncio
import pickle
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchlab.errors import InputError
from benchlab.load.connection_log import ConnectionLog
from benchlab.load.examples import Examples
from benchlab.load.failures import unfinished_words
from benchlab.load.httpx_client import ClientFactory
from benchlab.load.recorder import Recorder
from benchlab.load.scenario.client import UserClient
from benchlab.load.scenario.context import Context, Step, failure_of
from benchlab.load.scenario.step_names import StepNames
from benchlab.load.servers import ServerNames
from benchlab.load.source import Source
from benchlab.load.users import UserPool
from benchlab.values.examples import BODY_BYTES
from benchlab.values.plan import Plan
from benchlab.values.samples import ErrorKind, Flag

__all__ = ["ScenarioDriver"]

_clock = time.monotonic_ns

Function = Callable[[httpx.AsyncClient, Context], Awaitable[None]]


@dataclass(slots=True)
class _User:
    """A virtual user: a client, and what the scenario sees of the run."""

    client: UserClient
    context: Context


@dataclass(slots=True, eq=False)
class _Iteration:
    """One run of the scenario. ``begun`` once its first step is, or its failure is recorded."""

    number: int
    intended: int
    flags: int
    begun: bool = False


class ScenarioDriver(UserPool[_User, _Iteration]):
    """See `benchlab.load.driver.Driver`. Steps are numbered here, not by the source.

    The first step of an iteration is intended when the iteration was, every other when it begins.
    An iteration that fails outside of any step, or comes to no step at all, is recorded under the
    scenario's own name, so that each one has at least one record.
    """

    def __init__(
        self,
        plan: Plan,
        worker: int,
        run_id: str,
        source: Source,
        recorder: Recorder,
        examples: Examples,
        log: ConnectionLog,
        steps_path: Path,
    ) -> None:
        super().__init__(plan.share(worker), source)
        assert plan.scenario is not None
        self._plan = plan
        self._scenario = plan.scenario
        self._run_id = run_id
        self._recorder = recorder
        self._examples = examples
        self._function = _load_function(plan.scenario.code)
        self._names = StepNames(steps_path, examples.endpoints)
        self._make_client = ClientFactory(plan, log)
        self._worker = worker
        self._users = 0
        self._iterations: set[_Iteration] = set()
        self._open: set[Step] = set()
        self.timeout_s = plan.timeout_s
        self.next_seq = worker
        self.local_failure_count = 0
        self.servers = ServerNames()

    @property
    def connections_opened(self) -> int:
        """Connections that were opened, by all users."""
        return self._make_client.opened

    @property
    def in_flight(self) -> int:
        """Iterations that are under way."""
        return len(self._iterations)

    def sweep(self, now_ns: int) -> None:
        """Each step carries its own timeout."""

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
        """Number a step and note its times."""
        if step.by_path is None:
            step.endpoint = self._names.number(step.name)
        else:
            step.endpoint = self._names.number_of_request(*step.by_path)
        step.seq = self._take_seq()
        step.sent = _clock()
        first = bool(step.flags & Flag.BEGINS)
        if not first or self._source.closed:
            step.intended = step.sent
        self._open.add(step)

    def end_step(self, step: Step, error: ErrorKind, words: str) -> None:
        """Record a step, unless it was recorded as abandoned before."""
        if step not in self._open:
            return
        self._open.discard(step)
        self._recorder.record(
            step.seq,
            step.intended,
            step.sent,
            step.first_byte,
            _clock(),
            step.bytes_in,
            step.status,
            step.endpoint,
            error,
            step.flags,
        )
        if error and self._examples.wants(error, step.endpoint, step.intended):
            response = step.response
            self._examples.keep(
                error,
                step.endpoint,
                step.seq,
                step.intended,
                step.status,
                unfinished_words(error, step.status, step.bytes_in) or words,
                response.headers.multi_items() if response is not None else (),
                response.content[:BODY_BYTES]
                if response is not None and response.is_closed
                else b"",
                step.bytes_in,
            )

    # users

    def _take(self, flags: int) -> _Iteration | None:
        due = None if self._stopped else self._source.take(_clock())
        if due is None:
            return None
        iteration = _Iteration(*due, flags)
        self._iterations.add(iteration)
        self.in_flight_max = max(self.in_flight_max, len(self._iterations))
        return iteration

    def _make_user(self) -> _User:
        number = self._worker + self._users * self._plan.workers
        self._users += 1
        client = self._make_client.make(UserClient, self._scenario.base_url)
        client.headers.update({"Accept": "*/*", "User-Agent": "benchlab"})
        client.context = Context(self, number, self._plan.seed)
        client.run_id, client.trace_ratio = self._run_id, self._plan.trace_ratio
        client.servers = self.servers
        return _User(client, client.context)

    def _client_of(self, user: _User) -> httpx.AsyncClient:
        return user.client

    async def _perform(self, user: _User, iteration: _Iteration) -> ErrorKind:
        context, data = user.context, self._scenario.data
        context.iteration += 1
        context.begin(iteration)
        if data is not None:
            index = data.index(iteration.number, iteration.number, self._plan.seed)
            context.row = data.table[index]
        begun = _clock()
        error, words = ErrorKind.OK, "the iteration came to no step"
        try:
            await self._function(user.client, context)
        except Exception as exc:  # whatever it is, the iteration has failed, and others follow
            error, words = failure_of(exc)
            outside = not getattr(exc, "told_by_step", False)
        else:
            outside = False
        if iteration in self._iterations and (outside or not iteration.begun):
            self._record_iteration(iteration, begun, error or ErrorKind.CHECK, words)
        self._iterations.discard(iteration)
        if self._source.closed:
            await asyncio.sleep(0)  # a scenario that awaits nothing must not keep the loop
        return error

    def _record_iteration(
        self, iteration: _Iteration, sent: int, error: ErrorKind, words: str
    ) -> None:
        """Record what befell an iteration outside of its steps, under the scenario's name."""
        now = _clock()
        flags = iteration.flags | (0 if iteration.begun else Flag.BEGINS)
        late = iteration.begun or self._source.closed
        intended = sent if late else iteration.intended
        seq = self._take_seq()
        self._recorder.record(seq, intended, sent, 0, now, 0, 0, 0, error, flags)
        if self._examples.wants(error, 0, intended):
            self._examples.keep(error, 0, seq, intended, 0, unfinished_words(error, 0, 0) or words)

    def _take_seq(self) -> int:
        seq = self.next_seq
        self.next_seq += self._plan.workers
        return seq


def _load_function(code: bytes) -> Function:
    try:
        function: Function = pickle.loads(code)
    except Exception as exc:  # it imports what the user's code imports, which may raise anything
        raise InputError(
            f"the scenario cannot be loaded in a worker: {type(exc).__name__}: {exc}"
        ) from exc
    return function
