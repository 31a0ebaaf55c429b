"""Think time: every pause ends on time, and starts exactly one request."""

from __future__ import annotations

import asyncio
import time

import uvloop

from benchlab.load.arrivals.closed import ClosedSource, CountedSource
from benchlab.load.arrivals.thinking import ThinkingSource


def test_every_pause_ends_on_time_and_in_order() -> None:
    inner = ClosedSource(0, 1)
    woken: list[tuple[int, int]] = []
    exhausted: list[bool] = []
    steps_ms = [5, 1, 9, 3, 3]

    async def think() -> None:
        loop = asyncio.get_running_loop()
        source = ThinkingSource(inner, iter([step * 1_000_000 for step in steps_ms]))

        def dispatch() -> None:
            while source.waiting:
                request = source.take(0)
                assert request is not None
                woken.append((request[0], time.monotonic_ns()))

        source.attach(loop, dispatch)
        begun = time.monotonic_ns()
        inner.end_ns = begun + 10**12
        for _ in steps_ms:
            assert source.take(begun) is None
        assert source.waiting == 0
        while len(woken) < len(steps_ms):
            await asyncio.sleep(0.001)
        due = [begun + step * 1_000_000 for step in sorted(steps_ms)]
        assert all(now >= at for (_, now), at in zip(woken, due, strict=True))
        exhausted.append(source.exhausted)
        source.stop()
        exhausted.append(source.exhausted)
        assert source.take(time.monotonic_ns()) is None
        source.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(think())
    assert [seq for seq, _ in woken] == [0, 1, 2, 3, 4]
    assert exhausted == [False, True]


def test_a_counted_source_counts_from_the_end_of_the_warm_up() -> None:
    first_seqs: list[int] = []
    source = CountedSource(1, 2, 3, first_seqs.append)
    source.measured_ns, source.end_ns = 100, 1_000
    assert [source.take(now) for now in (10, 50, 99)] == [(1, 10), (3, 50), (5, 99)]
    assert first_seqs == []
    assert [source.take(now) for now in (100, 101, 102, 103)] == [
        (7, 100),
        (9, 101),
        (11, 102),
        None,
    ]
    assert first_seqs == [7]
    assert source.exhausted


def test_a_share_of_zero_requests_ends_at_once() -> None:
    source = CountedSource(0, 1, 0, lambda _seq: None)
    source.end_ns = 1_000
    assert source.take(1) is None
    assert source.exhausted


def test_the_duration_also_ends_a_counted_source() -> None:
    source = CountedSource(0, 1, 10, lambda _seq: None)
    source.end_ns = 50
    assert source.take(1) == (0, 1)
    assert source.take(50) is None
    assert source.exhausted
