"""The scenario driver for plans with policies: a request of a user may have several tries.

A step remains one sample, as its user sees it. When a request in it is tried again, the failed try
becomes a sample with the number that the step had, and the step goes on as the next number.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.checking import check_status
from benchlab.load.drivers.httpx.failures import describe_exception
from benchlab.load.drivers.policies import TRY_FLAGS, Course, Policies
from benchlab.load.drivers.scenario.context import Context, Response, Step
from benchlab.load.drivers.scenario.driver import ScenarioDriver
from benchlab.load.drivers.scenario.users import Attempt, UserClient
from benchlab.load.drivers.trying import carry_out
from benchlab.load.recording.outcome import Outcome
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.samples.tries import TryReason
from benchlab.units import NS_PER_S, seconds_to_ns

__all__ = ["PolicyScenarioDriver"]

_clock = time.monotonic_ns
_OWN = Flag.FIRST_STEP | Flag.NEW_CONNECTION  # of the step, not of each try

_BEYOND_TRY_S = 0.1
"""A step may take longer than its tries, so that a try's own time limit ends it: a try that is
cut off by the end of its step is no failure of the service to the circuit breaker."""


@dataclass(slots=True, eq=False)
class _Try:
    """A try of a request of a step; the client notes here how its connection was opened.

    ``seq`` is that of its sample. The step's own try has the step's, which changes.
    """

    seq: int
    flags: int = 0
    sent: int = 0
    first_byte: int = 0
    connection: int = 0
    failed_in_tls: bool = False
    response: Response | None = None
    exc: Exception | None = None

    @property
    def status(self) -> int:
        """The response's status, 0 without a response."""
        return 0 if self.response is None else self.response.status_code

    @property
    def bytes_in(self) -> int:
        """The bytes of the body that came."""
        return 0 if self.response is None else self.response.num_bytes_downloaded


class PolicyScenarioDriver(ScenarioDriver):
    """The `Driver` for scenarios whose requests are retried, hedged, or stopped by a breaker.

    ``timeout_s`` bounds each try. A step ends at the retries' ``deadline_s``, or after the time
    that one request with all its tries and pauses can take.
    """

    def __init__(
        self, plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
    ) -> None:
        super().__init__(plan, worker, run_id, source, recording)
        self.policies = Policies(plan, worker)
        self.recording = recording
        self.try_timeout_ns = seconds_to_ns(plan.timeout_s)
        self._timeout_ns = seconds_to_ns(self.policies.longest_s(plan.timeout_s) + _BEYOND_TRY_S)
        self._first_seqs: dict[Step, int] = {}

    def _make_client(self, context: Context) -> UserClient:
        return self._users.make(context, self)

    def begin_step(self, step: Step) -> None:
        """Number a step and note its flags and times."""
        super().begin_step(step)
        self._first_seqs[step] = step.seq

    def end_step(self, step: Step, error: ErrorKind, message: str) -> None:
        """Record a step, unless it was already recorded as abandoned."""
        super().end_step(step, error, message)
        self._first_seqs.pop(step, None)

    async def request(
        self,
        step: Step,
        origin: Hashable,
        send: Callable[[Attempt], Awaitable[None]],
        *,
        replayable: bool,
    ) -> Response | None:
        """Try until a try succeeds or the policies give up; put the one that decides into ``step``.

        ``send`` sends one try. Returns None if the circuit breaker let the last one not pass.

        Raises:
            Exception: what the last try raised.
        """
        tries = _StepTries(self, step, origin, send, replayable=replayable)
        attempt, error, _ = await carry_out(self.policies, tries)
        tries.conclude(attempt)
        if error is ErrorKind.CIRCUIT_OPEN:
            return None
        if attempt.exc is not None:
            raise attempt.exc
        return attempt.response

    def number(self, step: Step, reason: TryReason, course: Course) -> int:
        """The number of a further try in ``step``."""
        seq = next(self._seqs)
        self.recording.add_try(seq, self._first_seqs[step], course.next_number(), reason)
        return seq

    def is_open(self, step: Step) -> bool:
        """Whether ``step`` is not recorded yet."""
        return step in self._open

    def record_try(self, step: Step, attempt: _Try, error: ErrorKind, message: str) -> None:
        """Record a try that another one replaces."""
        now = _clock()
        sent = attempt.sent or now
        outcome = Outcome(
            seq=attempt.seq,
            intended=step.intended,
            sent=sent,
            first_byte=attempt.first_byte,
            done=now,
            bytes_in=attempt.bytes_in,
            status=attempt.status,
            endpoint=step.endpoint,
            error=error,
            flags=(step.flags & ~_OWN | attempt.flags) | Flag.FAILED_TRY,
            connection=attempt.connection,
            message=message,
        )
        self.recording.finish(outcome)


class _StepTries:
    """The tries of one request in a step."""

    def __init__(
        self,
        driver: PolicyScenarioDriver,
        step: Step,
        origin: Hashable,
        send: Callable[[Attempt], Awaitable[None]],
        *,
        replayable: bool,
    ) -> None:
        self._driver = driver
        self._step = step
        self._send = send
        self.course = driver.policies.begin(_clock())
        self.origin = origin
        self.replayable = replayable
        self._hedges: list[_Try] = []
        self._was_replaced = False

    def begin(self, reason: TryReason | None) -> _Try:
        """Number a try: the step's own one goes on as its next try."""
        if reason is not TryReason.HEDGE:
            return _Try(self._step.seq)
        hedge = _Try(self._driver.number(self._step, reason, self.course), Flag.HEDGE)
        self._hedges.append(hedge)
        return hedge

    async def carry_out(self, attempt: _Try) -> tuple[ErrorKind, str]:
        """Send a try."""
        now = _clock()
        driver = self._driver
        limit_ns = driver.policies.time_limit_ns(self.course, driver.try_timeout_ns, now)
        try:
            async with asyncio.timeout(limit_ns / NS_PER_S):
                await self._send(attempt)
        except Exception as exc:  # the scenario gets the last one
            attempt.exc = exc
            error, message = describe_exception(exc)
            if error is ErrorKind.CONNECT and attempt.failed_in_tls:
                error = ErrorKind.TLS
            return error, message
        return check_status(attempt.status)

    def replaced(self, attempt: _Try, error: ErrorKind, message: str, by: TryReason) -> None:
        """Record a try whose outcome another one replaces.

        If it was the step's own, the step goes on as the retry, or as one of the hedges.
        """
        step, driver = self._step, self._driver
        if attempt in self._hedges:
            self._hedges.remove(attempt)
            driver.record_try(step, attempt, error, message)
            return
        if not driver.is_open(step) or (by is TryReason.HEDGE and not self._hedges):
            return  # it is recorded, or will be, as what became of the step
        attempt.seq = step.seq
        driver.record_try(step, attempt, error, message)
        self._was_replaced = True
        if by is TryReason.HEDGE:
            step.seq = self._hedges.pop(0).seq
        else:
            step.seq = driver.number(step, by, self.course)
        step.flags |= TRY_FLAGS[by]
        step.sent = _clock()

    def conclude(self, attempt: _Try) -> None:
        """Put the try that decides into the step."""
        step = self._step
        step.flags |= attempt.flags & Flag.NEW_CONNECTION
        step.failed_in_tls = attempt.failed_in_tls
        if self._was_replaced and attempt.sent:
            step.sent = attempt.sent
        step.first_byte = step.first_byte or attempt.first_byte
        if attempt.response is not None:
            step.add_response(attempt.response, attempt.bytes_in, attempt.connection)
