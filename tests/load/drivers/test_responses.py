"""Every kind of broken response has the right error kind, and all counts are exact.

All cases of `bad_servers` are in one run per driver: bytes that one of them leaves on a connection
must not affect the next.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from benchlab import ClosedLoop, ConstantRate, Plan, Request, Run, run
from tests.load.bad_servers import CASES, TIMEOUT_S
from tests.load.servers import HTTP1_DRIVERS, always, by_path, ok, serving, serving_uvicorn

NAMES = list(CASES)
EACH = 8
"""On average: the order of requests is random. So many that none is left out."""

RATE_RPS = 100


@pytest.fixture(scope="module", params=HTTP1_DRIVERS)
def result(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """A run with every case in random order; its requests are named after the cases."""
    with (
        pytest.MonkeyPatch.context() as patch,
        serving(by_path(*(case.behaviour for case in CASES.values()))) as url,
    ):
        patch.setenv("BENCHLAB_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        requests = [
            Request(case.method, f"{url}{index}", name=name)
            for index, (name, case) in enumerate(CASES.items())
            if request.param == "http" or not case.spoils
        ]
        plan = Plan(
            requests,
            ConstantRate(RATE_RPS),
            duration_s=EACH * len(requests) / RATE_RPS,
            timeout_s=TIMEOUT_S,
            driver=request.param,
        )
        yield run(plan)


@pytest.mark.parametrize("name", NAMES)
def test_a_response_has_its_kind(result: Run, name: str) -> None:
    case, driver = CASES[name], result.plan.driver
    kind = case.kind_for(driver)
    if driver == "httpx" and case.spoils:
        with serving(case.behaviour) as url:
            plan = Plan([Request("GET", url, name=name)], ConstantRate(100), 0.01, driver=driver)
            result = run(plan)
    samples = result.measured.endpoint(name)
    assert len(samples) > 0
    assert samples.errors == ({kind: len(samples)} if kind else {})
    if case.body_bytes is not None:
        assert set(samples.column("bytes_in")) == {case.body_bytes}
    if kind == "timeout":
        assert samples.service_ns.min() >= (TIMEOUT_S - 0.005) * 1e9
        assert samples.service_ns.max() < (TIMEOUT_S + 5) * 1e9


def test_every_request_is_counted_once(result: Run) -> None:
    count = EACH * len(result.plan.requests)
    assert result.summary.count == count
    assert np.array_equal(result.samples.column("seq"), np.arange(count))
    assert result.health.workers[0].problem == ""
    assert result.health.workers[0].memory_max_bytes < 300e6
    assert (result.samples.column("done_ns") >= result.samples.column("sent_ns")).all()


@pytest.mark.parametrize(
    ("method", "response", "opened"),
    [
        ("GET", ok() + b"surplus", 20),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", 1),
        ("HEAD", b"HTTP/1.1 200 OK\r\n\r\n", 1),
        ("GET", b"HTTP/1.1 200 OK\r\n\r\n", 20),
    ],
)
def test_connections_are_reused_when_both_sides_know_the_end(
    method: str, response: bytes, opened: int
) -> None:
    with serving(always(response, keep=opened == 1)) as url:
        result = run(Plan([Request(method, url)], ClosedLoop(1), request_count=20))
    assert result.summary.errors == {}
    assert result.health.workers[0].connections_opened in (opened, opened + 1)


@pytest.mark.parametrize("driver", HTTP1_DRIVERS)
def test_a_real_server_answers_heads_on_one_connection(driver: str) -> None:
    """uvicorn sends neither a length nor chunks after HEAD."""
    with serving_uvicorn(_empty) as url:
        plan = Plan([Request("HEAD", url)], ClosedLoop(1), request_count=200, driver=driver)
        result = run(plan)
    assert result.summary.count == 200
    assert result.summary.errors == {}
    assert result.health.workers[0].connections_opened == 1


@pytest.mark.parametrize("driver", HTTP1_DRIVERS)
def test_a_response_after_its_limit_is_a_timeout(driver: str) -> None:
    """The limit is below the interval at which the generator looks for timeouts."""

    def late(connection: socket.socket, request: bytes, number: int) -> bool:
        time.sleep(0.008)
        return always(ok())(connection, request, number)

    limit_s = 0.006
    with serving(late) as url:
        plan = Plan(
            [Request("GET", url)],
            ConstantRate(100),
            duration_s=0.4,
            timeout_s=limit_s,
            driver=driver,
        )
        result = run(plan)
    assert result.summary.errors == {"timeout": 40}
    assert result.samples.service_ns.min() > (limit_s - 0.002) * 1e9  # timers count in ms


async def _empty(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body"})
