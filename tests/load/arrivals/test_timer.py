"""Alarms ring at their time: never early."""

from __future__ import annotations

import asyncio
import time

import pytest
import uvloop

from benchlab.load.arrivals.timer import LoopTimer, Timerfd

ALARMS = [Timerfd, LoopTimer]


@pytest.mark.parametrize("alarm_type", ALARMS)
def test_an_alarm_is_never_early(alarm_type: type[Timerfd] | type[LoopTimer]) -> None:
    early: list[int] = []

    async def ring_often() -> None:
        loop = asyncio.get_running_loop()
        rung = asyncio.Event()
        alarm = alarm_type(loop, rung.set)
        for step in range(100):
            at_ns = time.monotonic_ns() + 700_000 + step * 13_000
            alarm.set(at_ns)
            await rung.wait()
            early.append(min(0, time.monotonic_ns() - at_ns))
            rung.clear()
        alarm.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(ring_often())
    assert early == [0] * 100
