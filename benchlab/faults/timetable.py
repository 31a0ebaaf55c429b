"""Set and lift the faults of a run at their times, and keep their leases."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from benchlab.errors import FaultError
from benchlab.faults.injector import LEASE_S, Injector
from benchlab.plan.faults import Fault
from benchlab.plan.plan import Plan
from benchlab.spool.fault_log import FaultLog
from benchlab.units import NS_PER_S

__all__ = ["Timetable"]

_PATIENCE_S = 20.0
"""How long setting and lifting a fault may take: the service may be slow, by other faults too."""

_LEAST_TIMER_S = 0.001  # timers count whole milliseconds, and may be early

_TURNS = 6
"""In how many turns of its event loop a service reads and handles a request."""

_LONGEST_FREEZE_S = 60.0
"""A lease is not made longer for a process that is frozen for longer than that."""


class Timetable:
    """The faults of a plan on a run's clock; all times are of the monotonic clock.

    What happens to each is written to ``log`` as it happens. ``on_failure`` is called with the
    reason when a fault could not be set, kept or lifted.
    """

    def __init__(
        self,
        plan: Plan,
        injectors: Mapping[str, Injector],
        log: FaultLog,
        on_failure: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._injectors = injectors
        self._log = log
        self._on_failure = on_failure
        self._stopped = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._start_ns = 0

    def start(self, start_ns: int) -> None:
        """Set and lift the faults of a run that starts at ``start_ns``."""
        self._start_ns = start_ns
        self._tasks = [
            asyncio.create_task(self._carry_out(number, fault))
            for number, fault in enumerate(self._plan.faults)
        ]

    def stop(self) -> None:
        """Lift what is on, and set nothing any more."""
        self._stopped.set()

    async def finish(self) -> None:
        """Lift what is on, and wait until that is done."""
        self.stop()
        await asyncio.gather(*self._tasks)

    async def _carry_out(self, number: int, fault: Fault) -> None:
        plan, injector = self._plan, self._injectors[fault.where]
        if await self._is_stopped_by(fault.begin_ns(plan.warmup_ns)):
            return
        lease_s = LEASE_S if fault.where != "target" else _lease_s(plan)
        patience_s = max(_PATIENCE_S, lease_s)
        problem = await _problem(injector.set(fault, lease_s), patience_s)
        began_ns = self._run_ns()
        if problem:
            self._fail(number, fault, began_ns, f"cannot be set: {problem}")
            await _problem(injector.lift(fault), patience_s)  # perhaps it was set nevertheless
            return
        self._write(fault, lambda: self._log.began(number, began_ns))
        keeping = asyncio.create_task(self._keep(injector, fault, lease_s))
        await self._is_stopped_by(fault.end_ns(plan.warmup_ns, plan.end_ns), keeping)
        lost = keeping.result() if keeping.done() else ""
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        if lost:
            self._fail(number, fault, self._run_ns(), f"ended too early: {lost}")
        problem = await _problem(injector.lift(fault), patience_s)
        ended_ns = self._run_ns()
        if problem:
            self._fail(number, fault, ended_ns, f"cannot be lifted: {problem}")
        else:
            self._write(fault, lambda: self._log.ended(number, ended_ns))

    async def _keep(self, injector: Injector, fault: Fault, lease_s: float) -> str:
        """Renew the lease of ``fault`` until it is lost; returns why."""
        until_s = time.monotonic() + lease_s
        problem = ""
        while time.monotonic() < until_s:
            await asyncio.sleep(lease_s / 3)
            asked_s = time.monotonic()
            problem = await _problem(injector.renew(fault, lease_s), max(0.0, until_s - asked_s))
            if not problem:
                until_s = asked_s + lease_s
        return f"its lease could not be renewed: {problem}"

    async def _is_stopped_by(self, run_ns: int, *others: asyncio.Task[str]) -> bool:
        """Wait until ``run_ns`` after the start, a stop or the end of ``others``."""
        stopped = asyncio.create_task(self._stopped.wait())
        waiting: set[asyncio.Task[Any]] = {stopped, *others}
        due_ns = self._start_ns + run_ns
        done: set[asyncio.Task[Any]] = set()
        while not done and (left_ns := due_ns - time.monotonic_ns()) > 0:
            wait_s = max(_LEAST_TIMER_S, left_ns / NS_PER_S)
            done, _ = await asyncio.wait(
                waiting, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED
            )
        stopped.cancel()
        return self._stopped.is_set()

    def _run_ns(self) -> int:
        return time.monotonic_ns() - self._start_ns

    def _fail(self, number: int, fault: Fault, run_ns: int, problem: str) -> None:
        reason = f"the fault {fault} {problem}"
        self._write(fault, lambda: self._log.failed(number, run_ns, problem))
        self._on_failure(reason)

    def _write(self, fault: Fault, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as exc:
            self._on_failure(f"the fault {fault} cannot be recorded ({exc.strerror})")


def _lease_s(plan: Plan) -> float:
    """Long enough for a service whose control API the plan's faults hold up, these and others.

    It is asked again after a third of the lease, so that two thirds remain for the response.
    """
    return max(LEASE_S, *(3 * _held_up_s(fault) for fault in plan.faults))


def _held_up_s(fault: Fault) -> float:
    """For how long a service cannot respond to a request to lift ``fault``, or another one."""
    match fault.kind:
        case "block":
            return fault.amount_value
        case "cpu":  # a computation in each turn
            return _TURNS * fault.amount_value
        case "freeze":
            return min(_LONGEST_FREEZE_S, fault.for_s or _LONGEST_FREEZE_S)
    return 0.0


async def _problem(work: Awaitable[None], within_s: float) -> str:
    """Why ``work`` failed; empty if it did not."""
    try:
        async with asyncio.timeout(within_s):
            await work
    except FaultError as exc:
        return str(exc)
    except TimeoutError:
        return f"no response within {within_s:.3g} s"
    except Exception as exc:  # of whatever kind: the run ends, and says of which fault
        return f"{type(exc).__name__}: {exc}"
    return ""
