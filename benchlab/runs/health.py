"""What the load generator reports about itself: one entry per worker."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from benchlab.decoding import Count

__all__ = ["Health", "ProblemKind", "WorkerHealth"]

ProblemKind = Literal["", "disk_full", "disk_failed", "killed", "lost", "failed"]
"""Why a worker failed: its disk was full or not writable, it was killed before it could report, its
host in a cluster was lost, or it raised an error. Empty if it did not fail."""


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """What one worker observed of itself in the measured window.

    ``cpu_ratio`` is CPU time over wall time (1 = a whole core). A stall is an event loop iteration
    that started more than 5 ms late. ``in_flight_max`` is the highest number of open requests,
    ``cap_wait_count`` the number that waited for a connection, ``local_failure_count`` the number
    that could not connect because this machine had no port, file or buffer left. ``clock`` is the
    timer that paced the sends, ``servers`` the first few different ``Server`` response headers.
    ``problem`` is the error message if the worker failed, ``problem_kind`` its kind, for programs.
    """

    worker: Count
    cpu_ratio: float = 0.0
    stall_count: Count = 0
    stall_max_ns: Count = 0
    stall_total_ns: Count = 0
    in_flight_max: Count = 0
    cap_wait_count: Count = 0
    connections_opened: Count = 0
    local_failure_count: Count = 0
    memory_max_bytes: Count = 0
    clock: str = ""
    problem: str = ""
    problem_kind: ProblemKind = ""
    servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """What the load generator reports about itself: one entry per worker.

    Of results that were imported there is none.
    """

    workers: tuple[WorkerHealth, ...] = ()

    @property
    def servers(self) -> list[str]:
        """Distinct ``Server`` response headers, in order of appearance."""
        return list(dict.fromkeys(name for worker in self.workers for name in worker.servers))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {"workers": [asdict(worker) for worker in self.workers]}
