"""The ``ctx`` of a scenario's function: steps, data, randomness."""

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
"""The step under way. Tasks that a scenario starts have one of their own, which begins as this."""


def current_step() -> Step | None:
    """The step that a request sent now belongs to; None outside of any."""
    step = _current.get()
    return None if step is None or step.over else step


@dataclass(slots=True, eq=False)
class Iteration:
    """One run of the scenario, handed out by the source as ``number``.

    ``begun`` once it has a record, or a step that will be one. ``reported`` are the last exceptions
    that were recorded with a step.
    """

    number: int
    intended: int
    flags: int
    begun: bool = False
    reported: deque[BaseException] = field(default_factory=lambda: deque(maxlen=_MOST_REPORTED))

    def has_reported(self, exc: BaseException) -> bool:
        """Whether ``exc`` is the failure of a step, and so recorded; or a group of such."""
        if isinstance(exc, BaseExceptionGroup):
            return all(map(self.has_reported, exc.exceptions))
        return any(exc is each for each in self.reported)


class StepSink(Protocol):
    """Where steps are numbered and recorded."""

    timeout_s: float

    def begin_step(self, step: Step, iteration: Iteration) -> None:
        """Give the step its sequence number, its number of a name, its flags and times."""

    def end_step(self, step: Step, error: ErrorKind, message: str) -> None:
        """Record a step that is over, unless it was recorded before."""


class Context:
    """One user's view of the run; given to the scenario as ``ctx``.

    ``user`` numbers the users from 0; ``iteration`` counts this user's from 0; ``row`` is the
    iteration's row of the scenario's data, an empty one without data; ``rng`` is this user's own
    source of randomness, which follows from the plan's seed.
    """

    def __init__(self, sink: StepSink, user: int, seed: int) -> None:
        self._sink = sink
        self.user = user
        self.iteration = -1
        self.row: Mapping[str, Any] = {}
        self.rng = random.Random(seed * 1_000_003 + user)
        self._iteration: Iteration | None = None

    def begin(self, iteration: Iteration, row: Mapping[str, Any]) -> None:
        """Begin an iteration."""
        self._iteration = iteration
        self.iteration += 1
        self.row = row

    def step(self, name: str, *, expect_status: Collection[int] = ()) -> Step:
        """A step: what happens in ``async with ctx.step("login"):`` is one sample of that name.

        It lasts as long as the block, which the plan's ``timeout_s`` bounds, and may send any
        number of requests. It fails with what a request in it fails with, with ``check`` for any
        other exception (a failed ``assert``, a missing key) or a check that does not hold, and with
        ``status`` when its last response has a status of 400 or above, or one that is not in
        ``expect_status`` if that is given. A request outside of any step is a step of its own,
        named by its method and path.
        """
        assert self._iteration is not None
        return Step(self._sink, self._iteration, str(name), frozenset(expect_status))


class Step:
    """A step under way: ``async with ctx.step(name) as step``."""

    __slots__ = (
        "_expected",
        "_failed_check",
        "_iteration",
        "_sink",
        "_timeout",
        "by_path",
        "bytes_in",
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
        self.intended = self.sent = self.first_byte = self.bytes_in = 0
        self.response: httpx.Response | None = None
        self.failed_in_tls = False
        self.over = False

    @property
    def status(self) -> int:
        """The status of the last response, 0 when none came."""
        return 0 if self.response is None else self.response.status_code

    def check(self, holds: object, message: str = "a check does not hold") -> None:
        """Let the step fail with ``message`` unless ``holds``; the scenario goes on."""
        if not holds and not self._failed_check:
            self._failed_check = message

    def excerpt(self) -> Excerpt:
        """What an example shows of the last response; of its body nothing unless it was read."""
        response = self.response
        if response is None:
            return Excerpt((), b"", self.bytes_in)
        body = response.content[:BODY_BYTES] if response.is_closed else b""
        return Excerpt(response.headers.multi_items(), body, self.bytes_in)

    def saw(self, response: httpx.Response) -> None:
        """Note a response whose body was read."""
        self.response = response
        self.bytes_in += response.num_bytes_downloaded

    async def __aenter__(self) -> Step:
        outer = current_step()
        if outer is not None:
            raise RuntimeError(
                f"the step {self.name!r} begins inside {outer.name!r}: steps follow each other"
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
        error, message = self._judge(exc)
        if error is ErrorKind.CONNECT and self.failed_in_tls:
            error = ErrorKind.TLS
        self._sink.end_step(self, error, message)
        if exc is not None:
            self._iteration.reported.append(exc)

    def _judge(self, exc: BaseException | None) -> tuple[ErrorKind, str]:
        if exc is not None:
            return failure_of(exc)
        if self._failed_check:
            return ErrorKind.CHECK, self._failed_check
        status = self.status
        if self._expected and status not in self._expected:
            return ErrorKind.CHECK, f"status {status} is not one of {sorted(self._expected)}"
        return (ErrorKind.OK, "") if self._expected else check_status(status)


def failure_of(exc: BaseException) -> tuple[ErrorKind, str]:
    """What an exception in a scenario means: the service's failure, or a check's."""
    if isinstance(exc, asyncio.CancelledError):
        return ErrorKind.ABANDONED, ""
    if isinstance(exc, httpx.HTTPStatusError):
        return ErrorKind.STATUS, f"status {exc.response.status_code}"
    if isinstance(exc, httpx.TransportError | TimeoutError):
        return describe_exception(exc)
    return ErrorKind.CHECK, f"{type(exc).__name__}: {exc}".rstrip(": ")
