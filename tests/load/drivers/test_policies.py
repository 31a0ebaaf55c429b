"""The policies themselves, with times that the tests make up."""

from __future__ import annotations

import itertools
import statistics

import pytest

from benchlab import Breaker, Plan, Transport
from benchlab.load.drivers.policies import Budget, Circuit, Policies, is_replayable
from benchlab.samples.samples import ErrorKind
from benchlab.units import NS_PER_S


def policies(**transport: object) -> Policies:
    return Policies(Plan.from_options("http://localhost/", transport=transport), 0)


def failures(of: Policies, start: int = 0) -> list[int]:
    """When a request that fails at once each time is tried again, in ns after its start."""
    course, now, found = of.begin(start), start, []
    while (at := of.retry_at(course, ErrorKind.RESET, 0, now)) is not None:
        found.append(at - start)
        now = at
    return found


def test_pauses_double_up_to_the_most() -> None:
    found = failures(policies(retry="6 backoff=1s most_backoff=5s jitter=none"))
    pauses = [second - first for first, second in itertools.pairwise([0, *found])]
    assert pauses == [1 * NS_PER_S, 2 * NS_PER_S, 4 * NS_PER_S, 5 * NS_PER_S, 5 * NS_PER_S]


@pytest.mark.parametrize(("jitter", "mean", "least"), [("full", 0.5, 0.0), ("equal", 0.75, 0.5)])
def test_jitter(jitter: str, mean: float, least: float) -> None:
    of = policies(retry=f"2 backoff=1s jitter={jitter}")
    pauses = [failures(of)[0] / NS_PER_S for _ in range(2000)]
    assert least <= min(pauses)
    assert max(pauses) <= 1
    assert statistics.fmean(pauses) == pytest.approx(mean, abs=0.03)  # 6 standard errors at most
    other = policies(retry=f"2 backoff=1s jitter={jitter}")
    assert failures(other)[0] / NS_PER_S == pauses[0]  # drawn from the plan's seed


def test_no_try_begins_after_the_deadline() -> None:
    of = policies(retry="9 backoff=1s jitter=none most_backoff=1s deadline=2500ms")
    assert failures(of) == [1 * NS_PER_S, 2 * NS_PER_S]
    course = of.begin(0)
    assert of.time_limit_ns(course, 10 * NS_PER_S, 2 * NS_PER_S) == NS_PER_S // 2
    assert policies(retry="3").time_limit_ns(course, 7, 2 * NS_PER_S) == 7


def test_a_budget_limits_retries_to_a_share_of_the_requests() -> None:
    of = policies(retry="9 backoff=0s budget=10%")
    retries = sum(len(failures(of)) for _ in range(1000))
    assert retries == 100 + 10 - 1  # and what it begins with; the last request leaves a part
    unlimited = policies(retry="9 backoff=0s")
    assert sum(len(failures(unlimited)) for _ in range(10)) == 80


def test_a_budget_of_nothing_has_only_its_reserve() -> None:
    budget = Budget(0.0)
    budget.deposit()
    assert [budget.withdraw() for _ in range(11)] == [True] * 10 + [False]


def test_hedges_do_not_use_up_retries() -> None:
    of = policies(retry="2 backoff=0s", hedge="1s most=2")
    course = of.begin(0)
    assert [of.hedge(course) for _ in range(3)] == [True, True, False]
    assert of.retry_at(course, ErrorKind.RESET, 0, 5) == 5
    assert of.retry_at(course, ErrorKind.RESET, 0, 5) is None


def test_a_circuit_opens_probes_and_closes() -> None:
    circuit = Circuit(Breaker(failure_ratio=0.5, least=4, window_s=1, open_s=2, probes=2))
    for now, failed in enumerate([False, False, True, True]):
        assert circuit.admits(now)
        circuit.note(now, failed=failed, sent=now)
    assert circuit.is_open
    assert not circuit.admits(1 * NS_PER_S)
    circuit.note(NS_PER_S, failed=False, sent=3)  # sent before it opened: no verdict on now
    later = 2 * NS_PER_S + 10
    assert [circuit.admits(later) for _ in range(3)] == [True, True, False]
    circuit.note(later + 1, failed=False, sent=later)
    assert circuit.is_open
    circuit.note(later + 1, failed=True, sent=later)
    assert not circuit.admits(later + 2)
    again = later + 2 * NS_PER_S + 10
    assert circuit.admits(again)
    assert circuit.admits(again)
    circuit.forget_probe(sent=3)  # that was none
    assert not circuit.admits(again)
    circuit.forget_probe(sent=again)  # given up: another one may be sent
    assert circuit.admits(again)
    for _ in range(2):
        circuit.note(again, failed=False, sent=again)
    assert not circuit.is_open


def test_a_circuit_forgets_what_is_older_than_its_window() -> None:
    circuit = Circuit(Breaker(failure_ratio=0.5, least=4, window_s=1, open_s=2))
    for now in range(3):
        circuit.note(now, failed=True, sent=now)
    circuit.note(5 * NS_PER_S, failed=True, sent=5 * NS_PER_S)
    assert not circuit.is_open


def test_each_service_has_a_circuit() -> None:
    of = policies(breaker="50% least=1")
    assert of.admits("a", 0)
    assert of.admits("b", 0)
    of.note("a", ErrorKind.STATUS, 500, 0, 1)
    of.note("b", ErrorKind.STATUS, 404, 0, 1)
    assert not of.admits("a", 2)
    assert of.admits("b", 2)


def test_tries_are_numbered_as_they_are_sent() -> None:
    of = policies(retry="3 backoff=0s", hedge="1s")
    course = of.begin(0)
    assert of.hedge(course)  # but its request has failed before it could be sent
    assert of.retry_at(course, ErrorKind.RESET, 0, 5) == 5
    assert [course.next_number(), course.next_number()] == [2, 3]


def test_what_go_would_repeat() -> None:
    of = policies(retry_reused=True)
    course = of.begin(0)
    lost = ErrorKind.CLOSED
    assert not of.resend(course, lost, reused=False, replayable=True)
    assert not of.resend(course, lost, reused=True, replayable=False)
    assert not of.resend(course, ErrorKind.TIMEOUT, reused=True, replayable=True)
    assert of.resend(course, lost, reused=True, replayable=True)
    assert not of.resend(course, lost, reused=True, replayable=True)
    assert is_replayable("GET", [])
    assert not is_replayable("POST", ["Content-Type"])
    assert is_replayable("POST", ["Idempotency-Key"])
    assert not policies(retry="3").resend(of.begin(0), lost, reused=True, replayable=True)


def test_the_longest_that_a_request_may_take() -> None:
    assert Policies(Plan.from_options("http://localhost/"), 0).longest_s(5) == 5
    assert policies(retry="3 backoff=1s").longest_s(5) == 3 * 5 + 1 + 2
    assert policies(retry="3 deadline=4s").longest_s(5) == 4
    assert policies(retry_reused=True).longest_s(5) == 10
    assert Transport().retry is None
