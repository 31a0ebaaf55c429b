"""The policies of a plan at work: when to retry, when to hedge, when to send nothing.

Pure state: times are given, nothing here waits or sends. Each worker has its own.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from benchlab.plan.plan import Plan
from benchlab.plan.policies import Breaker, Retry
from benchlab.samples.records import ErrorKind, Flag
from benchlab.samples.tries import TryReason
from benchlab.units import seconds_to_ns

__all__ = [
    "FASTER",
    "NOT_TRIED_AGAIN",
    "TRY_FLAGS",
    "Budget",
    "Circuit",
    "Course",
    "Policies",
    "is_replayable",
]

FASTER = "another try of its request was faster"
"""Why a try was given up, if not for a failure of its own."""

NOT_TRIED_AGAIN = "the generator stopped waiting before it was tried again"
"""Why a request between two tries was abandoned."""

TRY_FLAGS = {
    TryReason.RETRY: Flag.RETRY,
    TryReason.REUSED: Flag.RETRY,
    TryReason.HEDGE: Flag.HEDGE,
}
"""The flag of a try by its reason."""

_RESERVE = 10.0
"""Tokens that a budget holds at most, and begins with: a client that sends little may retry too."""

_SLICES = 10  # of a breaker's window, which moves on by one of them
_REPLAYABLE = ("GET", "HEAD", "OPTIONS", "TRACE")
_IDEMPOTENCY_KEYS = ("idempotency-key", "x-idempotency-key")
_UNDELIVERED = frozenset(
    (
        ErrorKind.CONNECT,
        ErrorKind.TIMEOUT,
        ErrorKind.RESET,
        ErrorKind.CLOSED,
        ErrorKind.PROTOCOL,
        ErrorKind.TLS,
    )
)
_LOST = (ErrorKind.RESET, ErrorKind.CLOSED)


def is_replayable(method: str, headers: Iterable[str]) -> bool:
    """Whether Go's client would repeat a request on its own (`net/http.Request.isReplayable`).

    ``headers`` are the names of its headers.
    """
    names = {name.lower() for name in headers}
    return method in _REPLAYABLE or not names.isdisjoint(_IDEMPOTENCY_KEYS)


class Budget:
    """A token bucket: a request adds ``ratio`` of a token, a further try takes a whole one.

    Without a ``ratio`` there is no limit.
    """

    def __init__(self, ratio: float | None) -> None:
        self._ratio = ratio
        self.tokens = _RESERVE

    def deposit(self) -> None:
        """Count a request."""
        if self._ratio is not None:
            self.tokens = min(_RESERVE, self.tokens + self._ratio)

    def withdraw(self) -> bool:
        """Take a token; returns False if there is none."""
        if self._ratio is None:
            return True
        if self.tokens < 1 - 1e-9:  # ten times 0.1 is a little less than 1
            return False
        self.tokens -= 1
        return True


class Circuit:
    """The circuit breaker of one service."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._slice_ns = max(1, seconds_to_ns(breaker.window_s) // _SLICES)
        self._open_ns = seconds_to_ns(breaker.open_s)
        self._slices: deque[list[int]] = deque(maxlen=_SLICES)  # number, responses, failures
        self._opened: int | None = None
        self._probes_sent = self._probes_met = 0

    @property
    def is_open(self) -> bool:
        """Whether it is open, or half open: trying whether the service works again."""
        return self._opened is not None

    def admits(self, now: int) -> bool:
        """Whether a request may be sent at ``now``; if it is a probe, it counts as sent."""
        if self._opened is None:
            return True
        if now - self._opened < self._open_ns or self._probes_sent >= self._breaker.probes:
            return False
        self._probes_sent += 1
        return True

    def note(self, now: int, *, failed: bool, sent: int) -> None:
        """Add the response, or its lack, to a request that was sent at ``sent``."""
        if self._opened is not None:
            if sent < self._opened + self._open_ns:
                return  # sent before it opened
            if failed:
                self._open(now)
                return
            self._probes_met += 1
            if self._probes_met >= self._breaker.probes:
                self._opened = None
                self._slices.clear()
            return
        number = now // self._slice_ns
        if not self._slices or self._slices[-1][0] != number:
            self._slices.append([number, 0, 0])
        self._slices[-1][1] += 1
        self._slices[-1][2] += failed
        recent = [each for each in self._slices if each[0] > number - _SLICES]
        total, failures = sum(each[1] for each in recent), sum(each[2] for each in recent)
        limit = self._breaker.failure_ratio
        if failed and total >= self._breaker.least and failures >= limit * total:
            self._open(now)

    def forget_probe(self, sent: int) -> None:
        """Take back a request that got no verdict, such as a lost hedge, if it was a probe."""
        if self._opened is None or sent < self._opened + self._open_ns:
            return
        if self._probes_sent > self._probes_met:
            self._probes_sent -= 1

    def _open(self, now: int) -> None:
        self._opened = now
        self._probes_sent = self._probes_met = 0


@dataclass(slots=True, eq=False)
class Course:
    """A request on its way through its tries: ``begun`` is when the first was sent.

    ``tries`` are those that the policies decided on; some of them may never be sent.
    """

    begun: int
    tries: int = 1
    hedges: int = 0
    was_resent: bool = False
    numbered: int = 1

    def next_number(self) -> int:
        """The number of the next try, in the order of sending."""
        self.numbered += 1
        return self.numbered


class Policies:
    """The policies of ``plan`` in one worker."""

    def __init__(self, plan: Plan, worker: int) -> None:
        transport = plan.transport
        self._retry = transport.retry
        self._hedge = transport.hedge
        self._resends = transport.retry_reused
        self._retry_budget = Budget(self._retry.budget if self._retry else None)
        self._hedge_budget = Budget(self._hedge.budget if self._hedge else None)
        self._breaker = transport.breaker
        self._circuits: dict[Hashable, Circuit] = {}
        self._rng = random.Random(plan.seed * 1_000_003 + worker)  # not for secrets
        self.hedge_ns = seconds_to_ns(self._hedge.after_s) if self._hedge else 0
        deadline_s = self._retry.deadline_s if self._retry else None
        self._deadline_ns = None if deadline_s is None else seconds_to_ns(deadline_s)

    def begin(self, now: int) -> Course:
        """Count a request whose first try is sent at ``now``."""
        self._retry_budget.deposit()
        self._hedge_budget.deposit()
        return Course(now)

    def admits(self, origin: Hashable, now: int) -> bool:
        """Whether the circuit of the service ``origin`` lets a try pass at ``now``."""
        if self._breaker is None:
            return True
        if origin not in self._circuits:
            self._circuits[origin] = Circuit(self._breaker)
        return self._circuits[origin].admits(now)

    def time_limit_ns(self, course: Course, timeout_ns: int, now: int) -> int:
        """How long a try that is sent at ``now`` may take."""
        if self._deadline_ns is None:
            return timeout_ns
        return max(0, min(timeout_ns, course.begun + self._deadline_ns - now))

    def longest_s(self, timeout_s: float) -> float:
        """The longest that a request may take whose tries may take ``timeout_s`` each."""
        retry, resends = self._retry, timeout_s * self._resends
        if retry is None:
            return timeout_s + resends
        if retry.deadline_s is not None:
            return retry.deadline_s
        pauses = sum(_longest_pause_s(retry, tries) for tries in range(1, retry.tries))
        return retry.tries * timeout_s + resends + pauses

    def note(self, origin: Hashable, error: ErrorKind, status: int, sent: int, now: int) -> None:
        """Tell the circuit of the service ``origin`` how a try ended that it `admits`."""
        if self._breaker is None:
            return
        if error is ErrorKind.ABANDONED:
            self._circuits[origin].forget_probe(sent)
            return
        failed = error in _UNDELIVERED or status >= 500
        self._circuits[origin].note(now, failed=failed, sent=sent)

    def resend(self, course: Course, error: ErrorKind, *, reused: bool, replayable: bool) -> bool:
        """Whether a try without a byte of a response is sent once more on a new connection.

        Those of a ``reused`` connection are, as Go's client does it
        (`net/http.persistConn.shouldRetryRequest`).
        """
        if not (self._resends and reused and replayable and error in _LOST) or course.was_resent:
            return False
        course.was_resent = True
        course.tries += 1
        return True

    def retry_at(self, course: Course, error: ErrorKind, status: int, now: int) -> int | None:
        """When to retry a request whose last try failed at ``now``; None to give up."""
        retry = self._retry
        if retry is None or not retry.retries(error, status):
            return None
        retried = course.tries - course.hedges - course.was_resent
        if retried >= retry.tries:
            return None
        at = now + self._pause_ns(retry, retried)
        if self._deadline_ns is not None and at >= course.begun + self._deadline_ns:
            return None
        if not self._retry_budget.withdraw():
            return None
        course.tries += 1
        return at

    def hedge(self, course: Course) -> bool:
        """Whether a request without a response is sent once more; if so, it is counted."""
        hedge = self._hedge
        if hedge is None or course.hedges >= hedge.most or not self._hedge_budget.withdraw():
            return False
        course.hedges += 1
        course.tries += 1
        return True

    def _pause_ns(self, retry: Retry, retried: int) -> int:
        longest_s = _longest_pause_s(retry, retried)
        if retry.jitter == "full":
            longest_s *= self._rng.random()
        elif retry.jitter == "equal":
            longest_s *= 0.5 + 0.5 * self._rng.random()
        return seconds_to_ns(longest_s)


def _longest_pause_s(retry: Retry, tries: int) -> float:
    """The longest pause after so many tries."""
    return min(retry.most_backoff_s, retry.backoff_s * 2.0 ** (tries - 1))
