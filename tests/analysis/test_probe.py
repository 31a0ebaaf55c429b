"""Probes are decided by the share of requests within the objective."""

from __future__ import annotations

import numpy as np
import pytest

from benchlab.analysis.probe import Backlog, attained, decide, requirements_of
from benchlab.errors import InputError
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Samples
from benchlab.units import NS_PER_MS, NS_PER_S


def samples(count: int = 1000, slow: int = 0, failed: int = 0, length_s: float = 10.0) -> Samples:
    """Requests of 10 ms over ``length_s``, the ``slow`` first of 100 ms, the last ``failed``."""
    records = np.zeros(count, SAMPLE_DTYPE)
    records["intended_ns"] = records["sent_ns"] = np.linspace(0, length_s * NS_PER_S, count, False)
    records["done_ns"] = records["intended_ns"] + 10 * NS_PER_MS
    records["done_ns"][:slow] += 90 * NS_PER_MS
    if failed:
        records["error"][-failed:] = ErrorKind.STATUS
    return Samples(records, ["GET /", "POST /"])


def decision(slo: str, found: Samples, missing: int = 0) -> str:
    (requirement,) = requirements_of(slo)
    return attained(requirement, found, 0, 10 * NS_PER_S, missing).decision


def test_a_probe_is_good_when_its_interval_is_above_the_share() -> None:
    assert decision("p99<50ms", samples()) == "good"
    assert decision("p99<50ms", samples(300)) == "undecided"  # 381 take it, if all are within
    assert decision("p99<50ms", samples(400)) == "good"
    assert decision("p99<50ms", samples(slow=500)) == "bad"
    assert decision("p99<10ms", samples()) == "bad"  # not below it
    assert decision("p99<=10ms", samples()) == "good"


def test_failed_and_unsent_requests_are_outside() -> None:
    assert decision("p90<50ms", samples(failed=300)) == "bad"
    assert decision("p90<50ms", samples(), missing=900) == "bad"
    assert decision("error_ratio<1%", samples()) == "good"
    assert decision("error_ratio<1%", samples(slow=1000)) == "good"
    assert decision("error_ratio<1%", samples(failed=300)) == "bad"


def test_the_objective_that_is_least_likely_met_decides() -> None:
    found = samples(failed=200)
    parts = [
        attained(item, found, 0, 10 * NS_PER_S)
        for item in requirements_of(["p50<50ms", "error_ratio<5%"])
    ]
    least = decide(parts)
    assert str(least.requirement.objective) == "error_ratio<5%"
    assert least.ratio == 0.8


def test_an_objective_of_an_endpoint_is_about_its_requests_alone() -> None:
    found = samples(slow=500)
    found.records["endpoint"][500:] = 1
    assert decision("p99[POST /]<50ms", found) == "good"
    assert decision("p99[GET /]<50ms", found) == "bad"


@pytest.mark.parametrize(
    ("slo", "text"),
    [
        ("", "needs an objective"),
        ("mean<5ms", "not about a share"),
        ("max<5ms", "not about a share"),
        ("rate_rps>5", "not about a share"),
        ("p99>5ms", "no upper limit"),
        ("lag.p99<5ms", "about the load generator"),
        ("p99<50ms over 5s", "has windows"),
        ("error_ratio<=0", "allow a small one"),
    ],
)
def test_what_decides_nothing_is_refused(slo: str, text: str) -> None:
    with pytest.raises(InputError, match=text):
        requirements_of(slo)


def backlog(slo: str = "p99<50ms") -> Backlog:
    return Backlog(requirements_of(slo), 100, 10)


def test_a_queue_that_grows_makes_a_probe_hopeless() -> None:
    watch = backlog()
    ends = [watch.is_hopeless(t, int(50 * t), 0, None) for t in np.arange(0.2, 5, 0.2)]
    assert 3 < ends.index(True) < 15


def test_a_p99_that_grows_past_the_limit_makes_a_probe_hopeless() -> None:
    watch = backlog()
    p99s = [20, 60, 160, 200, 240, 280]
    assert [watch.is_hopeless(1, 100, 0, p99 * NS_PER_MS) for p99 in p99s] == [False] * 5 + [True]


def test_a_pause_of_the_service_does_not() -> None:
    watch = backlog()
    for t in np.arange(0.2, 8, 0.2):
        done = 100 * t if not 2 < t < 2.5 else 200
        assert not watch.is_hopeless(float(t), int(done), 0, 600 * NS_PER_MS)


def test_more_errors_than_the_probe_could_make_up_for_do() -> None:
    assert not backlog("error_ratio<1%").is_hopeless(1, 100, 60, None)
    assert backlog("error_ratio<1%").is_hopeless(1, 100, 80, None)
