"""Responses of every kind, and the error kind that each call must have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from benchlab import ClosedLoop, GrpcRequest, Plan, run
from benchlab.runs.run import Run
from tests.load.drivers.grpc.bad_server import CASES, serving_badly
from tests.load.drivers.grpc.server import PROTO, SERVICE

EACH = 8
"""On average: the order of requests is random. So many that none is left out."""


@pytest.fixture(scope="module")
def counts() -> Counter[str]:
    """The calls that the server got, by case."""
    return Counter()


@pytest.fixture(scope="module")
def result(counts: Counter[str]) -> Iterator[Run]:
    with serving_badly(counts) as address:
        url = f"grpc://{address}/{SERVICE}/Call"
        requests = [
            GrpcRequest(url, metadata={"x-case": name}, proto=PROTO, name=name) for name in CASES
        ]
        yield run(
            Plan(requests, ClosedLoop(4), request_count=EACH * len(CASES), seed=7, timeout_s=60)
        )


@pytest.mark.parametrize("name", CASES)
def test_a_call_fails_as_its_response_says(name: str, result: Run, counts: Counter[str]) -> None:
    case = CASES[name]
    part = result.by_endpoint()[name]
    kind = case.kind if case.kind in ("", "closed", "reset") else f"grpc:{case.kind}"
    assert part.count == counts[name] > 0
    assert part.errors == ({kind: part.count} if kind else {})
    numbers = [request.name for request in result.plan.requests]
    ours = result.samples.column("endpoint") == numbers.index(name)
    if case.status is not None:
        assert set(result.samples.column("status")[ours]) == {case.status}
    if case.message:
        messages = [item.message for item in result.examples if item.endpoint == name]
        assert messages
        assert all(case.message in message for message in messages)


def test_every_call_has_one_sample(result: Run, counts: Counter[str]) -> None:
    assert result.summary.count == counts.total() == EACH * len(CASES)
