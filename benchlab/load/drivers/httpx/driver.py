"""The httpx driver: one client per connection, each a task that serves one request at a time.

It costs far more CPU per request than the wire driver, and speaks HTTP/2 to a TLS service that
offers it. One client per connection, because a shared client's pool looks through all its
connections for each request.

httpx keeps what a service sends after the end of an answer and takes it for the next one; the wire
driver gives up such a connection.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import httpx

from benchlab.load.arrivals.source import Source
from benchlab.load.drivers.checking import judge_status, make_checker
from benchlab.load.drivers.failures import error_kind, exception_words, unfinished_words
from benchlab.load.drivers.headers import asks_for_trace, traceparent
from benchlab.load.drivers.httpx.client import JOB
from benchlab.load.drivers.httpx.user_pool import UserPool
from benchlab.load.drivers.rendering import Renderer
from benchlab.load.recording.outputs import Outputs
from benchlab.plan.plan import Plan
from benchlab.samples.examples import BODY_BYTES
from benchlab.samples.samples import ErrorKind, Flag

__all__ = ["HttpxDriver"]

_clock = time.monotonic_ns


@dataclass(slots=True)
class _Job:
    """A request taken from the source and not yet recorded, with what has come of its answer.

    ``sent`` is 0 until it is acted on.
    """

    seq: int
    intended: int
    flags: int
    endpoint: int
    sent: int = 0
    first_byte: int = 0
    bytes_in: int = 0
    failed_in_tls: bool = False
    response: httpx.Response | None = None
    body: bytearray = field(default_factory=bytearray)

    @property
    def status(self) -> int:
        """The answer's status, 0 when none came."""
        return self.response.status_code if self.response is not None else 0


class HttpxDriver(UserPool[httpx.AsyncClient, _Job]):
    """See `benchlab.load.drivers.driver.Driver`."""

    def __init__(
        self, plan: Plan, worker: int, run_id: str, source: Source, outputs: Outputs
    ) -> None:
        super().__init__(plan, worker, run_id, source, outputs)
        self._checkers = [make_checker(request) for request in plan.requests]
        self._mix = plan.request_order
        self._jobs: dict[int, _Job] = {}
        self._renderers = [Renderer(plan, index, run_id) for index in range(len(plan.requests))]

    @property
    def in_flight(self) -> int:
        """Requests taken and not yet recorded."""
        return len(self._jobs)

    def measure_from(self, seq: int) -> None:
        """What the source numbers below ``seq`` belongs to the warm-up."""
        self._recorder.first_measured_seq = seq

    def abandon(self, now_ns: int) -> None:
        """Record everything in flight or due as abandoned, and take no more."""
        while self._source.waiting:
            self._take(Flag.CAP_WAIT)
        self._stopped = True
        for job in list(self._jobs.values()):
            self._record(job, ErrorKind.ABANDONED)
        self._cancel()

    def _take(self, flags: int) -> _Job | None:
        if self._stopped:
            return None
        due = self._source.take(_clock())
        if due is None:
            return None
        seq, intended = due
        job = _Job(seq, intended, flags, self._mix[seq % len(self._mix)])
        self._jobs[job.seq] = job
        self.in_flight_max = max(self.in_flight_max, len(self._jobs))
        return job

    def _make_user(self) -> httpx.AsyncClient:
        return self._clients()

    async def _perform(self, client: httpx.AsyncClient, job: _Job) -> ErrorKind:
        request = self._plan.requests[job.endpoint]
        rendered = self._renderers[job.endpoint].render(job.seq)
        headers = list(rendered.headers)
        if asks_for_trace(request, self._plan):
            trace = traceparent(self._run_id, job.seq, self._plan.trace_ratio)
            headers.append((b"traceparent", trace.encode()))
        content = rendered.body or None
        url = f"{request.parts.scheme}://{request.parts.netloc}{rendered.path.decode()}"
        job.sent = _clock()
        try:
            async with asyncio.timeout(self._plan.timeout_s):
                built = client.build_request(
                    request.method, url, headers=headers, content=content, extensions={JOB: job}
                )
                job.response = await client.send(built, stream=True)
                await self._read(job, job.response)
            error, words = self._judge(job, job.response)
        except Exception as exc:  # whatever it is, the request has failed and is recorded
            error, words = error_kind(exc), exception_words(exc)
            if error is ErrorKind.CONNECT and job.failed_in_tls:
                error = ErrorKind.TLS
        self._record(job, error, words)
        return error

    async def _read(self, job: _Job, response: httpx.Response) -> None:
        """Take in the answer's body; keep of it what checks or an example may want."""
        job.first_byte = _clock()
        self.servers.note(response.headers.get("server"))
        checker = self._checkers[job.endpoint]
        room = BODY_BYTES if checker is not None or judge_status(job.status)[0] else 0
        if checker is not None:
            room = max(room, checker.keep_bytes)
        try:
            async for data in response.aiter_raw():
                job.bytes_in = response.num_bytes_downloaded
                if len(job.body) < room:
                    job.body += data[: room - len(job.body)]
        finally:
            await response.aclose()

    def _judge(self, job: _Job, response: httpx.Response) -> tuple[ErrorKind, str]:
        checker = self._checkers[job.endpoint]
        if checker is None:
            return judge_status(job.status)
        encoding = response.headers.get("Content-Encoding", "")
        return checker.judge(job.status, job.body, job.bytes_in, encoding)

    def _record(self, job: _Job, error: ErrorKind, words: str = "") -> None:
        """Record a request's end, unless it was recorded as abandoned before."""
        if self._jobs.pop(job.seq, None) is None:
            return
        done = _clock()
        sent = job.sent or done
        intended = sent if self._source.closed else job.intended
        self._recorder.record(
            job.seq,
            intended,
            sent,
            job.first_byte,
            done,
            job.bytes_in,
            job.status,
            job.endpoint,
            error,
            job.flags,
        )
        if error and self._examples.wants(error, job.endpoint, intended):
            self._examples.keep(
                error,
                job.endpoint,
                job.seq,
                intended,
                job.status,
                unfinished_words(error, job.status, job.bytes_in) or words,
                job.response.headers.multi_items() if job.response is not None else (),
                bytes(job.body[:BODY_BYTES]),
                job.bytes_in,
            )
