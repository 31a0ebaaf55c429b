"""Whether the numbers of a run can be trusted, and the window that they cover.

Every limit that decides a verdict is defined here. Circumstances to keep in mind, which do not make
the numbers wrong, are in `benchlab.runs.warnings`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchlab.plan.drivers import DRIVERS
from benchlab.plan.plan import Plan
from benchlab.runs.health import Health, ProblemKind, WorkerHealth
from benchlab.runs.host_record import HostRecord
from benchlab.samples.percentiles import percentile_by_group, percentile_of
from benchlab.samples.samples import ErrorKind, Flag, Samples
from benchlab.text import listed, plural
from benchlab.units import NS_PER_MS, NS_PER_S, format_ns, format_share

__all__ = [
    "BUSY_RATIO",
    "CAP_WAIT_LIMIT_RATIO",
    "HELD_RATIO",
    "LAG_P99_LIMIT_NS",
    "STALL_LIMIT_RATIO",
    "Verdict",
    "VerdictReason",
    "count_missing",
    "decide_verdict",
    "generator_fault",
    "held_rate",
    "measured_window_ns",
    "own_lag_p99_by_worker",
    "reached_request_count",
    "scheduled_samples",
    "without_cap_wait",
]

Verdict = Literal["valid", "invalid", "degraded", "interrupted", "imported"]

LAG_P99_LIMIT_NS = 10 * NS_PER_MS
"""An open loop whose own p99 lag exceeds this did not send the load it was asked for."""

BUSY_RATIO = 0.95
"""A worker that used more of its core than this was the bottleneck of a closed loop."""

HELD_RATIO = 0.8
"""What a worker uses of its core at the rate that a hint names: less than `BUSY_RATIO`, since the
cost of a request varies."""

STALL_LIMIT_RATIO = 0.01
"""A worker whose event loop stalled for a larger share of a closed loop's window than this put
its own stalls into the 99th percentile. In an open loop stalls show as lag. The loop of a worker
whose core is full is late because of what it does for its users: that is no stall."""

CAP_WAIT_LIMIT_RATIO = 0.01
"""When a larger share of an open loop's requests waited for a connection, the wait is in its 99th
percentile; if the worker's core was busy all the time, it may be the generator's fault."""


_LAG_NOT_OWN = Flag.CAP_WAIT | Flag.RETRY | Flag.HEDGE

_NOT_SENT = (ErrorKind.CONNECT, ErrorKind.TLS, ErrorKind.UNSENT)
"""Errors of requests that never left this machine."""

_HOSTS_NAMED, _WORKERS_NAMED = 5, 8  # in the reason for a cluster that lost some
_BLOCKING = "; in the scenario, await what takes time: time.sleep and requests block every user"

_HINTS: dict[ProblemKind, str] = {
    "disk_full": "make room, or set BENCHLAB_DATA_DIR to a directory on a larger disk",
    "disk_failed": "set BENCHLAB_DATA_DIR to a directory on a disk that can be written",
    "lost": "fetch what its disk still holds with benchlab recover --cluster, or measure again",
    "killed": "something ended the worker: look for the out-of-memory killer in the system's log",
    "failed": "this is a bug in benchlab: please report it with the message above",
    "": "this is a bug in benchlab: please report it with the message above",
}
"""What to do about a worker's problem, the most certain remedy first."""


@dataclass(frozen=True, slots=True)
class VerdictReason:
    """A verdict; unless it is ``valid``, its reason, and a hint at the remedy if one is known."""

    verdict: Verdict
    reason: str | None = None
    hint: str | None = None


def decide_verdict(
    plan: Plan,
    samples: Samples,
    health: Health,
    *,
    interrupted: bool = False,
    stop_reason: str = "",
    hosts: Sequence[HostRecord] = (),
) -> VerdictReason:
    """Decide whether the measured window of a run describes the service.

    ``invalid`` if a worker failed, nothing was measured or sent, a request has no record, the
    machine ran out of ports or files, an open loop fell behind its schedule through its own fault,
    or a closed loop's worker stalled or was CPU-bound. ``degraded`` if a cluster lost workers: what
    the others measured is whole. ``imported`` if another tool made the load.
    """
    if plan.load.is_imported:
        return VerdictReason(
            "imported",
            f"imported from {plan.load.source}: that tool does not report on its own load"
            " generator, which may have been the bottleneck",
            "to measure what users feel, repeat it with benchlab run at a rate",
        )
    measured = samples.measured
    problems = _lost_workers(measured, health, hosts) or _problems(health)
    if interrupted and hosts and len(_lost(health)) == len(health.workers):
        problems = None  # its parent was lost, and so the others ended too
    if problems is not None:
        return problems
    if interrupted:
        return VerdictReason(
            "interrupted",
            f"{stop_reason + ';' if stop_reason else 'stopped before its end:'} the numbers cover"
            " only the part that was measured",
        )
    if len(measured) == 0:
        return VerdictReason(
            "invalid", "no request was measured", "measure for longer, or at a higher rate"
        )
    unable = _out_of_ports(health)
    if unable is not None:
        return unable
    errors = measured.errors
    if sum(errors.get(kind.label, 0) for kind in _NOT_SENT) == len(measured):
        return VerdictReason(
            "invalid",
            f"no request was sent: all of them failed before ({', '.join(errors)}), so nothing of"
            " the service was measured",
            "see the examples of the errors, and try one request by hand",
        )
    missing = count_missing(samples, plan.workers)
    if missing:
        return VerdictReason(
            "invalid",
            f"{plural(missing, plan.sample_noun)} without exactly one record",
            "this is a bug in benchlab: please report it",
        )
    if not plan.load.has_schedule:
        return _closed_loop_verdict(plan, measured, health)
    return _open_loop_verdict(plan, measured, health)


def count_missing(samples: Samples, workers: int) -> int:
    """Count the requests that do not have exactly one record: 0 unless benchlab has a bug.

    Worker w of n numbers its requests w, w + n, w + 2n, … as it starts them, so a gap below its
    highest number is a request that was started and not recorded.
    """
    last = np.full(workers, -1)  # requests that each worker started, less one
    different, before = 0, -1
    blocks = samples.in_blocks("seq") if samples.in_order else [np.sort(samples.column("seq"))]
    for seqs in blocks:
        different += int(np.count_nonzero(np.diff(seqs, prepend=before)))
        before = int(seqs[-1])
        np.maximum.at(last, seqs % workers, seqs // workers)
    return int((last + 1).sum()) - different + len(samples) - different


def without_cap_wait(samples: Samples) -> Samples:
    """Requests whose lag is the generator's own: they did not wait for a free connection.

    Nor were they tried before. Of a scenario only the first steps of iterations, since the schedule
    is per iteration.
    """
    samples = samples.iteration_starts or samples
    return samples.choose(lambda records: (records["flags"] & _LAG_NOT_OWN) == 0)


def own_lag_p99_by_worker(samples: Samples, workers: int) -> dict[int, int]:
    """The p99 of the lag that is each worker's own, as `without_cap_wait` of its samples has it.

    It takes as many passes over the samples for a thousand workers as for one.
    """
    has_first = np.zeros(workers, dtype=np.bool_)
    for seqs in samples.iteration_starts.in_blocks("seq"):
        has_first[seqs % workers] = True

    def is_own(records: NDArray[np.void]) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (records["flags"] & _LAG_NOT_OWN) == 0
        if has_first.any():
            is_first = (records["flags"] & Flag.FIRST_STEP) != 0
            found &= is_first | ~has_first[records["seq"] % workers]
        return found

    own = samples.choose(is_own)
    of_worker = own.in_blocks(lambda block: block.column("seq") % workers)
    found = percentile_by_group(of_worker, own.in_blocks("lag_ns"), workers, 0.99)
    return {worker: p99 for worker, p99 in enumerate(found) if p99 is not None}


def _closed_loop_verdict(plan: Plan, measured: Samples, health: Health) -> VerdictReason:
    start_ns, end_ns = measured_window_ns(plan, measured)
    window_ns = end_ns - start_ns
    busiest = _busiest(health)
    if busiest is not None:
        rate = held_rate(plan, measured, busiest)
        return VerdictReason(
            "invalid",
            f"the generator was the bottleneck: worker {busiest.worker} used"
            f" {busiest.cpu_ratio:.0%} of a core{_bottleneck_meaning(plan)}",
            f"use more workers, fewer connections or a constant rate of at most {rate}"
            f"{_cheaper(plan)}",
        )
    stalled = max(health.workers, key=lambda w: w.stall_total_ns, default=None)
    if stalled is not None and stalled.stall_total_ns > STALL_LIMIT_RATIO * window_ns:
        return VerdictReason(
            "invalid",
            f"the generator stalled: worker {stalled.worker} stood still for"
            f" {format_ns(stalled.stall_total_ns)} in total, at most"
            f" {format_ns(stalled.stall_max_ns)} at once",
            "leave a core free for each worker, and stop other programs on this machine"
            f"{'' if plan.scenario is None else _BLOCKING}",
        )
    return VerdictReason("valid")


def _open_loop_verdict(plan: Plan, measured: Samples, health: Health) -> VerdictReason:
    intended, scheduled = plan.intended_count(), f"{plan.scheduled_noun}s"
    measured = scheduled_samples(plan, measured)
    if len(measured) != intended:
        return VerdictReason(
            "invalid",
            f"the schedule has {intended:,} {scheduled} and {len(measured):,} were recorded",
            "this is a bug in benchlab: please report it",
        )
    return _sending_fault(plan, measured, health) or VerdictReason("valid")


def generator_fault(plan: Plan, samples: Samples, health: Health) -> VerdictReason | None:
    """Why the load of an open loop was not what was asked for, if the generator is to blame.

    It also holds for a run that was stopped early, whose verdict says only that.
    """
    problems = _problems(health)
    if problems is not None:
        return problems
    measured = scheduled_samples(plan, samples.measured)
    return _out_of_ports(health) or _sending_fault(plan, measured, health)


def _problems(health: Health) -> VerdictReason | None:
    problems = [w for w in health.workers if w.problem]
    if not problems:
        return None
    reason = "; ".join(f"worker {worker.worker} {worker.problem}" for worker in problems)
    kinds = {worker.problem_kind for worker in problems}
    return VerdictReason(
        "invalid", reason, next(hint for kind, hint in _HINTS.items() if kind in kinds)
    )


def _lost_workers(
    measured: Samples, health: Health, hosts: Sequence[HostRecord]
) -> VerdictReason | None:
    """Workers of a cluster that ended before they could report, if nothing worse happened."""
    lost, count = _lost(health), len(health.workers)
    if not hosts or not lost or (len(lost) == count and not len(measured)):
        return None
    were, them = ("was", "it") if len(lost) == 1 else ("were", "them")
    return VerdictReason(
        "degraded",
        f"{len(lost):,} of {plural(count, 'worker')} {were} lost, and with {them}"
        f" {format_share(len(lost) / count)} of the load, or what remained of it:"
        f" {listed(_lost_by_host(lost, hosts), _HOSTS_NAMED, '; ')}",
        _HINTS["lost"] if any(host.lost for host in hosts) else "measure again",
    )


def _lost_by_host(lost: Sequence[WorkerHealth], hosts: Sequence[HostRecord]) -> list[str]:
    """The lost workers of each host and why: ``workers 1, 3 on beta (killed)``."""
    where = {worker: host for host in hosts for worker in host.workers}
    found: dict[str, list[int]] = {}
    for each in lost:
        host = where.get(each.worker)
        at = "" if host is None else f" on {host.name} ({_why_lost(each, host)})"
        found.setdefault(at, []).append(each.worker)
    return [
        f"{'worker' if len(workers) == 1 else 'workers'} {listed(workers, _WORKERS_NAMED)}{at}"
        for at, workers in found.items()
    ]


def _lost(health: Health) -> list[WorkerHealth]:
    """The workers that ended before they could report; none if another failed."""
    problems = [worker for worker in health.workers if worker.problem]
    lost = [worker for worker in problems if worker.problem_kind in ("lost", "killed")]
    return lost if len(lost) == len(problems) else []


def _why_lost(worker: WorkerHealth, host: HostRecord) -> str:
    if host.lost:
        return host.lost
    if worker.problem_kind == "killed":
        return "killed"
    return worker.problem.removeprefix("was lost: ")


def _out_of_ports(health: Health) -> VerdictReason | None:
    unable = sum(worker.local_failure_count for worker in health.workers)
    if unable:
        return VerdictReason(
            "invalid",
            f"{plural(unable, 'connection')} could not be opened: this machine ran out of ports,"
            " files or buffers",
            "use fewer connections, or raise the limits (ulimit -n, net.ipv4.ip_local_port_range)",
        )
    return None


def _sending_fault(plan: Plan, measured: Samples, health: Health) -> VerdictReason | None:
    """Requests of an open loop that the generator sent too late, or may have."""
    scheduled = f"{plan.scheduled_noun}s"
    own = without_cap_wait(measured)
    busiest = _busiest(health)
    lag_p99 = percentile_of(own.in_blocks("lag_ns"), 0.99) or 0
    if lag_p99 > LAG_P99_LIMIT_NS:
        return VerdictReason(
            "invalid",
            f"the generator fell behind its schedule: 1 % of {scheduled} were sent more than"
            f" {format_ns(lag_p99)} late (limit {format_ns(LAG_P99_LIMIT_NS)})",
            f"use more workers or a lower rate{_cheaper(plan)}"
            if busiest is not None
            else "leave a core free for the generator, or use more workers or a lower rate",
        )
    held = measured.choose(lambda records: (records["flags"] & Flag.CAP_WAIT) != 0)
    waited = len(held) / max(len(measured), 1)
    if busiest is not None and waited > CAP_WAIT_LIMIT_RATIO:
        return VerdictReason(
            "invalid",
            f"the generator was the bottleneck: worker {busiest.worker} used"
            f" {busiest.cpu_ratio:.0%} of a core while {waited:.0%} of {scheduled} waited for a"
            " connection, so the generator may have caused the wait",
            "use more workers or a lower rate, or find the maximum with a closed loop"
            f"{_cheaper(plan)}",
        )
    return None


def held_rate(plan: Plan, measured: Samples, busiest: WorkerHealth) -> str:
    """The rate at which the plan's busiest worker would not fill its core.

    It follows from the CPU time that this run took per request: two digits, rounded down.
    """
    start_ns, end_ns = measured_window_ns(plan, measured)
    count = len(scheduled_samples(plan, measured))
    rate_rps = count * NS_PER_S / max(end_ns - start_ns, 1) * HELD_RATIO / busiest.cpu_ratio
    digit = 10.0 ** (math.floor(math.log10(rate_rps)) - 1) if rate_rps else 1.0
    return f"{math.floor(rate_rps / digit) * digit:,.10g} {plan.scheduled_noun}s/s"


def _bottleneck_meaning(plan: Plan) -> str:
    if plan.scenario is None:
        return ", so the service may be faster than this"
    return (
        " for its users: the rate is what this worker can do and not what the service can, and"
        " response times include the wait for that core (Locust warns of it as high CPU usage)"
    )


def _busiest(health: Health) -> WorkerHealth | None:
    """The worker with the highest CPU share, if it was above `BUSY_RATIO`."""
    busiest = max(health.workers, key=lambda w: w.cpu_ratio, default=None)
    return busiest if busiest is not None and busiest.cpu_ratio > BUSY_RATIO else None


def _cheaper(plan: Plan) -> str:
    driver = DRIVERS[plan.driver].cheaper
    return f"; the {driver} driver costs a fraction of the CPU" if driver else ""


def measured_window_ns(
    plan: Plan, samples: Samples, stopped_ns: int | None = None
) -> tuple[int, int]:
    """Start and end of the measured window, in ns from the start of the run.

    It ends as planned, or when the run was stopped; in a closed loop with a ``request_count``, with
    the response to the last of these requests.
    """
    start_ns, end_ns = plan.warmup_ns, plan.end_ns
    if not plan.load.has_schedule and reached_request_count(plan, samples):
        end_ns = min(end_ns, max(int(done.max()) for done in samples.measured.in_blocks("done_ns")))
    elif stopped_ns is not None:
        end_ns = min(end_ns, stopped_ns)
    return start_ns, max(start_ns, end_ns)


def reached_request_count(plan: Plan, samples: Samples) -> bool:
    """Whether the plan has a ``request_count`` and that many requests, or iterations, were made."""
    if plan.request_count is None:
        return False
    return len(scheduled_samples(plan, samples.measured)) >= plan.request_count


def scheduled_samples(plan: Plan, samples: Samples) -> Samples:
    """The samples that the load itself made: all, or the first steps of a scenario's iterations."""
    return samples if plan.scenario is None else samples.iteration_starts
