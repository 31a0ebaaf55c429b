"""Carry out one worker's share of a run, from the first request to the last record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchlab import spool
from benchlab.load.arrivals.choice import make_arrivals
from benchlab.load.drivers.driver import Driver
from benchlab.load.drivers.registry import make_driver
from benchlab.load.recording.recording import Recording
from benchlab.load.worker.observer import TICK_S, Observer
from benchlab.plan.plan import Plan
from benchlab.runs.health import ProblemKind
from benchlab.units import NS_PER_S, seconds_to_ns

__all__ = ["Engine"]

_FLUSH_NS = NS_PER_S // 4


class Engine:
    """Carries out a worker's share of a plan.

    Call `open`, `start`, await ``finished``, then `close`. `stop` ends the arrivals early and waits
    for open requests; `quit` does not wait.
    """

    def __init__(
        self,
        directory: Path,
        run_id: str,
        plan: Plan,
        worker: int,
        memory: int | None = None,
        on_stopping: Callable[[], None] = lambda: None,
    ) -> None:
        """``memory`` is shared memory for the recorder.

        ``on_stopping`` is called if the engine stops because samples cannot be written.
        """
        self._on_stopping = on_stopping
        self._stopping = False
        self._directory = directory
        self._plan = plan
        self._worker = worker
        self._recording = Recording(directory, plan, worker, memory)
        self._arrivals = make_arrivals(plan, worker)
        self._source = self._arrivals.source
        self._driver: Driver = make_driver(plan, worker, run_id, self._source, self._recording)
        self._observer = Observer()
        self._loop = asyncio.get_running_loop()
        self.finished: asyncio.Future[None] = self._loop.create_future()
        self._start_ns = 0
        self._deadline_ns = 0
        self._sweep_every_ns = min(seconds_to_ns(plan.shortest_limit_s) // 50, NS_PER_S // 4)
        self._lost = ""
        self._swept_ns = 0
        self._flushed_ns = 0

    async def open(self) -> None:
        """Get ready to send, without sending.

        Raises:
            TargetError: the service's name cannot be resolved.
        """
        await self._driver.open()
        self._arrivals.open(self._loop, self._driver)

    def start(self, start_ns: int) -> None:
        """Start the load at the clock time ``start_ns``, which is time 0 of the samples."""
        self._start_ns = start_ns
        self._recording.start(start_ns)
        end_ns = start_ns + self._plan.end_ns
        self._deadline_ns = end_ns + seconds_to_ns(self._plan.drain_s)
        self._arrivals.start(start_ns)
        self._loop.call_later(TICK_S, self._tick)

    def stop(self) -> None:
        """Send no new requests; wait for open requests, at most for one timeout."""
        self._arrivals.stop()
        patience_ns = seconds_to_ns(self._plan.timeout_s)
        self._deadline_ns = min(self._deadline_ns, time.monotonic_ns() + patience_ns)

    def quit(self) -> None:
        """Finish open requests as abandoned, now."""
        self._arrivals.stop()
        self._deadline_ns = 0
        self._conclude(time.monotonic_ns())

    def lose(self, why: str) -> None:
        """`quit`, and report in the health ``why`` the share is not complete, if it is not."""
        if not self.finished.done():
            self._lost = f"was lost: {why}"
        self.quit()

    async def close(self, failure: str = "") -> None:
        """Finish open requests as abandoned; write the last records and the health file.

        ``failure`` is the error that ended the worker, if one did.
        """
        self._arrivals.stop()
        self._driver.abandon(time.monotonic_ns())
        await self._driver.close()
        self._arrivals.close()
        self._recording.close()
        recorder = self._recording.recorder
        problem = failure or recorder.problem
        kind: ProblemKind = "failed" if failure else recorder.problem_kind
        if self._lost and not problem:
            problem, kind = self._lost, "lost"
        if recorder.pending:
            problem += f"; {recorder.pending:,} samples were lost"
        health = self._observer.health(self._worker, self._driver, self._arrivals.clock)
        spool.write_health(self._directory, replace(health, problem=problem, problem_kind=kind))

    def _tick(self) -> None:
        if self.finished.done():
            return
        now_ns = time.monotonic_ns()
        run_ns = now_ns - self._start_ns
        recorder = self._recording.recorder
        measuring = self._plan.warmup_ns <= run_ns < self._plan.end_ns
        self._observer.tick(now_ns, measuring=measuring)
        try:
            if now_ns - self._swept_ns >= self._sweep_every_ns:
                self._swept_ns = now_ns
                self._driver.sweep(now_ns)
            if now_ns - self._flushed_ns >= _FLUSH_NS:
                self._flushed_ns = now_ns
                self._recording.flush()
                recorder.reserve(self._driver.in_flight + self._source.waiting)
            self._arrivals.tick(now_ns)
            if recorder.problem and not self._stopping:
                self._stopping = True
                self.stop()
                self._on_stopping()
            self._conclude(now_ns)
        except Exception as exc:
            self.finished.set_exception(exc)
            return
        self._loop.call_later(TICK_S, self._tick)

    def _conclude(self, now_ns: int) -> None:
        if self.finished.done():
            return
        if self._source.exhausted and self._driver.in_flight == 0:
            self.finished.set_result(None)
        elif now_ns >= self._deadline_ns:
            self._driver.abandon(now_ns)
            self.finished.set_result(None)
