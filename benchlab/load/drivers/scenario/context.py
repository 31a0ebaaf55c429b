"""The ``ctx`` of a scenario's function: steps, data and random numbers."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

import httpx

from benchlab.load.drivers.checking import check_status
from benchlab.load.drivers.httpx.failures import describe_exception
from benchlab.load.recording.outcome import Excerpt
from benchlab.samples.examples import BODY_BYTES
from benchlab.samples.samples import ErrorKind

__all__ = ["Context", "Iteration", "Step", "StepSink", "current_step", "failure_of"]

_MOST_REPORTED = 8

_current: ContextVar[Step | None] = ContextVar("step", default=None)
"""The current step. A task that a scenario starts inherits it and may then have its own."""


def current_step() -> Step | None:
    """The step that a request sent now belongs to; None outside of steps."""
    step = _current.get()
    return None if step is None or step.over else step


@dataclass(slots=True, eq=False)
class Iteration:
    """One run of the scenario, with the ``number`` that the source gave it.

    ``begun`` is set when it has a record, or a step that will become one. ``reported`` has the last
    exceptions that were recorded with a step.
    """

    number: int
    intended: int
    flags: int
    begun: bool = False
    reported: deque[BaseException] = field(default_factory=lambda: deque(maxlen=_MOST_REPORTED))

    def has_reported(self, exc: BaseException) -> bool:
        """True if ``exc``, or every exception of a group, was recorded as the failure of a step."""
        if isinstance(exc, BaseExceptionGroup):
            return all(map(self.has_reported, exc.exceptions))
        return any(exc is each for each in self.reported)


class StepSink(Protocol):
    """Numbers and records steps."""

    timeout_s: float

    def begin_step(self, step: Step, iteration: Iteration) -> None:
        """Set the step's sequence number, endpoint, flags and times."""

    def end_step(self, step: Step, error: ErrorKind, message: str) -> None:
        """Record a finished step, unless it is recorded already."""


class Context:
    """One user's view of the run; given to the scenario as ``ctx``.

    ``user`` is the user's number and ``iteration`` the number of this user's iteration, both from
    0. ``row`` is the iteration's row of the scenario's data, empty without data. ``rng`` is this
    user's own random number generator, seeded by the plan's seed.
    """

    def __init__(self, sink: StepSink, user: int, seed: int) -> None:
        self._sink = sink
        self.user = user
        self.iteration = -1
        self.row: Mapping[str, Any] = {}
        self.rng = random.Random(seed * 1_000_003 + user)
        self._iteration: Iteration | None = None

    def begin(self, iteration: Iteration, row: Mapping[str, Any]) -> None:
        """Start an iteration."""
        self._iteration = iteration
        self.iteration += 1
        self.row = row

    def step(self, name: str, *, expect_status: Collection[int] = ()) -> Step:
        """A step: the block ``async with ctx.step("login"):`` is one sample with that name.

        It lasts as long as the block, at most the plan's ``timeout_s``, and may send any number of
        requests. A failed request fails it with the same error kind. Any other exception (a failed
        ``assert``, a missing key) or a failed check fails it with ``check``, and so does a status
        that is not in ``expect_status``, if that is given; without ``expect_status``, a last
        response with a status of 400 or above fails it with ``status``. A request outside of steps
        is a step of its own, named by its method and path.
        """
        assert self._iteration is not None
        return Step(self._sink, self._iteration, str(name), frozenset(expect_status))


class Step:
    """The current step: ``async with ctx.step(name) as step``."""

    __slots__ = (
        "_expected",
        "_failed_check",
        "_iteration",
        "_sink",
        "_timeout",
        "by_path",
        "bytes_in",
        "connection",
        "endpoint",
        "failed_in_tls",
        "first_byte",
        "flags",
        "intended",
        "name",
        "over",
        "response",
        "sent",
        "seq",
    )

    def __init__(
        self, sink: StepSink, iteration: Iteration, name: str, expected: frozenset[int]
    ) -> None:
        self._sink = sink
        self._iteration = iteration
        self._expected = expected
        self._failed_check = ""
        self.name = name
        self.by_path: tuple[str, str] | None = None
        self.seq = self.endpoint = self.flags = 0
        self.intended = self.sent = self.first_byte = self.bytes_in = self.connection = 0
        self.response: httpx.Response | None = None
        self.failed_in_tls = False
        self.over = False

    @property
    def status(self) -> int:
        """The status of the last response, 0 without a response."""
        return 0 if self.response is None else self.response.status_code

    def check(self, holds: object, message: str = "a check does not hold") -> None:
        """Mark the step as failed with ``message`` unless ``holds``; the scenario continues."""
        if not holds and not self._failed_check:
            self._failed_check = message

    def excerpt(self) -> Excerpt:
        """The part of the last response that an example shows; no body if it was not read."""
        response = self.response
        if response is None:
            return Excerpt((), b"", self.bytes_in)
        body = response.content[:BODY_BYTES] if response.is_closed else b""
        return Excerpt(response.headers.multi_items(), body, self.bytes_in)

    def add_response(self, response: httpx.Response, connection: int) -> None:
        """Add a response of the step, and the number of its connection."""
        self.response = response
        self.connection = connection
        self.bytes_in += response.num_bytes_downloaded

    async def __aenter__(self) -> Step:
        outer = current_step()
        if outer is not None:
            raise RuntimeError(
                f"the step {self.name!r} starts inside {outer.name!r}: steps cannot be nested"
            )
        self._sink.begin_step(self, self._iteration)
        _current.set(self)
        self._timeout = asyncio.timeout(self._sink.timeout_s)
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over = True
        _current.set(None)
        try:
            await self._timeout.__aexit__(kind, exc, trace)
        except TimeoutError as timeout:
            self._sink.end_step(self, ErrorKind.TIMEOUT, "")
            self._iteration.reported.append(timeout)
            raise
        error, message = self._result(exc)
        if error is ErrorKind.CONNECT and self.failed_in_tls:
            error = ErrorKind.TLS
        self._sink.end_step(self, error, message)
        if exc is not None:
            self._iteration.reported.append(exc)

    def _result(self, exc: BaseException | None) -> tuple[ErrorKind, str]:
        if exc is not None:
            return failure_of(exc)
        if self._failed_check:
            return ErrorKind.CHECK, self._failed_check
        status = self.status
        if self._expected and status not in self._expected:
            return ErrorKind.CHECK, f"status {status} is not one of {sorted(self._expected)}"
        return (ErrorKind.OK, "") if self._expected else check_status(status)


def failure_of(exc: BaseException) -> tuple[ErrorKind, str]:
    """The error kind and message of an exception in a scenario."""
    if isinstance(exc, asyncio.CancelledError):
        return ErrorKind.ABANDONED, ""
    if isinstance(exc, httpx.HTTPStatusError):
        return ErrorKind.STATUS, f"status {exc.response.status_code}"
    if isinstance(exc, httpx.TransportError | TimeoutError):
        return describe_exception(exc)
    return ErrorKind.CHECK, f"{type(exc).__name__}: {exc}".rstrip(": ")
