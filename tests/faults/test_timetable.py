"""When faults are set, renewed and lifted; the injector of these tests notes it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchlab import Plan, Request
from benchlab.errors import FaultError
from benchlab.faults.injector import LEASE_S, Injector
from benchlab.faults.timetable import Timetable
from benchlab.plan.faults import Fault
from benchlab.processes.event_loop import loop_factory
from benchlab.runs.fault_record import FaultRecord
from benchlab.spool.fault_log import FaultLog, read_fault_log
from benchlab.units import NS_PER_S


class Noting:
    """An injector that notes what it is asked for, and fails where it is told to."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.resolve: dict[str, str] = {}
        self.asked: list[str] = []
        self.leases: list[float] = []
        self.changed = asyncio.Condition()

    async def prepare(self) -> None:
        await self._note("prepare")

    async def set(self, fault: Fault, lease_s: float) -> None:
        self.leases.append(lease_s)
        await self._note("set", fault)

    async def renew(self, fault: Fault, lease_s: float) -> None:
        await self._note("renew", fault)

    async def lift(self, fault: Fault) -> None:
        await self._note("lift", fault)

    async def close(self) -> None:
        await self._note("close")

    async def _note(self, what: str, fault: Fault | None = None) -> None:
        async with self.changed:
            self.asked.append(what if fault is None else f"{what} {fault.kind}")
            self.changed.notify_all()
        if what in self.failing:
            raise FaultError("is not there", field="pid", value=5)
        if f"{what}!" in self.failing:
            raise ZeroDivisionError

    async def until(self, what: str, times: int = 1) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.asked.count(what) >= times)


def carried_out(
    path: Path,
    faults: Any,
    injector: Noting,
    until: Callable[[Noting], Any],
    begun_ns: int = 2 * NS_PER_S,
) -> tuple[tuple[FaultRecord, ...], list[str]]:
    """The records of ``faults`` and what was reported; stopped when ``until`` has returned.

    What is due ``begun_ns`` after the start is so at once.
    """
    plan = Plan(Request("GET", "http://127.0.0.1/"), duration_s=3600, faults=faults)
    reported: list[str] = []

    async def main() -> None:
        everywhere: dict[Any, Injector] = dict.fromkeys(["target", "proxy", "process"], injector)
        timetable = Timetable(plan, everywhere, FaultLog(path), reported.append)
        timetable.start(time.monotonic_ns() - begun_ns)
        await until(injector)
        await timetable.finish()

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(main())
    return read_fault_log(path, plan.faults), reported


def test_what_is_due_is_set_and_lifted(tmp_path: Path) -> None:
    injector = Noting()
    records, reported = carried_out(
        tmp_path / "log", ["drop for 1s"], injector, lambda it: it.until("lift drop")
    )
    assert injector.asked == ["set drop", "lift drop"]
    assert not reported
    assert [(record.error, record.kind) for record in records] == [("", "drop")]
    assert records[0].ended_ns is not None


def test_nothing_is_set_or_lifted_early(tmp_path: Path) -> None:
    faults = [f"drop at {number * 1.3:.1f}ms for 0.9ms" for number in range(1, 20)]
    records, _ = carried_out(
        tmp_path / "log", faults, Noting(), lambda it: it.until("lift drop", len(faults)), 0
    )
    for record in records:
        number = record.number + 1
        assert record.began_ns >= number * 1_300_000
        assert record.ended_ns is not None
        assert record.ended_ns >= number * 1_300_000 + 900_000


def test_a_lease_is_renewed_until_the_stop(tmp_path: Path) -> None:
    injector = Noting()
    carried_out(tmp_path / "log", "drop at 1000s", injector, lambda it: asyncio.sleep(0))
    assert injector.asked == []  # it was not due
    carried_out(tmp_path / "log", "drop", injector, lambda it: it.until("renew drop"))
    assert injector.asked == ["set drop", "renew drop", "lift drop"]
    assert injector.leases == [LEASE_S]


@pytest.mark.parametrize(
    ("faults", "leases"),
    [
        (["block 4s every=5s"], [12]),
        (["cpu 1s"], [18]),
        (["cpu 20ms"], [LEASE_S]),
        (["latency 1h"], [LEASE_S]),
        (["latency 1ms", "block 4s every=5s"], [12, 12]),
        (["latency 1ms", "freeze pid=1 for 5s", "delay 1s"], [15, LEASE_S, LEASE_S]),
    ],
)
def test_leases_are_longer_where_the_service_cannot_respond(
    tmp_path: Path, faults: list[str], leases: list[float]
) -> None:
    injector = Noting()

    async def all_are_set(noting: Noting) -> None:
        for fault in faults:
            await noting.until(f"set {fault.split()[0]}")

    carried_out(tmp_path / "log", faults, injector, all_are_set)
    assert injector.leases == leases


def test_a_fault_that_cannot_be_set_is_reported_with_its_name(tmp_path: Path) -> None:
    records, reported = carried_out(
        tmp_path / "log", "drop", Noting("set"), lambda it: it.until("lift drop")
    )
    assert reported == ["the fault drop cannot be set: pid=5 is not there"]
    assert records[0].error == "cannot be set: pid=5 is not there"
    assert records[0].ended_ns is None


def test_a_fault_that_cannot_be_lifted_is_reported_with_its_name(tmp_path: Path) -> None:
    records, reported = carried_out(
        tmp_path / "log", "drop for 1s", Noting("lift!"), lambda it: it.until("lift drop")
    )
    assert reported == ["the fault drop at 0s for 1s cannot be lifted: ZeroDivisionError: "]
    assert records[0].ended_ns is None


def test_a_lease_that_cannot_be_renewed_is_reported(tmp_path: Path) -> None:
    injector = Noting("renew")
    records, reported = carried_out(
        tmp_path / "log", "drop", injector, lambda it: it.until("lift drop")
    )
    assert injector.asked[-1] == "lift drop"
    assert reported == [
        "the fault drop ended too early: its lease could not be renewed: pid=5 is not there"
    ]
    assert records[0].ended_ns is not None
    assert records[0].error


def test_a_full_disk_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()  # cannot be written to, as a full disk
    plan_faults = "drop for 1s"
    injector = Noting()
    plan = Plan(Request("GET", "http://127.0.0.1/"), faults=plan_faults)
    reported: list[str] = []

    async def main() -> None:
        timetable = Timetable(
            plan, {"target": injector}, FaultLog(tmp_path / "log"), reported.append
        )
        timetable.start(time.monotonic_ns() - 2 * NS_PER_S)
        await injector.until("lift drop")
        await timetable.finish()

    asyncio.run(main())
    assert reported[0].startswith("the fault drop at 0s for 1s cannot be recorded")
