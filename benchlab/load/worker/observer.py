"""Observe the generator itself: its CPU use and stalls of its event loop."""

from __future__ import annotations

import resource
import time
from pathlib import Path

from benchlab.load.drivers.driver import Driver
from benchlab.runs.health import WorkerHealth
from benchlab.units import NS_PER_MS, NS_PER_S

__all__ = ["TICK_S", "Observer"]

TICK_S = 0.02
"""Period of the engine's housekeeping, and of the check for stalls."""

STALL_NS = 5 * NS_PER_MS
"""A tick later than this is a stall."""


class Observer:
    """Measures at every tick; only the measured window counts."""

    def __init__(self) -> None:
        self._expected = 0
        self._window_start: tuple[int, int] | None = None
        self._window_end: tuple[int, int] | None = None
        self.stall_count = 0
        self.stall_max_ns = 0
        self.stall_total_ns = 0

    def tick(self, now_ns: int, *, measuring: bool) -> None:
        """Record the time of a tick; ``measuring`` is True in the measured window."""
        late_ns = now_ns - self._expected if self._expected else 0
        self._expected = now_ns + int(TICK_S * NS_PER_S)
        if measuring and self._window_start is None:
            self._window_start = (now_ns, time.process_time_ns())
        if measuring:
            self._window_end = (now_ns, time.process_time_ns())
            if late_ns > STALL_NS:
                self.stall_count += 1
                self.stall_total_ns += late_ns
                self.stall_max_ns = max(self.stall_max_ns, late_ns)

    @property
    def cpu_ratio(self) -> float:
        """CPU time over wall time in the measured window; 1 is a whole core."""
        if self._window_start is None or self._window_end is None:
            return 0.0
        wall_ns = self._window_end[0] - self._window_start[0]
        return (self._window_end[1] - self._window_start[1]) / wall_ns if wall_ns > 0 else 0.0

    def health(self, worker: int, driver: Driver, clock: str) -> WorkerHealth:
        """The worker's health, for the run."""
        return WorkerHealth(
            worker=worker,
            cpu_ratio=round(self.cpu_ratio, 4),
            stall_count=self.stall_count,
            stall_max_ns=self.stall_max_ns,
            stall_total_ns=self.stall_total_ns,
            in_flight_max=driver.in_flight_max,
            cap_wait_count=driver.cap_wait_count,
            connections_opened=driver.connections_opened,
            local_failure_count=driver.local_failure_count,
            memory_max_bytes=_memory_max_bytes(),
            clock=clock,
            servers=tuple(driver.servers.names),
        )


def _memory_max_bytes() -> int:
    # Not getrusage: on Linux its maximum includes the size of the process that forked this one.
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    high_water = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(high_water[0]) * 1024 if high_water else 0
