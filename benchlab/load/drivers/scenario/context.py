"""The ``ctx`` of a scenario's function: steps, data and random numbers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Iterable, Mapping
from contextvars import ContextVar
from functools import cached_property
from types import TracebackType
from typing import Any, Protocol

import httpx

from benchlab.load.drivers.checking import FIRST_ERROR_STATUS, check_status
from benchlab.load.drivers.httpx.failures import describe_exception
from benchlab.load.drivers.scenario.grpc_failures import describe_call_error
from benchlab.load.recording.outcome import Excerpt
from benchlab.redact import public_path
from benchlab.samples.examples import BODY_BYTES
from benchlab.samples.samples import ErrorKind

__all__ = ["Context", "Iteration", "Response", "Step", "StepSink", "current_step", "failure_of"]

_MOST_REPORTED = 8
_ANY: frozenset[int] = frozenset()
_OK = ErrorKind.OK  # a member of an enum is not found at once

_current: ContextVar[Step | None] = ContextVar("step", default=None)
"""The current step. A task that a scenario starts inherits it and may then have its own."""


def current_step() -> Step | None:
    """The step that a request sent now belongs to; None outside of steps."""
    step = _current.get()
    return None if step is None or step.over else step


class Headers(Protocol):
    """The headers of a response."""

    def multi_items(self) -> Iterable[tuple[str, str]]:
        """Names and values, in the order in which they came."""


class Response(Protocol):
    """What a step keeps of the response of any client; httpx's names."""

    @property
    def status_code(self) -> int:
        """The status."""

    @property
    def headers(self) -> Headers:
        """The headers."""

    @property
    def content(self) -> bytes:
        """The body, which was read."""

    @property
    def is_closed(self) -> bool:
        """Whether the body was read, or is not wanted."""

    @property
    def num_bytes_downloaded(self) -> int:
        """The bytes of the body that came."""


_NONE: tuple[Response, ...] = ()


class Iteration:
    """One run of the scenario, with the ``number`` that the source gave it.

    ``begun`` is set when it has a record, or a step that will become one; ``has_waited`` when a
    response came in it. ``reported`` has the last exceptions that were recorded with a step.
    """

    __slots__ = ("begun", "flags", "has_waited", "intended", "number", "reported")

    def __init__(self, number: int, intended: int, flags: int) -> None:
        self.number = number
        self.intended = intended
        self.flags = flags
        self.begun = False
        self.has_waited = False
        self.reported: tuple[BaseException, ...] = ()

    def add_reported(self, exc: BaseException) -> None:
        """Note that ``exc`` was recorded as the failure of a step."""
        self.reported = (*self.reported[1 - _MOST_REPORTED :], exc)

    def has_reported(self, exc: BaseException) -> bool:
        """True if ``exc``, or every exception of a group, was recorded as the failure of a step."""
        if isinstance(exc, BaseExceptionGroup):
            return all(map(self.has_reported, exc.exceptions))
        return any(exc is each for each in self.reported)


class StepSink(Protocol):
    """Numbers and records steps, and ends those that take too long, in ``loop``."""

    loop: asyncio.AbstractEventLoop

    def begin_step(self, step: Step) -> None:
        """Set the step's sequence number, endpoint, flags and times."""

    def end_step(self, step: Step, error: ErrorKind, message: str) -> None:
        """Record a finished step, unless it is recorded already."""


class Context:
    """One user's view of the run; given to the scenario as ``ctx``.

    ``user`` is the user's number and ``iteration`` the number of this user's iteration, both from
    0. ``row`` is the iteration's row of the scenario's data, empty without data. ``rng`` is this
    user's own random number generator, seeded by the plan's seed.
    """

    _iteration: Iteration

    def __init__(self, sink: StepSink, user: int, seed: int) -> None:
        self._sink = sink
        self._seed = seed
        self.user = user
        self.iteration = -1
        self.row: Mapping[str, Any] = {}

    @cached_property
    def rng(self) -> random.Random:
        """This user's own random number generator."""
        return random.Random(self._seed * 1_000_003 + self.user)  # 2.5 kB, which few users need

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
        expected = frozenset(expect_status) if expect_status else _ANY
        return Step(self._sink, self._iteration, str(name), expected)

    def step_of(self, method: str, path: str) -> Step:
        """The step of a request outside of steps."""
        step = Step(self._sink, self._iteration, f"{method} {public_path(path)}", _ANY)
        step.by_path = True
        return step


class Step:
    """The current step: ``async with ctx.step(name) as step``."""

    __slots__ = (
        "_cancelling",
        "_expected",
        "_expired",
        "_failed_check",
        "_sink",
        "_task",
        "begun",
        "by_path",
        "bytes_in",
        "connection",
        "endpoint",
        "failed_in_tls",
        "first_byte",
        "flags",
        "intended",
        "iteration",
        "name",
        "over",
        "response",
        "sent",
        "seq",
        "status",
        "streamed",
    )

    seq: int
    endpoint: int
    flags: int
    intended: int
    begun: int
    sent: int

    def __init__(
        self, sink: StepSink, iteration: Iteration, name: str, expected: frozenset[int]
    ) -> None:
        self._sink = sink
        self._expected = expected
        self._failed_check = ""
        self._expired = False
        self.iteration = iteration
        self.name = name
        self.by_path = False
        self.first_byte = self.bytes_in = self.connection = self.status = 0
        self.response: Response | None = None
        self.streamed = _NONE
        self.failed_in_tls = False
        self.over = False

    def check(self, holds: object, message: object = "") -> None:
        """Mark the step as failed with ``message`` unless ``holds``; the scenario continues."""
        if not holds and not self._failed_check:
            self._failed_check = str(message) or "a check does not hold"

    def excerpt(self) -> Excerpt:
        """The part of the last response that an example shows; no body if it was not read."""
        response = self.response
        if response is None:
            return Excerpt((), b"", self.bytes_in)
        body = response.content[:BODY_BYTES] if response.is_closed else b""
        return Excerpt(response.headers.multi_items(), body, self.bytes_in)

    def add_response(self, response: Response, bytes_in: int, connection: int) -> None:
        """Add a response of the step, the bytes of its body, and the number of its connection.

        The bytes of a body that the scenario reads itself are counted when the step ends.
        """
        self.response = response
        self.status = response.status_code
        self.connection = connection
        if response.is_closed:
            self.bytes_in += bytes_in
        else:
            self.streamed = (*self.streamed, response)
        self.iteration.has_waited = True

    def count_streamed(self) -> None:
        """Count what the scenario has read of bodies."""
        self.bytes_in += sum(response.num_bytes_downloaded for response in self.streamed)
        self.streamed = _NONE

    def expire(self) -> None:
        """End the step, which takes too long, with a `TimeoutError`.

        This is what `asyncio.timeout` does, without a timer for each step.
        """
        if not self._expired:
            self._expired = True
            self._task.cancel()

    async def __aenter__(self) -> Step:
        outer = _current.get()
        if outer is not None and not outer.over:
            raise RuntimeError(
                f"the step {self.name!r} starts inside {outer.name!r}: steps cannot be nested"
            )
        task = asyncio.current_task(self._sink.loop)
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()
        self._sink.begin_step(self)
        _current.set(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over = True
        _current.set(None)
        if exc is None:
            if self._expired:
                self._task.uncancel()
            error, message = _OK, ""
            if self._failed_check or self._expected:
                error, message = self._checked()
            elif self.status >= FIRST_ERROR_STATUS:
                error, message = check_status(self.status)
            self._sink.end_step(self, error, message)
            return
        is_late = self._expired and self._task.uncancel() <= self._cancelling
        if is_late and isinstance(exc, asyncio.CancelledError):
            timeout = TimeoutError()
            self._sink.end_step(self, ErrorKind.TIMEOUT, "")
            self.iteration.add_reported(timeout)
            raise timeout from exc
        error, message = failure_of(exc)
        if error is ErrorKind.CONNECT and self.failed_in_tls:
            error = ErrorKind.TLS
        self._sink.end_step(self, error, message)
        self.iteration.add_reported(exc)

    def _checked(self) -> tuple[ErrorKind, str]:
        status = self.status
        if self._failed_check:
            return ErrorKind.CHECK, self._failed_check
        if status not in self._expected:
            return ErrorKind.CHECK, f"status {status} is not one of {sorted(self._expected)}"
        return _OK, ""


def failure_of(exc: BaseException) -> tuple[ErrorKind, str]:
    """The error kind and message of an exception in a scenario."""
    if isinstance(exc, asyncio.CancelledError):
        task = asyncio.current_task()
        if task is None or task.cancelling():
            return ErrorKind.ABANDONED, ""
        return ErrorKind.CHECK, "CancelledError: the scenario awaited something that was cancelled"
    if isinstance(exc, httpx.HTTPStatusError):
        return ErrorKind.STATUS, f"status {exc.response.status_code}"
    if isinstance(exc, httpx.TransportError | TimeoutError):
        return describe_exception(exc)
    if (failure := describe_call_error(exc)) is not None:
        return failure
    return ErrorKind.CHECK, f"{type(exc).__name__}: {exc}".rstrip(": ")
