"""Requests that are tried again, over real sockets: each try is a sample, a request its last."""

from __future__ import annotations

import re
import socket
import threading
from typing import Any

import numpy as np
import pytest

from benchlab import ClosedLoop, ConstantRate, Plan, Request, Transport, run, scenario
from benchlab.runs.run import Run
from benchlab.runs.verdict import count_missing
from benchlab.samples.samples import Flag
from benchlab.samples.tries import TryReason
from tests.load.servers import Answering, ok, serving

UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
WAYS = ["http", "httpx", "scenario", "scenario of httpx"]
COUNT = 12
_WAIT_S = 60.0


class Served(Answering):
    """Answers by the number of the request; keeps what was sent."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.release = threading.Event()

    def __call__(self, connection: socket.socket, request: bytes, number: int) -> bool:
        self.requests.append(request)
        return self.answer(connection, number)

    def answer(self, connection: socket.socket, number: int) -> bool:
        """Respond; True to read another request of the connection."""
        raise NotImplementedError


class EveryThird(Served):
    """Only every third request is served."""

    def answer(self, connection: socket.socket, number: int) -> bool:
        connection.sendall(ok() if number % 3 == 2 else UNAVAILABLE)
        return True


class Never(Served):
    """No request is served."""

    def answer(self, connection: socket.socket, number: int) -> bool:
        connection.sendall(UNAVAILABLE)
        return True


class SomeHang(Served):
    """Of every five requests the first has no response until the test is over."""

    def answer(self, connection: socket.socket, number: int) -> bool:
        if number % 5 == 0:
            self.release.wait(_WAIT_S)
            return False
        connection.sendall(ok())
        return True


class AllHang(Served):
    """No request has a response until the test is over."""

    def answer(self, connection: socket.socket, number: int) -> bool:
        self.release.wait(_WAIT_S)
        return False


class OncePerConnection(Served):
    """Closes a connection when the second request comes on it, before a byte of a response."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[socket.socket] = set()

    def answer(self, connection: socket.socket, number: int) -> bool:
        if connection in self._seen:
            return False
        self._seen.add(connection)
        connection.sendall(ok())
        return True


async def visit(client: Any, ctx: Any) -> None:
    async with ctx.step("visit"):
        await client.get("/")


def plan_of(url: str, way: str, transport: Transport, **settings: Any) -> Plan:
    """One user, ``COUNT`` requests; a scenario has one request in each step."""
    usual: dict[str, Any] = {
        "load": ClosedLoop(connections=1),
        "request_count": COUNT,
        "warmup_s": 0,
        "timeout_s": _WAIT_S,
        "transport": transport,
        **settings,
    }
    if way.startswith("scenario"):
        client = "httpx" if way.endswith("httpx") else "http"
        return Plan(scenario=scenario(visit, base_url=url, client=client), **usual)
    usual.setdefault("requests", [Request("GET", url)])
    return Plan(driver=way, **usual)


class AllKinds(Served):
    """Some requests fail, some connections are closed, and the rest is served."""

    def answer(self, connection: socket.socket, number: int) -> bool:
        kind = number * 7 % 10
        if kind == 3:
            return False
        connection.sendall(UNAVAILABLE if kind in (5, 8) else ok())
        return True


def check_numbers(result: Run) -> None:
    """No gap, each further try has its parent, and each request exactly one outcome."""
    samples, tries, workers = result.samples, result.tries.records, result.plan.workers
    assert count_missing(samples, workers) == 0
    seqs, flags = samples.column("seq"), samples.column("flags")
    for worker in range(workers):
        own = np.sort(seqs[seqs % workers == worker])
        assert np.array_equal(own, np.arange(len(own)) * workers + worker)
    request = dict(zip(seqs.tolist(), seqs.tolist(), strict=True))
    request |= dict(zip(tries["seq"].tolist(), tries["parent_seq"].tolist(), strict=True))
    last = [request[seq] for seq in seqs[(flags & Flag.FAILED_TRY) == 0].tolist()]
    assert sorted(last) == sorted(set(request.values()))
    assert (tries["parent_seq"] % workers == tries["seq"] % workers).all()
    assert len(samples) == len(samples.requests) + len(tries)
    assert len(samples.failed_tries) == len(tries)
    assert not np.isin(tries["parent_seq"], tries["seq"]).any()
    assert (tries["number"] >= 2).all()
    again = flags[np.isin(seqs, tries["seq"])]
    assert ((again & (Flag.RETRY | Flag.HEDGE)) != 0).all()


@pytest.mark.parametrize("way", WAYS)
def test_a_request_is_its_last_try(way: str) -> None:
    served = EveryThird()
    with serving(served) as url:
        result = run(plan_of(url, way, Transport(retry="3 backoff=0s")))
    check_numbers(result)
    counts = result.try_counts
    assert counts is not None
    assert result.summary.count == COUNT
    assert result.summary.error_count == 0
    assert result.examples == ()
    assert (counts.retries, counts.failed_tries, counts.given_up) == (2 * COUNT, 2 * COUNT, 0)
    assert len(served.requests) == 3 * COUNT
    assert "tries" in result.to_dict()
    # The user's latency has all of the tries in it, service time only the last one.
    samples = result.samples
    of = {int(seq): index for index, seq in enumerate(samples.column("seq"))}
    intended, sent = samples.column("intended_ns"), samples.column("sent_ns")
    for seq, parent, number, _ in result.tries.records.tolist():
        assert intended[of[seq]] == intended[of[parent]]
        assert sent[of[seq]] > sent[of[parent]]
        assert number in (2, 3)
    failed = samples.failed_tries
    assert failed.errors == {"status": 2 * COUNT}
    assert set(failed.column("status").tolist()) == {503}


@pytest.mark.parametrize("way", WAYS)
def test_what_fails_to_the_end_is_given_up(way: str) -> None:
    with serving(Never()) as url:
        result = run(plan_of(url, way, Transport(retry="3 backoff=0s budget=0%")))
    check_numbers(result)
    counts = result.try_counts
    assert counts is not None
    assert (counts.retries, counts.given_up) == (10, COUNT)  # what every budget begins with
    assert result.summary.errors == {"status": COUNT}


@pytest.mark.parametrize("way", WAYS)
def test_a_slow_request_is_hedged(way: str) -> None:
    served = SomeHang()
    with serving(served) as url:
        try:
            result = run(plan_of(url, way, Transport(hedge="20ms most=3")))
        finally:
            served.release.set()
    check_numbers(result)
    assert result.summary.errors == {}
    counts = result.try_counts
    assert counts is not None
    assert counts.hedges >= COUNT // 5  # and more of them on a busy machine
    hanging = result.samples.failed_tries
    assert set(hanging.errors) == {"abandoned"}


@pytest.mark.parametrize("way", WAYS)
def test_an_open_circuit_sends_nothing(way: str) -> None:
    served = Never()
    with serving(served) as url:
        result = run(plan_of(url, way, Transport(breaker="50% least=5 open=1h window=1h")))
    check_numbers(result)
    assert len(served.requests) == 5
    assert result.summary.errors == {"circuit_open": COUNT - 5, "status": 5}
    assert result.try_counts is not None
    assert result.try_counts.not_sent == COUNT - 5


@pytest.mark.parametrize(
    ("way", "load"),
    [
        ("http", ClosedLoop(4)),
        ("http", ClosedLoop(4, think_time_s=0.001)),
        ("httpx", ClosedLoop(4)),
        ("scenario", ClosedLoop(4)),
        ("scenario of httpx", ClosedLoop(4)),
    ],
)
def test_all_policies_at_once_in_two_workers(way: str, load: ClosedLoop) -> None:
    transport = Transport(
        retry="4 backoff=1ms",
        hedge="5ms most=2 budget=50%",
        breaker="80% least=5 window=100ms open=10ms",
        retry_reused=True,
    )
    with serving(AllKinds()) as url:
        result = run(plan_of(url, way, transport, load=load, request_count=4 * COUNT, workers=2))
    check_numbers(result)
    assert result.summary.count == 4 * COUNT
    counts = result.try_counts
    assert counts is not None
    assert counts.extra == len(result.tries) == counts.failed_tries
    if not way.startswith("scenario"):  # in which each request of a step has numbers of its own
        for parent in np.unique(result.tries.records["parent_seq"]):
            of = result.tries.records[result.tries.records["parent_seq"] == parent]
            assert of["number"].tolist() == list(range(2, len(of) + 2))


@pytest.mark.parametrize("way", WAYS)
def test_requests_without_a_response_open_the_circuit(way: str) -> None:
    served = AllHang()
    transport = Transport(breaker="50% least=2 open=1h window=1h")
    with serving(served) as url:
        try:
            result = run(plan_of(url, way, transport, timeout_s=0.3))
        finally:
            served.release.set()
    check_numbers(result)
    errors = result.summary.errors
    assert errors["circuit_open"] > 0
    assert errors["timeout"] == COUNT - errors["circuit_open"]


@pytest.mark.parametrize("way", WAYS)
def test_a_closed_reused_connection_is_replaced_once(way: str) -> None:
    with serving(OncePerConnection()) as url:
        result = run(plan_of(url, way, Transport(retry_reused=True)))
    check_numbers(result)
    assert result.summary.errors == {}
    assert result.try_counts is not None
    assert result.try_counts.resent == COUNT - 1
    assert set(result.tries.records["reason"].tolist()) == {TryReason.REUSED}
    resent = result.samples.measured.where(np.arange(1, COUNT))
    assert (resent.column("flags") & Flag.NEW_CONNECTION != 0).all()


@pytest.mark.parametrize("way", ["http", "httpx"])
def test_what_may_change_something_is_not_repeated(way: str) -> None:
    with serving(OncePerConnection()) as url:
        posts = [Request("POST", url, body=b"x")]
        result = run(plan_of(url, way, Transport(retry_reused=True), requests=posts))
    assert result.summary.errors.keys() <= {"closed", "reset"}
    assert result.summary.error_count == COUNT // 2
    assert len(result.tries) == 0


@pytest.mark.parametrize("way", WAYS)
def test_the_end_of_a_run_between_two_tries(way: str) -> None:
    with serving(Never()) as url:
        transport = Transport(retry="3 backoff=1h most_backoff=1h jitter=none")
        load = {"load": ConstantRate(20), "duration_s": 0.5, "drain_s": 0, "request_count": None}
        result = run(plan_of(url, way, transport, **load))
    check_numbers(result)
    assert result.summary.count == 10
    assert result.summary.errors == {"abandoned": 10}
    retried = result.samples.requests.column("flags") & Flag.RETRY != 0
    # On a busy machine some have no response yet to their first try.
    assert len(result.samples.failed_tries) == np.count_nonzero(retried)


@pytest.mark.parametrize("way", ["http", "httpx"])
def test_a_try_is_the_same_request_with_a_trace_of_its_own(way: str) -> None:
    served = EveryThird()
    with serving(served) as url:
        requests = [Request("GET", f"{url}?n={{{{seq}}}}")]
        transport = Transport(retry="3 backoff=0s")
        result = run(plan_of(url, way, transport, requests=requests, trace_ratio=1.0))
    numbers = [re.search(rb"n=(\d+)", request) for request in served.requests]
    assert [int(found[1]) for found in numbers if found] == [
        number for number in range(COUNT) for _ in range(3)
    ]
    traces = [re.search(rb"traceparent: 00-(\w{32})-", request) for request in served.requests]
    found = [int(trace[1][16:], 16) for trace in traces if trace]
    assert found == sorted(result.samples.column("seq").tolist())


async def two_in_a_step(client: Any, ctx: Any) -> None:
    async with ctx.step("two"):
        await client.get("/a")
        await client.get("/b")
    await client.post("/c", json={"n": 1})


def test_a_step_with_several_requests_is_one_sample() -> None:
    with serving(EveryThird()) as url:
        result = run(
            Plan(
                scenario=scenario(two_in_a_step, base_url=url),
                load=ClosedLoop(connections=2),
                request_count=COUNT,
                warmup_s=0,
                timeout_s=_WAIT_S,
                transport=Transport(retry="20 backoff=0s"),
            )
        )
    check_numbers(result)
    assert result.iteration_count == COUNT
    assert result.summary.count == 2 * COUNT
    assert result.summary.errors == {}


def test_warm_up_is_that_of_the_request() -> None:
    with serving(EveryThird()) as url:
        plan = plan_of(url, "http", Transport(retry="3 backoff=0s"), warmup_s=0.1)
        result = run(plan)
    check_numbers(result)
    assert result.summary.count == COUNT
    assert result.try_counts is not None
    assert result.try_counts.retries == 2 * COUNT


def test_a_try_that_takes_too_long_is_replaced() -> None:
    served = SomeHang()
    with serving(served) as url:
        try:
            transport = Transport(retry="5 backoff=0s on=timeout")
            result = run(plan_of(url, "http", transport, timeout_s=1.0, request_count=3))
        finally:
            served.release.set()
    check_numbers(result)
    assert result.summary.errors == {}
    assert set(result.samples.failed_tries.errors) == {"timeout"}
