"""How many workers a plan has on a cluster, and which host has which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab import ClosedLoop, ConstantRate, Plan, Request
from benchlab.load.cluster.workers import dealt, workers_for

REQUEST = Request("GET", "http://127.0.0.1:1/")


@given(st.integers(1, 256), st.integers(1, 300))
def test_each_worker_is_on_one_host_and_hosts_have_about_as_many(workers: int, hosts: int) -> None:
    shares = dealt(workers, hosts)
    assert sorted(worker for share in shares for worker in share) == list(range(workers))
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1
    assert len(shares) == min(workers, hosts)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (Plan(REQUEST, ConstantRate(10)), 4),
        (Plan(REQUEST, ConstantRate(10), workers=2), 2),
        (Plan(REQUEST, ConstantRate(10), workers=9), 9),
        (Plan(REQUEST, ClosedLoop(3)), 3),
    ],
)
def test_the_usual_number_is_one_on_each_host(plan: Plan, expected: int) -> None:
    assert workers_for(plan, 4) == expected
