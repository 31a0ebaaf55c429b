"""Faults are set, lifted and recorded in real runs, and none outlives its run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np
import psutil
import pytest

from benchlab import ConstantRate, Plan, Request, Run, run, spool
from benchlab.errors import FaultError
from benchlab.load.supervisor.fault_process import start_fault_process
from benchlab.load.supervisor.progress import Progress
from benchlab.units import NS_PER_MS
from tests.load.faulty_service import FaultyService
from tests.load.servers import serving

LONG = "error 503 at 100ms"
LONG_S = 600.0


@pytest.fixture(autouse=True)
def no_child_stays() -> Iterator[None]:
    """The test leaves no process behind."""
    before = children()
    yield
    assert children() == before


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def fault_process(parent: int) -> psutil.Process:
    (found,) = (
        child
        for child in psutil.Process(parent).children(recursive=True)
        if "benchlab.faults" in child.cmdline()
    )
    return found


def long_run(url: str, then: Callable[[Progress], None]) -> Run:
    """A run that ends only because something ends it."""
    plan = Plan(Request("GET", url), ConstantRate(50), LONG_S, faults=LONG)
    return run(plan, on_progress=then)


def test_faults_are_on_when_the_record_says_so() -> None:
    service = FaultyService()
    faults = ["error 503 at 300ms for 1.1s", "error 500 at 1.5s for 200ms"]
    with serving(service) as url:
        plan = Plan(Request("GET", url), ConstantRate(100), 2, warmup_s=0.2, faults=faults)
        result = run(plan)
    assert result.plan == plan
    assert result.stop_reason == ""
    assert service.done.count("set") == 2
    assert not service.on
    first, second = result.faults
    assert (first.number, first.kind, first.fault) == (0, "error", faults[0])
    assert (first.error, second.error, second.number) == ("", "", 1)
    assert first.ended_ns is not None
    assert second.ended_ns is not None
    samples = result.samples
    failed = samples.column("status") == 503
    sent, done = samples.column("sent_ns"), samples.column("done_ns")
    planned_ns, lifted_ns = 500 * NS_PER_MS, 1600 * NS_PER_MS
    assert first.began_ns >= planned_ns
    assert first.ended_ns >= lifted_ns
    assert (done[failed] > planned_ns).all()
    assert (sent[failed] < first.ended_ns).all()
    during = (sent > first.began_ns) & (done < min(first.ended_ns, lifted_ns))
    assert failed[during].all()
    assert np.count_nonzero(failed)
    assert second.began_ns >= 1700 * NS_PER_MS
    assert result.to_dict()["faults"][0]["began_ns"] == first.began_ns


def test_a_run_without_faults_starts_no_process_for_them() -> None:
    assert start_fault_process(Plan(Request("GET", "http://127.0.0.1:1/"))) is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_end_of_the_process_of_the_faults_ends_the_run(number: signal.Signals) -> None:
    service = FaultyService()
    ended: list[int] = []

    def end(_progress: Progress) -> None:
        if service.on and not ended:
            service.wait_until("set")
            process = fault_process(os.getpid())
            ended.append(process.pid)
            process.send_signal(number)

    with serving(service) as url:
        result = long_run(url, end)
        service.wait_until_off()
    assert ended
    assert result.verdict == "interrupted"
    assert "the process of the faults" in result.stop_reason
    (record,) = result.faults
    if number == signal.SIGKILL:
        assert "error 503" in result.stop_reason
        assert "-9" in result.stop_reason
        assert "while it was on" in record.error
        assert record.ended_ns is None
        assert record.error in result.warnings[0]
    else:
        assert record.ended_ns is not None


@pytest.mark.usefixtures("own_data")
def test_a_killed_supervisor_leaves_no_fault() -> None:
    service = FaultyService()
    with serving(service) as url:
        script = f"""
import benchlab as bl
plan = bl.Plan(bl.Request("GET", "{url}"), bl.ConstantRate(50), {LONG_S}, faults="{LONG}")
bl.run(plan)
"""
        parent = subprocess.Popen([sys.executable, "-c", script])
        service.wait_until("set")
        processes = psutil.Process(parent.pid).children(recursive=True)
        parent.kill()
        parent.wait()
        service.wait_until("set", "lifted")
        assert not service.on
        _, alive = psutil.wait_procs(processes, timeout=60)
        assert not alive
    (directory,) = spool.pending()
    (record,) = spool.read_run(directory).faults
    assert record.ended_ns is not None
    assert record.ended_ns > record.began_ns


def test_a_fault_that_cannot_be_made_is_known_before_the_run() -> None:
    service = FaultyService("GET", "PUT")
    with serving(service) as url, pytest.raises(FaultError, match=r"http://127\.0\.0\.1"):
        run(Plan(Request("GET", url), ConstantRate(50), 1, faults="error 503"))
    assert service.requests == 0
    assert list(spool.pending()) == []


@pytest.mark.parametrize(("method", "word"), [("PUT", "set"), ("DELETE", "lifted")])
def test_a_fault_that_cannot_be_set_or_lifted_ends_the_run(method: str, word: str) -> None:
    service = FaultyService(method)
    with serving(service) as url:
        faults = ["error 503 at 200ms for 200ms"]
        result = run(Plan(Request("GET", url), ConstantRate(50), LONG_S, faults=faults))
        service.wait_until_off()
    assert result.verdict == "interrupted"
    assert result.stop_reason.startswith(f"the fault {faults[0]} cannot be {word}: ")
    (record,) = result.faults
    assert record.error.startswith(f"cannot be {word}: ")
    assert record.ended_ns is None
    assert record.began_ns >= 200 * NS_PER_MS
    assert result.fault_error == f"{faults[0]} {record.error}"


def test_ctrl_c_lifts_what_is_on() -> None:
    service = FaultyService()

    def interrupt(progress: Progress) -> None:
        if progress.faults and service.on:
            os.kill(os.getpid(), signal.SIGINT)

    with serving(service) as url:
        result = long_run(url, interrupt)
    assert service.done[-1] == "lifted"
    assert result.stop_reason == ""
    assert result.fault_error == ""
    assert result.faults[0].ended_ns is not None
