"""What the generator says about itself, and whether its numbers may be believed.

The limits of every verdict stand here. What only calls for care is in `benchlab.runs.warnings`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from benchlab.plan.plan import Plan
from benchlab.plan.shapes import ClosedLoop
from benchlab.runs.window import measured_window_ns
from benchlab.samples.percentiles import percentile_of
from benchlab.samples.samples import Flag, Samples
from benchlab.units import NS_PER_MS, format_ns

__all__ = [
    "BUSY_RATIO",
    "CAP_WAIT_LIMIT_RATIO",
    "LAG_P99_LIMIT_NS",
    "STALL_LIMIT_RATIO",
    "Health",
    "Judgement",
    "ProblemKind",
    "Verdict",
    "WorkerHealth",
    "count_dropped",
    "judge",
    "unhindered",
]

Verdict = Literal["valid", "invalid", "interrupted", "imported"]

ProblemKind = Literal["", "disk_full", "disk_failed", "killed", "failed"]
"""What became of a worker: its disk was full or could not be written, it ended without an account
of itself, or its own code failed."""

LAG_P99_LIMIT_NS = 10 * NS_PER_MS
"""An open loop whose own p99 lag exceeds this did not send the load it was asked for."""

BUSY_RATIO = 0.95
"""A worker that used more of its core than this was the bottleneck of a closed loop."""

STALL_LIMIT_RATIO = 0.01
"""A worker that stood still for a larger share of a closed loop's window than this put stalls of
its own into the 99th percentile. In an open loop they show as lag, and are judged by that."""


CAP_WAIT_LIMIT_RATIO = 0.01
"""When a larger share of an open loop's requests waited for a connection, the wait is in its 99th
percentile; if the worker's core was busy all the time, it may be the generator's fault."""


_HINTS: dict[ProblemKind, str] = {
    "disk_full": "make room, or set BENCHLAB_DATA_DIR to a directory on a larger disk",
    "disk_failed": "set BENCHLAB_DATA_DIR to a directory on a disk that can be written",
    "killed": "something ended the worker: look for the out-of-memory killer in the system's log",
    "failed": "a worker must not fail: please report it with the words above",
    "": "a worker must not fail: please report it with the words above",
}
"""What to do about a worker's problem, the most certain remedy first."""


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """Self-observation of one worker over the measured window.

    ``cpu_ratio`` is CPU time over wall time (1 = a whole core); a stall is a turn of the event
    loop that came more than 5 ms late; ``in_flight_max`` is the most requests open at once;
    ``cap_wait_count`` how many waited for a connection; ``local_failure_count`` how many could
    not connect because this machine had no port, file or buffer left; ``clock`` what the sends
    were timed by; ``servers`` the first few different ``Server`` headers of the answers;
    ``problem`` is empty unless the worker failed, and then says how; ``problem_kind`` is what a
    program knows it by.
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
    problem_kind: ProblemKind = ""
    servers: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "servers", tuple(self.servers))


@dataclass(frozen=True, slots=True)
class Health:
    """The generator's account of itself: one entry per worker.

    ``imported_from`` names the tool whose results these are; it gave no account of itself.
    """

    workers: Sequence[WorkerHealth] = field(default_factory=tuple)
    imported_from: str = ""

    @property
    def servers(self) -> list[str]:
        """What the answers' ``Server`` headers said, each once."""
        return list(dict.fromkeys(name for worker in self.workers for name in worker.servers))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        data: dict[str, Any] = {"workers": [asdict(worker) for worker in self.workers]}
        return {**data, "imported_from": self.imported_from} if self.imported_from else data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Health:
        """What `to_dict` wrote."""
        workers = tuple(WorkerHealth(**worker) for worker in data.get("workers", ()))
        return cls(workers, imported_from=data.get("imported_from", ""))


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict; unless it is ``valid``, the reason in plain words, and a hint at the remedy where
    there is one."""

    verdict: Verdict
    reason: str | None = None
    hint: str | None = None


def judge(
    plan: Plan,
    samples: Samples,
    health: Health,
    *,
    interrupted: bool = False,
    stop_reason: str = "",
) -> Judgement:
    """Whether the measured window of a run says something about the service.

    ``invalid`` when a worker failed, nothing was measured, a request has no record, the machine ran
    out of ports or files, an open loop could not keep its schedule for reasons of its own, or a
    closed loop's worker stood still or was busy all the time. ``imported`` when another
    tool made the load.
    """
    if health.imported_from:
        return Judgement(
            "imported",
            f"imported from {health.imported_from}: its generator did not account for itself,"
            " so nothing tells whether it was the bottleneck",
            "to know what users feel, measure again with benchlab run at a rate",
        )
    measured = samples.measured
    problems = [w for w in health.workers if w.problem]
    if problems:
        reason = "; ".join(f"worker {worker.worker} {worker.problem}" for worker in problems)
        kinds = {worker.problem_kind for worker in problems}
        return Judgement(
            "invalid", reason, next(hint for kind, hint in _HINTS.items() if kind in kinds)
        )
    if interrupted:
        return Judgement(
            "interrupted",
            f"{stop_reason + ';' if stop_reason else 'stopped before its end:'} the numbers cover"
            " only the part that was measured",
        )
    if len(measured) == 0:
        return Judgement(
            "invalid", "no request was measured", "measure for longer, or at a higher rate"
        )
    unable = sum(worker.local_failure_count for worker in health.workers)
    if unable:
        return Judgement(
            "invalid",
            f"{unable:,} connections could not be opened for lack of ports, files or buffers on"
            " the generator's own machine",
            "use fewer connections, or raise its limits (ulimit -n, net.ipv4.ip_local_port_range)",
        )
    dropped = count_dropped(samples, plan.workers)
    if dropped:
        return Judgement(
            "invalid",
            f"{dropped:,} requests have no record, or more than one",
            "this must not happen: please report it",
        )
    if isinstance(plan.load, ClosedLoop):
        return _judge_closed_loop(plan, measured, health)
    return _judge_open_loop(plan, measured, health)


def count_dropped(samples: Samples, workers: int) -> int:
    """How many requests lack their one record: 0, by construction.

    Worker w of n numbers its requests w, w + n, w + 2n, … as it takes them up. Each number that is
    missing below its last is a request that was taken up and not recorded.
    """
    last = np.full(workers, -1)  # how many numbers each worker took up, less one
    different, before = 0, -1
    blocks = samples.in_blocks("seq") if samples.in_order else [np.sort(samples.column("seq"))]
    for seqs in blocks:
        different += int(np.count_nonzero(np.diff(seqs, prepend=before)))
        before = int(seqs[-1])
        np.maximum.at(last, seqs % workers, seqs // workers)
    return int((last + 1).sum()) - different + len(samples) - different


def unhindered(samples: Samples) -> Samples:
    """Requests for whose lag the generator alone is to blame: those that waited for no connection.

    Of a scenario it is its iterations: only their beginnings have a schedule.
    """
    samples = samples.beginning or samples
    return samples.choose(lambda records: (records["flags"] & Flag.CAP_WAIT) == 0)


def _judge_closed_loop(plan: Plan, measured: Samples, health: Health) -> Judgement:
    start_ns, end_ns = measured_window_ns(plan, measured)
    window_ns = end_ns - start_ns
    stalled = max(health.workers, key=lambda w: w.stall_total_ns, default=None)
    if stalled is not None and stalled.stall_total_ns > STALL_LIMIT_RATIO * window_ns:
        return Judgement(
            "invalid",
            f"the generator stalled: worker {stalled.worker} stood still for"
            f" {format_ns(stalled.stall_total_ns)} in all, {format_ns(stalled.stall_max_ns)} at"
            " the longest",
            "leave a core free for each worker, and end what else runs on this machine",
        )
    busiest = _busiest(health)
    if busiest is not None:
        return Judgement(
            "invalid",
            f"the generator was the bottleneck: worker {busiest.worker} used"
            f" {busiest.cpu_ratio:.0%} of a core, so the service may be faster than this",
            f"use more workers, fewer connections or a constant rate{_cheaper(plan)}",
        )
    return Judgement("valid")


def _judge_open_loop(plan: Plan, measured: Samples, health: Health) -> Judgement:
    intended = plan.intended_count()
    scheduled = "requests" if plan.scenario is None else "iterations"
    if plan.scenario is not None:
        measured = measured.beginning
    if len(measured) != intended:
        return Judgement(
            "invalid",
            f"the schedule has {intended:,} {scheduled} and {len(measured):,} were recorded",
            "this must not happen: please report it",
        )
    own = unhindered(measured)
    busiest = _busiest(health)
    lag_p99 = percentile_of(own.in_blocks("lag_ns"), 0.99) or 0
    if lag_p99 > LAG_P99_LIMIT_NS:
        return Judgement(
            "invalid",
            f"the generator fell behind its schedule: 1 % of requests were sent more than"
            f" {format_ns(lag_p99)} late (limit {format_ns(LAG_P99_LIMIT_NS)})",
            f"use more workers or a lower rate{_cheaper(plan)}"
            if busiest is not None
            else "leave a core free for the generator, or use more workers or a lower rate",
        )
    waited = 1 - len(own) / len(measured)
    if busiest is not None and waited > CAP_WAIT_LIMIT_RATIO:
        return Judgement(
            "invalid",
            f"the generator was the bottleneck: worker {busiest.worker} used"
            f" {busiest.cpu_ratio:.0%} of a core while {waited:.0%} of requests waited for a"
            " connection, so the wait may be its own",
            f"use more workers, a lower rate, or a closed loop to find the most{_cheaper(plan)}",
        )
    return Judgement("valid")


def _busiest(health: Health) -> WorkerHealth | None:
    """The worker that used most of its core, if that was all of it."""
    busiest = max(health.workers, key=lambda w: w.cpu_ratio, default=None)
    return busiest if busiest is not None and busiest.cpu_ratio > BUSY_RATIO else None


def _cheaper(plan: Plan) -> str:
    return "; the http driver costs a fraction of the CPU" if plan.driver == "httpx" else ""
