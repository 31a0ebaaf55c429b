"""Faults that act by the clock instead of on a request: blocks of the event loop, and pauses."""

import asyncio
import time

from .kinds import AnyPeriodicFault, Block, Pause
from .waiting import let_the_loop_turn, sleep_s


class Background:
    """One such fault while it is on: `start` and `lift` are called once."""

    def __init__(self, fault: AnyPeriodicFault, pauses: "Pauses") -> None:
        self.hits = 0
        self._fault = fault
        self._pauses = pauses
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._repeat())

    def lift(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._pauses.end(self)

    def state(self) -> dict[str, float]:
        """More than `hits` that `GET /faults` shows."""
        return {}

    async def _repeat(self) -> None:
        # So that the response to the request that has set it is not held up.
        await let_the_loop_turn()
        fault = self._fault
        # From a fixed beginning, so that the period is exact however long each one took.
        next_s = time.perf_counter()
        while True:
            self.hits += 1
            if isinstance(fault, Block):
                # It sleeps instead of computing: telemetry's thread, and other processes, go on.
                time.sleep(fault.block_ms / 1000)
            else:
                self._pauses.begin(self, fault)
                await sleep_s(fault.pause_ms / 1000)
                self._pauses.end(self)
            if fault.every_ms is None:
                return
            next_s += fault.every_ms / 1000
            await sleep_s(next_s - time.perf_counter())


class Pauses:
    """The pauses that are going on now; requests wait at each point where they could go on."""

    def __init__(self) -> None:
        self._begun: dict[Background, tuple[Pause, asyncio.Event]] = {}

    @property
    def any(self) -> bool:
        """Whether there is one, for whatever route."""
        return bool(self._begun)

    def begin(self, by: Background, pause: Pause) -> None:
        self._begun[by] = pause, asyncio.Event()

    def end(self, by: Background) -> None:
        if by in self._begun:
            _, ended = self._begun.pop(by)
            ended.set()

    async def wait(self, path: str) -> None:
        """Wait until no pause holds a request to `path` any more."""
        while held := [
            ended for pause, ended in self._begun.values() if path.startswith(pause.route)
        ]:
            await held[0].wait()
