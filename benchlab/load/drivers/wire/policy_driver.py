"""The wire driver for plans with policies: a request may have several tries, or none."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from itertools import count

from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.policies import (
    FASTER,
    NOT_TRIED_AGAIN,
    TRY_FLAGS,
    Policies,
    is_replayable,
)
from benchlab.load.drivers.wire.connection import Connection
from benchlab.load.drivers.wire.driver import CONNECT_PAUSE_S, NEVER_SENT, WireDriver
from benchlab.load.drivers.wire.encoding import make_try_encoder
from benchlab.load.drivers.wire.try_connection import Call, TryConnection
from benchlab.load.recording.outcome import Outcome
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.samples.tries import TryReason
from benchlab.units import NS_PER_S

__all__ = ["PolicyDriver"]

_clock = time.monotonic_ns


class PolicyDriver(WireDriver):
    """The `Driver` for HTTP/1.1 that retries, hedges and breaks circuits.

    The source numbers requests, and tries are numbered here as they are sent, so that numbers have
    no gaps. What is sent depends on the request's number alone, except for its trace context.

    ``in_flight`` counts requests. In an open loop the limit is that of tries that are being sent,
    and a request that waits for its retry holds no connection. In a closed loop a user has one
    request at a time, waits with it, and has another connection for a hedge.
    """

    def __init__(
        self, plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
    ) -> None:
        super().__init__(plan, worker, run_id, source, recording)
        self._policies = Policies(plan, worker)
        self._seqs = count(worker, plan.workers)
        self._first_measured = 0
        self._calls: set[Call] = set()
        self._due: deque[tuple[Call, TryReason]] = deque()
        self._free_users = 0
        self._sending = 0
        self._replayable = [
            is_replayable(request.method, [name for name, _ in request.headers])
            for request in plan.requests
        ]
        self._try_encoders = [
            make_try_encoder(plan, index, run_id) for index in range(len(plan.requests))
        ]

    def begin(self) -> None:
        """Start a closed loop: one request of every user."""
        self._free_users = self._limit
        self._serve(0)

    def measure_from(self, seq: int) -> None:
        """Flag the tries of requests that the source numbers below ``seq`` as warm-up."""
        self._first_measured = seq

    def dispatch(self) -> None:
        """Send the requests that are due, up to the limit of tries in flight."""
        self._serve(0)

    def sweep(self, now_ns: int) -> None:
        """Fail tries whose time limit has passed."""
        for connection in list(self._connections):
            assert isinstance(connection, TryConnection)
            if connection.busy and now_ns - connection.sent > connection.limit_ns:
                connection.fail(now_ns, ErrorKind.TIMEOUT)
                self._drop(connection)
        self._vacated()

    def abandon(self, now_ns: int) -> None:
        """Record every request in flight, waiting or due as abandoned, and take no more."""
        self._stopped = True
        for connection in list(self._connections):
            if connection.busy:
                connection.fail(now_ns, ErrorKind.ABANDONED)
        for call in list(self._calls):  # between two tries
            flags = call.flags | Flag.RETRY
            self._record_unsent(
                call, flags, now_ns, ErrorKind.ABANDONED, NOT_TRIED_AGAIN, TryReason.RETRY
            )
            self._over(call)
        while self._source.waiting:
            job = self._source.take(now_ns)
            assert job is not None
            call = self._make_call(job, Flag.CAP_WAIT, now_ns)
            self._record_unsent(call, call.flags, now_ns, ErrorKind.ABANDONED, NEVER_SENT)
            self._over(call)

    # what connections call

    def encode(self, call: Call, seq: int) -> bytes:
        """The bytes of a try."""
        return self._try_encoders[call.endpoint](call.number, seq)

    def free(self, connection: Connection, now: int) -> None:
        """A response is complete and the connection can be used again."""
        connection.idle_since = now
        self._idle[connection.origin].append(connection)
        self._serve(Flag.CAP_WAIT)

    def finished(self, connection: TryConnection, call: Call, outcome: Outcome) -> None:
        """A try has ended: record it, and decide whether there is another one."""
        call.open.discard(connection)
        self._sending -= 1
        error, status, now = outcome.error, outcome.status, outcome.done
        self._policies.note(call.origin, error, status, outcome.sent, now)
        if call.is_over:
            self.record(*_failed(outcome)[:11])
        elif error and call.open:  # another try may still succeed
            self.recording.finish(_failed(outcome))
        elif not error or self._stopped:
            self._conclude(call, outcome)
        else:
            self._try_again(connection, call, outcome)

    def _try_again(self, connection: TryConnection, call: Call, outcome: Outcome) -> None:
        """Record a failed try, and send or plan the next one; or give up."""
        error, now = outcome.error, outcome.done
        call.cancel_timer()
        if self._policies.resend(
            call.course,
            error,
            reused=connection.is_reused and not outcome.first_byte,
            replayable=self._replayable[call.endpoint],
        ):
            self.recording.finish(_failed(outcome))
            self._send_try(call, 0, TryReason.REUSED)
            return
        at = self._policies.retry_at(call.course, error, outcome.status, now)
        if at is None:
            self._conclude(call, outcome)
            return
        self.recording.finish(_failed(outcome))
        loop = asyncio.get_running_loop()
        call.timer = loop.call_later((at - now) / NS_PER_S, self._want, call, TryReason.RETRY)

    def _conclude(self, call: Call, outcome: Outcome) -> None:
        """Record the outcome of a request, and give up its other tries."""
        self.recording.finish(outcome)
        self._over(call)
        for other in list(call.open):
            other.fail(outcome.done, ErrorKind.ABANDONED, FASTER)
            self._drop(other)

    def _over(self, call: Call) -> None:
        call.is_over = True
        call.cancel_timer()
        self._calls.discard(call)
        self.in_flight = len(self._calls)
        self._free_users += 1

    # sending

    def _vacated(self) -> None:
        self._serve(Flag.CAP_WAIT)

    def _refill(self) -> None:
        self._serve(0)

    def _serve(self, waited: int) -> None:
        """Send what is due while it may be sent; ``waited`` is the flag of what had to wait."""
        source = self._source
        if self._closed:
            while self._free_users and not self._stopped:
                self._free_users -= 1
                self._begin_next(0)
            while source.waiting and not self._stopped:
                self._begin_next(0)
            return
        while self._sending < self._limit and not self._stopped:
            if self._due:
                call, reason = self._due.popleft()
                if not call.is_over and (call.open or reason is TryReason.RETRY):
                    self._send_try(call, waited, reason)
            elif source.waiting:
                self.cap_wait_count += bool(waited)
                self._begin_next(waited)
            else:
                return

    def _begin_next(self, flags: int) -> None:
        """Begin the source's next request, if there is one."""
        now = _clock()
        job = self._source.take(now)
        if job is not None:
            self._send_try(self._make_call(job, flags, now), 0)

    def _make_call(self, job: tuple[int, int], flags: int, now: int) -> Call:
        number, intended = job
        if number < self._first_measured:
            flags |= Flag.WARMUP
        endpoint = self._request_of(number)
        call = Call(
            number,
            now if self._closed else intended,
            endpoint,
            self._origin_of[endpoint],
            flags,
            self._policies.begin(now),
        )
        self._calls.add(call)
        self.in_flight = len(self._calls)
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        return call

    def _want(self, call: Call, reason: TryReason) -> None:
        """The time of a retry or hedge has come."""
        call.timer = None
        if call.is_over or self._stopped:
            return
        if reason is TryReason.HEDGE and not self._policies.hedge(call.course):
            return
        if self._closed:
            self._send_try(call, 0, reason)
        else:
            self._due.append((call, reason))
            self._serve(0)

    def _send_try(self, call: Call, flags: int, reason: TryReason | None = None) -> None:
        now = _clock()
        flags |= call.flags | (0 if reason is None else TRY_FLAGS[reason])
        if not self._policies.admits(call.origin, now):
            if reason is not TryReason.HEDGE:
                self._reject(call, flags, now, reason)
            return
        connection = None
        if reason is not TryReason.REUSED:
            connection = self._take_idle(call.origin, now)
        is_new = connection is None
        if connection is None:
            if not self._closed and len(self._connections) >= self._limit:
                self._close_idle()
            connection = self._new_connection(call.origin)
            self._connections.add(connection)
            flags |= Flag.NEW_CONNECTION
        assert isinstance(connection, TryConnection)
        seq = self._number(call, reason)
        connection.call = call
        connection.limit_ns = self._policies.time_limit_ns(call.course, self.timeout_ns, now)
        connection.assign(seq, call.endpoint, call.intended, now, flags)
        call.open.add(connection)
        self._sending += 1
        loop = asyncio.get_running_loop()
        if is_new:
            connection.connecting = loop.create_task(self._connect_and_write(connection, seq, now))
        else:
            connection.write()
        if self._policies.hedge_ns:
            call.cancel_timer()
            delay_s = self._policies.hedge_ns / NS_PER_S
            call.timer = loop.call_later(delay_s, self._want, call, TryReason.HEDGE)

    def _new_connection(self, origin: int) -> TryConnection:
        return TryConnection(self, origin, next(self._numbers))

    def _reject(self, call: Call, flags: int, now: int, reason: TryReason | None) -> None:
        """Record that the circuit is open. A user of a closed loop pauses before the next one."""
        self._record_unsent(call, flags, now, ErrorKind.CIRCUIT_OPEN, "", reason)
        self._over(call)
        if self._closed:
            self._free_users -= 1
            asyncio.get_running_loop().call_later(CONNECT_PAUSE_S, self._return_user)

    def _return_user(self) -> None:
        self._free_users += 1
        self._serve(0)

    def _record_unsent(
        self,
        call: Call,
        flags: int,
        now: int,
        error: ErrorKind,
        message: str,
        reason: TryReason | None = None,
    ) -> None:
        seq = self._number(call, reason)
        self.recording.finish(
            Outcome(
                seq, call.intended, now, 0, now, 0, 0, call.endpoint, error, flags, message=message
            )
        )

    def _number(self, call: Call, reason: TryReason | None) -> int:
        """The number of a try's sample."""
        seq = next(self._seqs)
        if reason is None:
            call.first_seq = seq
        else:
            self.recording.add_try(seq, call.first_seq, call.course.next_number(), reason)
        return seq


def _failed(outcome: Outcome) -> Outcome:
    return outcome._replace(flags=outcome.flags | Flag.FAILED_TRY)
