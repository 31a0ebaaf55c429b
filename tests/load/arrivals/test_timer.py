"""Timers never fire early."""

from __future__ import annotations

import asyncio
import time

import pytest
import uvloop

from benchlab.load.arrivals.timer import LoopTimer, Timerfd

TIMERS = [Timerfd, LoopTimer]


@pytest.mark.parametrize("timer_type", TIMERS)
def test_a_timer_is_never_early(timer_type: type[Timerfd] | type[LoopTimer]) -> None:
    early: list[int] = []

    async def set_often() -> None:
        loop = asyncio.get_running_loop()
        gone_off = asyncio.Event()
        timer = timer_type(loop, gone_off.set)
        for step in range(100):
            at_ns = time.monotonic_ns() + 700_000 + step * 13_000
            timer.set(at_ns)
            await gone_off.wait()
            early.append(min(0, time.monotonic_ns() - at_ns))
            gone_off.clear()
        timer.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(set_often())
    assert early == [0] * 100
