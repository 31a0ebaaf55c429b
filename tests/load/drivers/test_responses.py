"""Every kind of broken response has the right error kind, and all counts are exact.

All cases of `bad_servers` are in one run per driver: bytes that one of them leaves on a connection
must not affect the next.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from benchlab import ConstantRate, Plan, Request, Run, run
from benchlab.plan.drivers import DRIVERS
from tests.load.bad_servers import CASES, TIMEOUT_S
from tests.load.servers import always, by_path, ok, serving

NAMES = list(CASES)
EACH = 6


@pytest.fixture(scope="module", params=list(DRIVERS))
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
            ConstantRate(100),
            duration_s=EACH * len(requests) / 100,
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


def test_surplus_bytes_close_the_connection() -> None:
    with serving(always(ok() + b"surplus")) as url:
        result = run(Plan([Request("GET", url)], ConstantRate(100), duration_s=0.2))
    assert result.summary.errors == {}
    assert result.health.workers[0].connections_opened == 20


def test_responses_to_head_leave_the_connection_usable() -> None:
    with serving(always(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")) as url:
        result = run(Plan([Request("HEAD", url)], ConstantRate(100), duration_s=0.2))
    assert result.summary.errors == {}
    assert result.health.workers[0].connections_opened < 20
