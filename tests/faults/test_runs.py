"""Faults of the network and of processes in whole runs, set by the process of the faults."""

from __future__ import annotations

from pathlib import Path

from benchlab import ConstantRate, Plan, Request, Transport, run
from benchlab.bundled import TargetProcess
from benchlab.runs.run import Run
from benchlab.units import NS_PER_MS
from tests.load.servers import always, ok, serving


def sent_during(run: Run, number: int) -> tuple[int, list[int]]:
    """When a fault began, and when the requests were done that were sent while it was on."""
    record = run.faults[number]
    assert record.error == ""
    assert record.ended_ns is not None
    sent, done = run.samples.column("sent_ns"), run.samples.column("done_ns")
    inside = (sent > record.began_ns) & (done < record.ended_ns)
    return record.began_ns, [int(value) for value in (done - sent)[inside]]


def test_a_delay_before_a_service_on_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with serving(always(ok()), unix_socket=path):
        made = run(
            Plan(
                [Request("GET", "http://service.test/")],
                ConstantRate(100),
                duration_s=1.0,
                transport=Transport(unix_socket=str(path)),
                faults=["delay 30ms"],
            )
        )
    assert made.summary.error_count == 0
    _, latencies = sent_during(made, 0)
    assert latencies
    assert min(latencies) >= 30 * NS_PER_MS
    assert made.plan.transport.unix_socket == str(path)  # the plan is as it was given


def test_a_frozen_service_responds_when_it_goes_on(target: TargetProcess) -> None:
    made = run(
        Plan(
            [Request("GET", f"{target.url}/health")],
            ConstantRate(50),
            duration_s=1.0,
            timeout_s=60,
            faults=[f"freeze pid={target.pid} at 200ms for 500ms"],
        )
    )
    assert made.summary.error_count == 0
    began_ns, _ = sent_during(made, 0)
    sent, done = made.samples.column("sent_ns"), made.samples.column("done_ns")
    ends_ns = 690 * NS_PER_MS  # 10 ms early: timers are
    waiting = (sent > began_ns) & (sent < ends_ns)
    assert (done[waiting] > ends_ns).all()
