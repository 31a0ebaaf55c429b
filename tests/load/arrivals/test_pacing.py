"""The pacer delivers every request once, in order, and never early."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import uvloop

from benchlab.load.arrivals.pacing import OpenSource, Pacer
from benchlab.plan.schedule import Arrivals
from benchlab.plan.shapes import ConstantRate


def test_the_pacer_delivers_everything_in_order_and_not_before_its_time() -> None:
    source = OpenSource()
    seen: list[tuple[int, int, int]] = []

    def dispatch() -> None:
        now = time.monotonic_ns()
        while (job := source.take(now)) is not None:
            seen.append((*job, now))

    async def pace() -> None:
        blocks = list(ConstantRate(5_000).offsets(200_000_000, seed=1))
        offsets = np.concatenate(blocks)
        arrivals = iter([Arrivals(np.arange(len(offsets)), offsets)])
        pacer = Pacer(asyncio.get_running_loop(), arrivals, source, dispatch)
        pacer.start(time.monotonic_ns() + 5_000_000)
        while not source.exhausted:
            await asyncio.sleep(0.01)
        pacer.close()
        pacer.close()  # again does no harm

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(pace())
    assert [seq for seq, _, _ in seen] == list(range(1_000))
    assert all(now >= intended for _, intended, now in seen)


def test_a_plan_without_arrivals_ends_at_once() -> None:
    source = OpenSource()

    async def pace() -> None:
        pacer = Pacer(asyncio.get_running_loop(), iter(()), source, lambda: None)
        pacer.start(time.monotonic_ns())
        assert source.exhausted
        pacer.close()

    asyncio.run(pace())
