"""Who gave way in a probe: the service, or the generator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchlab.analysis.probe import Probe, requirements_of
from benchlab.experiments.probing import probe_of
from benchlab.runs.health import WorkerHealth
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.units import NS_PER_MS
from tests.runs.synthetic import make_run

SLOW_MS = 80


def probe(slo: str = "p99<50ms", *, slow: bool = False, late_ms: int = 0, **options: Any) -> Probe:
    """A probe of 10 s at 100 requests/s; ``slow`` responses, or requests sent ``late_ms``."""
    cap_wait = options.pop("cap_wait", False)
    stop_reason = options.pop("stop_reason", "")
    slow_ms = options.pop("service_ms", SLOW_MS)
    run = replace(make_run(**options), stop_reason=stop_reason)
    records = run.samples.records
    if late_ms:
        records["sent_ns"] += late_ms * NS_PER_MS
        records["done_ns"] += late_ms * NS_PER_MS
        records["first_byte_ns"] += late_ms * NS_PER_MS
    if slow:
        records["done_ns"] += slow_ms * NS_PER_MS
    if cap_wait:
        records["flags"] |= np.uint8(Flag.CAP_WAIT)
    return probe_of(run, requirements_of(slo), 100.0)


def worker(**options: Any) -> list[WorkerHealth]:
    return [WorkerHealth(0, **options)]


def test_a_service_that_copes_is_good() -> None:
    found = probe()
    assert (found.decision, found.culprit, found.verdict) == ("good", "", "valid")
    assert (found.rate_rps, found.duration_s, found.count) == (100, 10, 1000)
    assert found.is_drained
    assert found.service_ns is not None
    assert found.service_ns < 5 * NS_PER_MS


def test_a_slow_service_is_bad() -> None:
    found = probe(slow=True)
    assert (found.decision, found.culprit, found.attained_ratio) == ("bad", "service", 0)
    assert found.reason == "p99<50ms: 0.00 % within, 99.00 % needed"


def test_a_service_that_refuses_connections_is_bad_and_no_fault_of_the_generator() -> None:
    found = probe(all_failed=ErrorKind.CONNECT)
    assert (found.decision, found.culprit, found.verdict) == ("bad", "service", "invalid")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"late_ms": 15}, "fell behind its schedule"),
        ({"late_ms": 80}, "fell behind its schedule"),
        ({"workers": worker(local_failure_count=3)}, "ran out of ports"),
        ({"workers": worker(problem="was killed", problem_kind="killed")}, "was killed"),
        ({"slow": True, "workers": worker(cpu_ratio=0.99)}, "used 99% of a core"),
        (
            {"slow": True, "workers": worker(stall_total_ns=6_000 * NS_PER_MS)},
            "stood still for 60.0% of the time",
        ),
        (
            {"late_ms": 70, "cap_wait": True, "workers": worker(cap_wait_count=900)},
            "waited for one of its connections",
        ),
        ({"slo": "p95<5ms", "late_ms": 6}, "it sent requests late"),
        ({"count": 600}, "were recorded"),
    ],
)
def test_what_the_generator_did_decides_nothing_of_the_service(
    options: dict[str, Any], reason: str
) -> None:
    found = probe(**options)
    assert (found.decision, found.culprit) == ("undecided", "generator")
    assert not found.is_as_asked
    assert reason in found.reason


def test_connections_that_wait_for_a_slow_service_are_its_fault() -> None:
    found = probe(slow=True, late_ms=70, cap_wait=True, workers=worker(cap_wait_count=900))
    assert (found.decision, found.culprit) == ("bad", "service")


def test_a_lag_that_explains_nothing_excuses_no_service() -> None:
    assert probe("p99<50ms", slow=True, late_ms=15).culprit == "generator"
    found = probe("p99<50ms", slow=True, late_ms=11, service_ms=900)
    assert (found.decision, found.culprit, found.verdict) == ("bad", "service", "invalid")
    busy = worker(cpu_ratio=0.99)
    assert probe(slow=True, late_ms=11, service_ms=900, workers=busy).culprit == "generator"


def test_a_hopeless_probe_decides_and_one_that_the_user_stopped_does_not() -> None:
    assert probe(slow=True, stopped_ns=3_000_000_000, stop_reason="hopeless").decision == "bad"
    stopped = probe(slow=True, stopped_ns=3_000_000_000)
    assert (stopped.decision, stopped.culprit, stopped.probability) == ("undecided", "", 0.5)
    late = probe(late_ms=80, stopped_ns=3_000_000_000, stop_reason="hopeless")
    assert late.culprit == "generator"


def test_requests_that_were_abandoned_leave_something_open() -> None:
    assert not probe(all_failed=ErrorKind.ABANDONED).is_drained
