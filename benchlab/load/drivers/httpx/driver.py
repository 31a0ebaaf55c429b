"""The httpx driver: one client per connection, each in a task that sends one request at a time.

It needs far more CPU per request than the wire driver, but speaks HTTP/2 with a TLS service that
offers it. There is one client per connection, because a shared client's pool searches all its
connections for each request.

If a service sends bytes after the end of a response, httpx reads them as the next response; the
wire driver closes such a connection.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import httpx

from benchlab.load.arrivals.arrivals import Source
from benchlab.load.drivers.checking import check_status, make_checker
from benchlab.load.drivers.headers import asks_for_trace, traceparent
from benchlab.load.drivers.httpx.client import JOB, ClientFactory
from benchlab.load.drivers.httpx.failures import describe_exception
from benchlab.load.drivers.rendering import Renderer
from benchlab.load.drivers.streams.reader import NO_STREAM, StreamReader, readings_of
from benchlab.load.drivers.user_pool import UserPool
from benchlab.load.recording.outcome import Excerpt, Outcome
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan
from benchlab.samples.examples import BODY_BYTES
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.units import NS_PER_S, seconds_to_ns

__all__ = ["HttpxDriver", "Job"]

_clock = time.monotonic_ns


@dataclass(slots=True)
class Job:
    """A request in flight, with its response so far. ``sent`` is 0 until it is sent.

    ``seq`` is its sample's, ``number`` is the source's: what is sent depends on that.
    """

    seq: int
    intended: int
    flags: int
    endpoint: int
    number: int
    sent: int = 0
    first_byte: int = 0
    bytes_in: int = 0
    connection: int = 0
    failed_in_tls: bool = False
    response: httpx.Response | None = None
    body: bytearray = field(default_factory=bytearray)
    reader: StreamReader | None = None

    @property
    def status(self) -> int:
        """The response's status, 0 without a response."""
        return self.response.status_code if self.response is not None else 0

    def excerpt(self) -> Excerpt:
        """The part of the response that an example shows."""
        headers = self.response.headers.multi_items() if self.response is not None else ()
        return Excerpt(headers, bytes(self.body[:BODY_BYTES]), self.bytes_in)


class HttpxDriver(UserPool[httpx.AsyncClient, Job]):
    """The `Driver` for requests through httpx."""

    def __init__(
        self, plan: Plan, worker: int, run_id: str, source: Source, recording: Recording
    ) -> None:
        super().__init__(plan, worker, run_id, source, recording)
        self._clients = ClientFactory(plan, worker, recording.connections)
        self._checkers = [make_checker(request) for request in plan.requests]
        self._request_of = plan.request_of
        self._timeout_ns = seconds_to_ns(plan.timeout_s)
        self._jobs: dict[int, Job] = {}
        self._readings = readings_of(plan)
        self._renderers = [Renderer(plan, index, run_id) for index in range(len(plan.requests))]

    @property
    def connections_opened(self) -> int:
        """Number of connections that all clients opened."""
        return self._clients.opened

    @property
    def local_failure_count(self) -> int:
        """Number of connections that failed because this machine lacked ports, files or buffers."""
        return self._clients.local_failure_count

    @property
    def in_flight(self) -> int:
        """Number of requests taken and not yet recorded."""
        return len(self._jobs)

    def measure_from(self, seq: int) -> None:
        """Flag requests with a sequence number below ``seq`` as warm-up."""
        self._recording.measure_from(seq)

    def abandon(self, now_ns: int) -> None:
        """Record everything in flight or due as abandoned, and take no more."""
        while self._source.waiting:
            self._take(Flag.CAP_WAIT)
        self._stopped = True
        for job in list(self._jobs.values()):
            self._finish(job, ErrorKind.ABANDONED)
        self._cancel()

    def _take(self, flags: int) -> Job | None:
        if self._stopped:
            return None
        due = self._source.take(_clock())
        if due is None:
            return None
        job = self._make_job(*due, flags)
        self._jobs[job.seq] = job
        self.in_flight_max = max(self.in_flight_max, len(self._jobs))
        return job

    def _make_job(self, number: int, intended: int, flags: int) -> Job:
        return Job(number, intended, flags, self._request_of(number), number)

    def _make_user(self) -> httpx.AsyncClient:
        return self._clients()

    async def _perform(self, client: httpx.AsyncClient, job: Job) -> ErrorKind:
        error, message = await self._send(client, job, self._timeout_ns)
        self._finish(job, error, message)
        return error

    async def _send(
        self, client: httpx.AsyncClient, job: Job, limit_ns: int
    ) -> tuple[ErrorKind, str]:
        """Send a request and read its response, which may take ``limit_ns``."""
        request = self._plan.requests[job.endpoint]
        rendered = self._renderers[job.endpoint].render(job.number)
        headers = list(rendered.headers)
        if asks_for_trace(request, self._plan):
            trace = traceparent(self._run_id, job.seq, self._plan.trace_ratio)
            headers.append((b"traceparent", trace.encode()))
        content = rendered.body or None
        url = f"{request.parts.scheme}://{request.parts.netloc}{rendered.path.decode()}"
        reading = self._readings[job.endpoint]
        head_ns = limit_ns if reading is None else min(limit_ns, reading.max_ns or limit_ns)
        job.sent = _clock()
        try:
            async with asyncio.timeout(head_ns / NS_PER_S) as limit:
                built = client.build_request(
                    request.method, url, headers=headers, content=content, extensions={JOB: job}
                )
                job.response = await client.send(built, stream=True)
                if head_ns < limit_ns:
                    limit.reschedule((limit.when() or 0.0) + (limit_ns - head_ns) / NS_PER_S)
                await self._read(job, job.response)
            error, message = self._check(job, job.response)
            if _clock() - job.sent > limit_ns:  # its timer was late
                error, message = ErrorKind.TIMEOUT, ""
        except Exception as exc:  # any exception is a failed request, which is recorded
            error, message = describe_exception(exc)
            if error is ErrorKind.CONNECT and job.failed_in_tls:
                error = ErrorKind.TLS
            if error is ErrorKind.TIMEOUT and job.response is None and head_ns < limit_ns:
                message = NO_STREAM
        return error, message

    async def _read(self, job: Job, response: httpx.Response) -> None:
        """Read the response's body; keep the part that checks or an example need."""
        job.first_byte = _clock()
        job.connection = self._clients.number_of(response)
        self.servers.note(response.headers.get("server"))
        checker = self._checkers[job.endpoint]
        room = BODY_BYTES if checker is not None or check_status(job.status)[0] else 0
        if checker is not None:
            room = max(room, checker.keep_bytes)
        limit = self._begin_stream(job, response)
        try:
            async with limit:
                async for data in response.aiter_raw():
                    job.bytes_in = response.num_bytes_downloaded
                    if len(job.body) < room:
                        job.body += data[: room - len(job.body)]
                    if job.reader is not None and job.reader.is_stream:
                        job.reader.feed(data, _clock())
                        if job.reader.is_full:
                            job.reader.was_left = True
                            break
        except TimeoutError:
            if not limit.expired() or job.reader is None:
                raise
            job.reader.was_left = True
        finally:
            await response.aclose()

    def _begin_stream(self, job: Job, response: httpx.Response) -> asyncio.Timeout:
        """Begin to read the response as a stream, if it is to be; returns how long that is done."""
        reading = self._readings[job.endpoint]
        if reading is None:
            return asyncio.timeout(None)
        job.reader = reading.begin()
        if not check_status(job.status)[0]:
            encoding = response.headers.get("Content-Encoding", "")
            job.reader.accept(response.headers.get("Content-Type", ""), encoding)
        left_ns = job.sent + reading.max_ns - _clock()
        return asyncio.timeout(left_ns / NS_PER_S if reading.max_ns else None)

    def _check(self, job: Job, response: httpx.Response) -> tuple[ErrorKind, str]:
        checker = self._checkers[job.endpoint]
        if checker is None:
            error, message = check_status(job.status)
        else:
            encoding = response.headers.get("Content-Encoding", "")
            error, message = checker.evaluate(job.status, job.body, job.bytes_in, encoding)
        if not error and job.reader is not None and (problem := job.reader.finish()):
            return ErrorKind.CHECK, problem
        return error, message

    def _finish(self, job: Job, error: ErrorKind, message: str = "") -> None:
        """Record a finished request, unless it was already recorded as abandoned."""
        if self._jobs.pop(job.seq, None) is None:
            return
        done = _clock()
        sent = job.sent or done
        if job.reader is not None:
            message = job.reader.fail(error, message)
            job.reader.record(self._recording, job.seq, done)
        again = job.flags & (Flag.RETRY | Flag.HEDGE)
        outcome = Outcome(
            seq=job.seq,
            intended=sent if self._source.closed and not again else job.intended,
            sent=sent,
            first_byte=job.first_byte,
            done=done,
            bytes_in=job.bytes_in,
            status=job.status,
            endpoint=job.endpoint,
            error=error,
            flags=job.flags,
            connection=job.connection,
            message=message,
            excerpt=job.excerpt,
        )
        self._recording.finish(outcome)
