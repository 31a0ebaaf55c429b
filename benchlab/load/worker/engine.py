"""One worker's part of a run, from the first request to the last record."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchlab import spool
from benchlab.load.arrivals.pacing import Pacer
from benchlab.load.arrivals.source import ClosedSource, CountedSource, OpenSource, Source
from benchlab.load.arrivals.thinking import ThinkingSource, pauses
from benchlab.load.arrivals.timer import Alarm, make_alarm
from benchlab.load.drivers.driver import Driver, make_driver
from benchlab.load.recording.outputs import Outputs
from benchlab.load.worker.observer import TICK_S, Observer
from benchlab.plan.plan import Plan
from benchlab.plan.shapes import ClosedLoop
from benchlab.runs.health import ProblemKind
from benchlab.units import NS_PER_S, seconds_to_ns

__all__ = ["Engine"]

_FLUSH_NS = NS_PER_S // 4


class Engine:
    """Carries out a worker's share of a plan.

    Order of calls: `open`, `start`, then `finished` is awaited, then `close`. `stop` ends the
    arrivals early and waits for the answers; `quit` waits for nothing.
    """

    def __init__(
        self,
        directory: Path,
        run_id: str,
        plan: Plan,
        worker: int,
        memory: int | None = None,
        on_trouble: Callable[[], None] = lambda: None,
    ) -> None:
        """``memory`` is shared memory for the recorder.

        ``on_trouble`` is called when it has stopped by itself, for its samples cannot be kept.
        """
        self._on_trouble = on_trouble
        self._in_trouble = False
        self._directory = directory
        self._plan = plan
        self._worker = worker
        self._outputs = Outputs(directory, plan, worker, memory)
        self._closed = self._make_closed_source()
        self._thinking = self._make_thinking_source()
        self._source: Source = self._thinking or self._closed or OpenSource()
        self._driver: Driver = make_driver(plan, worker, run_id, self._source, self._outputs)
        if isinstance(self._closed, CountedSource):
            self._driver.measure_from(sys.maxsize)  # until the first request that counts
        self._observer = Observer()
        self._pacer: Pacer | None = None
        self._starter: Alarm | None = None
        self._loop = asyncio.get_running_loop()
        self.finished: asyncio.Future[None] = self._loop.create_future()
        self._start_ns = 0
        self._deadline_ns = 0
        self._sweep_every_ns = min(seconds_to_ns(plan.timeout_s) // 50, NS_PER_S // 4)
        self._swept_ns = 0
        self._flushed_ns = 0

    def _make_closed_source(self) -> ClosedSource | None:
        plan, worker = self._plan, self._worker
        if not isinstance(plan.load, ClosedLoop):
            return None
        count = plan.count_share(worker)
        if count is None:
            return ClosedSource(worker, plan.workers)
        return CountedSource(worker, plan.workers, count, self._measure_from)

    def _measure_from(self, seq: int) -> None:
        self._driver.measure_from(seq)

    def _make_thinking_source(self) -> ThinkingSource | None:
        load = self._plan.load
        if self._closed is None or not isinstance(load, ClosedLoop) or not load.think_time_s:
            return None
        users = self._plan.share(self._worker)
        return ThinkingSource(self._closed, pauses(load, users, self._plan.seed, self._worker))

    async def open(self) -> None:
        """Get ready to send, without sending.

        Raises:
            TargetError: the service's name cannot be resolved.
        """
        await self._driver.open()
        if isinstance(self._source, OpenSource):
            arrivals = self._plan.arrivals(self._worker, self._plan.workers)
            self._pacer = Pacer(self._loop, arrivals, self._source, self._driver.dispatch)
        elif self._thinking is not None:
            self._thinking.attach(self._loop, self._driver.dispatch)

    def start(self, start_ns: int) -> None:
        """Let go at the clock time ``start_ns``, which becomes time 0 of the samples."""
        self._start_ns = start_ns
        self._outputs.start(start_ns)
        end_ns = start_ns + self._plan.end_ns
        self._deadline_ns = end_ns + seconds_to_ns(self._plan.drain_s)
        if self._closed is not None:
            self._closed.end_ns = end_ns
            if isinstance(self._closed, CountedSource):
                self._closed.measured_ns = start_ns + self._plan.warmup_ns
            # The loop's own timers may ring a little early, which would be before time 0.
            self._starter = make_alarm(self._loop, self._begin)
            self._starter.set(start_ns)
        elif self._pacer is not None:
            self._pacer.start(start_ns)
        self._loop.call_later(TICK_S, self._tick)

    def _begin(self) -> None:
        if self._starter is not None:
            self._starter.close()
            self._starter = None
            self._driver.begin()

    def stop(self) -> None:
        """No new requests; answers that are under way may still come, for one timeout."""
        self._end_arrivals()
        patience_ns = seconds_to_ns(self._plan.timeout_s)
        self._deadline_ns = min(self._deadline_ns, time.monotonic_ns() + patience_ns)

    def quit(self) -> None:
        """Record what is open as abandoned and finish now."""
        self._end_arrivals()
        self._deadline_ns = 0
        self._conclude(time.monotonic_ns())

    async def close(self, failure: str = "") -> None:
        """Record what is still open, write the last records and the account of itself.

        ``failure`` says what the worker failed of, if it did.
        """
        self._end_arrivals()
        self._driver.abandon(time.monotonic_ns())
        await self._driver.close()
        clock = self._pacer.clock if self._pacer is not None else "answers"
        if self._thinking is not None:
            clock = f"answers, {self._thinking.clock}"
            self._thinking.close()
        self._outputs.close()
        recorder = self._outputs.recorder
        problem = failure or recorder.problem
        kind: ProblemKind = "failed" if failure else recorder.problem_kind
        if recorder.pending:
            problem += f"; {recorder.pending:,} samples were lost"
        health = self._observer.health(self._worker, self._driver, clock)
        spool.write_health(self._directory, replace(health, problem=problem, problem_kind=kind))

    def _tick(self) -> None:
        if self.finished.done():
            return
        now_ns = time.monotonic_ns()
        run_ns = now_ns - self._start_ns
        recorder = self._outputs.recorder
        measuring = self._plan.warmup_ns <= run_ns < self._plan.end_ns
        self._observer.tick(now_ns, measuring=measuring)
        try:
            if now_ns - self._swept_ns >= self._sweep_every_ns:
                self._swept_ns = now_ns
                self._driver.sweep(now_ns)
            if now_ns - self._flushed_ns >= _FLUSH_NS:
                self._flushed_ns = now_ns
                self._outputs.flush()
                recorder.expect(self._driver.in_flight + self._source.waiting)
            if self._closed is not None and now_ns >= self._closed.end_ns:
                self._source.stop()  # users who think ask no more
            if recorder.problem and not self._in_trouble:
                self._in_trouble = True
                self.stop()
                self._on_trouble()
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

    def _end_arrivals(self) -> None:
        self._source.stop()
        if self._pacer is not None:
            self._pacer.close()
        if self._starter is not None:
            self._starter.close()
            self._starter = None
