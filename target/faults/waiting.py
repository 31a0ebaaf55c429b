"""Waiting in the event loop."""

import asyncio
import time

_TIMER_S = 0.001  # uvloop's timers count whole milliseconds
_TURNS = 6


async def sleep_s(seconds: float) -> None:
    """Sleep for `seconds` at least: timers may be up to a millisecond early."""
    end_s = time.perf_counter() + seconds
    while (left_s := end_s - time.perf_counter()) > 0:
        await asyncio.sleep(max(left_s, _TIMER_S))


async def let_the_loop_turn() -> None:
    """Return after what has arrived by now was read and begun, and what was written is sent.

    A loop that is overloaded may have read nothing for seconds: accepting a connection, reading
    from it and running the request's task takes a turn each.
    """
    for _ in range(_TURNS):
        await asyncio.sleep(0)
