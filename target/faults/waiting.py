"""Waiting in the event loop."""

import asyncio
import math
import time

AFTER_LIFT_S = 5.0
_TIMER_S = 0.001  # uvloop's timers count whole milliseconds
_TURNS = 6


async def sleep_s(seconds: float) -> None:
    """Sleep for `seconds` at least: timers may be up to a millisecond early."""
    end_s = time.perf_counter() + seconds
    while (left_s := end_s - time.perf_counter()) > 0:
        await asyncio.sleep(max(left_s, _TIMER_S))


class Sleepers:
    """The requests that wait because of one fault."""

    def __init__(self) -> None:
        self._futures: set[asyncio.Future[None]] = set()
        self._last_s = math.inf

    async def sleep_s(self, seconds: float) -> None:
        """As `sleep_s`, unless the fault is lifted and the time would last too long after that."""
        end_s = time.perf_counter() + seconds
        loop = asyncio.get_running_loop()
        while (left_s := min(end_s, self._last_s) - time.perf_counter()) > 0:
            future: asyncio.Future[None] = loop.create_future()
            timer = loop.call_later(max(left_s, _TIMER_S), _wake, future)
            self._futures.add(future)
            try:
                await future
            finally:
                timer.cancel()
                self._futures.discard(future)

    def lift(self) -> None:
        """Let those that wait now wait on, but for `AFTER_LIFT_S` at most.

        So a fault hits all requests that arrive during it alike, and one of an hour does not keep
        the service from stopping.
        """
        self._last_s = time.perf_counter() + AFTER_LIFT_S
        # Awake, they find out until when to sleep on.
        for future in self._futures:
            _wake(future)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def let_the_loop_turn() -> None:
    """Return after what has arrived by now was read and begun, and what was written is sent.

    A loop that is overloaded may have read nothing for seconds: accepting a connection, reading
    from it and running the request's task takes a turn each.
    """
    for _ in range(_TURNS):
        await asyncio.sleep(0)
