"""What the generator says about itself, and whether its numbers may be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from benchlab.units import NS_PER_MS, format_ns
from benchlab.values.load import ClosedLoop
from benchlab.values.plan import Plan
from benchlab.values.samples import Flag, Samples
from benchlab.values.summary import exact_percentile
from benchlab.values.window import measured_window_ns

__all__ = [
    "BUSY_RATIO",
    "LAG_P99_LIMIT_NS",
    "STALL_LIMIT_RATIO",
    "Health",
    "Judgement",
    "Verdict",
    "WorkerHealth",
    "judge",
]

Verdict = Literal["valid", "invalid", "interrupted"]

LAG_P99_LIMIT_NS = 10 * NS_PER_MS
"""An open loop whose own p99 lag exceeds this did not send the load it was asked for."""

BUSY_RATIO = 0.95
"""A worker that used more of its core than this was the bottleneck of a closed loop."""

STALL_LIMIT_RATIO = 0.01
"""A worker that stood still for a larger share of a closed loop's window than this put stalls of
its own into the 99th percentile. In an open loop they show as lag, and are judged by that."""


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """Self-observation of one worker over the measured window.

    ``cpu_ratio`` is CPU time over wall time (1 = a whole core); a stall is a turn of the event
    loop that came more than 5 ms late; ``in_flight_max`` is the most requests open at once;
    ``cap_wait_count`` how many waited for a connection; ``local_failure_count`` how many could
    not connect because this machine had no port, file or buffer left; ``clock`` what the sends
    were timed by; ``problem`` is empty unless the worker failed, and then says how.
    """

    worker: int
    cpu_ratio: float = 0.0
    stall_count: int = 0
    stall_max_ns: int = 0
    stall_total_ns: int = 0
    in_flight_max: int = 0
    cap_wait_count: int = 0
    connections_opened: int = 0
    local_failure_count: int = 0
    memory_max_bytes: int = 0
    clock: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """The generator's account of itself: one entry per worker."""

    workers: Sequence[WorkerHealth] = field(default_factory=tuple)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {"workers": [asdict(worker) for worker in self.workers]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Health:
        """What `to_dict` wrote."""
        return cls(tuple(WorkerHealth(**worker) for worker in data.get("workers", ())))


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, with the reason in plain words unless it is ``valid``."""

    verdict: Verdict
    reason: str | None = None


def judge(plan: Plan, samples: Samples, health: Health, *, interrupted: bool = False) -> Judgement:
    """Whether the measured window of a run says something about the service.

    ``invalid`` when a worker failed, nothing was measured, the machine ran out of ports or files,
    an open loop could not keep its schedule for reasons of its own, or a closed loop's worker
    stood still or was busy all the time.
    """
    measured = samples.measured
    problems = [f"worker {w.worker} {w.problem}" for w in health.workers if w.problem]
    if problems:
        return Judgement("invalid", "; ".join(problems))
    if interrupted:
        return Judgement(
            "interrupted",
            "stopped before its end: the numbers cover only the part that was measured",
        )
    if len(measured) == 0:
        return Judgement("invalid", "no request was measured")
    unable = sum(worker.local_failure_count for worker in health.workers)
    if unable:
        return Judgement(
            "invalid",
            f"{unable:,} connections could not be opened for lack of ports, files or buffers on"
            " the generator's own machine; use fewer connections, or raise its limits (ulimit -n)",
        )
    if isinstance(plan.load, ClosedLoop):
        return _judge_closed_loop(plan, measured, health)
    return _judge_open_loop(plan, measured)


def _judge_closed_loop(plan: Plan, measured: Samples, health: Health) -> Judgement:
    start_ns, end_ns = measured_window_ns(plan, measured)
    window_ns = end_ns - start_ns
    stalled = max(health.workers, key=lambda w: w.stall_total_ns, default=None)
    if stalled is not None and stalled.stall_total_ns > STALL_LIMIT_RATIO * window_ns:
        return Judgement(
            "invalid",
            f"the generator stalled: worker {stalled.worker} stood still for"
            f" {format_ns(stalled.stall_total_ns)} in all, {format_ns(stalled.stall_max_ns)} at"
            " the longest; leave a core free for each worker",
        )
    busiest = max(health.workers, key=lambda w: w.cpu_ratio, default=None)
    if busiest is not None and busiest.cpu_ratio > BUSY_RATIO:
        return Judgement(
            "invalid",
            f"the generator was the bottleneck: worker {busiest.worker} used"
            f" {busiest.cpu_ratio:.0%} of a core, so the service may be faster than this;"
            " use more workers, fewer connections or a constant rate",
        )
    return Judgement("valid")


def _judge_open_loop(plan: Plan, measured: Samples) -> Judgement:
    intended = plan.intended_count()
    if len(measured) != intended:
        return Judgement(
            "invalid",
            f"the schedule has {intended:,} requests and {len(measured):,} were recorded:"
            " this must not happen, please report it",
        )
    own = measured.lag_ns[(measured.column("flags") & Flag.CAP_WAIT) == 0]
    if len(own) == 0:
        return Judgement("valid")
    lag_p99 = exact_percentile(np.sort(own), 0.99)
    if lag_p99 > LAG_P99_LIMIT_NS:
        return Judgement(
            "invalid",
            f"the generator fell behind its schedule: 1 % of requests were sent more than"
            f" {format_ns(lag_p99)} late (limit {format_ns(LAG_P99_LIMIT_NS)});"
            " use more workers or a lower rate, and leave a core free for the generator",
        )
    return Judgement("valid")
