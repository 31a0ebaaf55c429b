"""Decide whether the run of a probe was good, and who gave way if it was not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.probe import Attained, Culprit, Kind, Probe, Requirement, attained, decide
from benchlab.runs.run import Run
from benchlab.runs.verdict import BUSY_RATIO, generator_fault, scheduled_samples, without_cap_wait
from benchlab.samples.percentiles import percentile_of
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.units import NS_PER_MS, NS_PER_S, format_ratio

__all__ = ["probe_of"]

_AT_ONCE_NS = NS_PER_MS
_BEYOND_LAG = 10
_STALL_SHARE = 0.5
"""Stalls of the generator for this part of the share that was outside may be what put it there."""

_NOT_IN_TIME = (ErrorKind.ABANDONED, ErrorKind.TIMEOUT, ErrorKind.GRPC_DEADLINE_EXCEEDED)


def probe_of(
    run: Run,
    requirements: Sequence[Requirement],
    rate_rps: float,
    kind: Kind = "narrow",
) -> Probe:
    """Decide the probe that ``run`` is, whatever its verdict.

    A run whose generator gave way says nothing about the service: it is undecided, and its culprit
    is the generator. So is one that broke the objective by the generator's own delay: its requests
    would have met it, counted from when they were sent. A run that the user stopped decides
    nothing; one that was stopped for a reason, as hopeless, does.
    """
    start_ns, end_ns = run.window_ns
    measured = run.measured
    due = run.plan.intended_count(end_ns) or 0
    missing = max(due - len(scheduled_samples(run.plan, measured)), 0)
    parts = [attained(item, measured, start_ns, end_ns, missing) for item in requirements]
    least = decide(parts)
    decision, probability = least.decision, least.probability
    reason = _generator_reason(run, least, start_ns, end_ns, missing)
    culprit: Culprit = "generator" if reason else "service" if probability < 0.5 else ""
    if run.verdict == "interrupted" and not run.stop_reason:
        decision, probability, culprit, reason = "undecided", 0.5, "", "stopped before its end"
    elif reason:
        decision, probability = "undecided", 0.5
    elif decision == "good" and run.verdict in ("invalid", "degraded"):
        decision, probability, culprit = "undecided", 0.5, "generator"
        reason = run.invalid_reason or ""
    elif decision == "bad":
        reason = (
            f"{least.requirement.objective}: {format_ratio(least.ratio)} within,"
            f" {format_ratio(least.requirement.ratio)} needed"
        )
    errors = measured.errors
    open_count = sum(errors.get(kind.label, 0) for kind in _NOT_IN_TIME)
    percentile = least.requirement.objective.ratio or 0.99
    succeeded = measured.succeeded
    return Probe(
        rate_rps=rate_rps,
        duration_s=(end_ns - start_ns) / NS_PER_S,
        attained_ratio=least.ratio if least.count else None,
        decision=decision,
        verdict=run.verdict,
        culprit=culprit,
        probability=probability,
        objective=str(least.requirement.objective),
        count=least.count,
        n_eff=least.n_eff,
        latency_ns=percentile_of(measured.in_blocks("latency_ns"), percentile),
        p50_ns=percentile_of(measured.in_blocks("latency_ns"), 0.5),
        service_ns=percentile_of(succeeded.in_blocks("service_ns"), 0.5),
        kind=kind,
        required_ratio=least.requirement.ratio,
        planned_s=run.plan.length_s,
        warmup_s=run.plan.warmup_s,
        random_arrivals=run.plan.load.arrivals == "poisson",
        is_drained=open_count == 0,
        reason=reason,
        run_id=run.id,
    )


def _generator_reason(
    run: Run, least: Attained, start_ns: int, end_ns: int, missing_count: int
) -> str:
    """Why the generator is behind what the probe shows; empty if the service is."""
    fault = generator_fault(run.plan, run.measured, run.health)
    if fault is not None:
        return "" if _is_slow_beyond_lag(run, least) else fault.reason or "the generator failed"
    if missing_count and run.stopped_ns is None:
        return run.invalid_reason or "requests have no record"
    if least.decision != "bad":
        return ""
    workers = run.health.workers
    busiest = max(workers, key=lambda worker: worker.cpu_ratio, default=None)
    if busiest is not None and busiest.cpu_ratio > BUSY_RATIO:
        return f"worker {busiest.worker} used {busiest.cpu_ratio:.0%} of a core"
    window_ns = max(end_ns - start_ns, 1)
    stalled = max((worker.stall_total_ns for worker in workers), default=0) / window_ns
    if stalled > _STALL_SHARE * (1 - least.ratio):
        return f"the generator stood still for {stalled:.1%} of the time"
    if least.requirement.objective.of != "latency":
        return ""
    return _own_delay(run, least, start_ns, end_ns)


def _own_delay(run: Run, least: Attained, start_ns: int, end_ns: int) -> str:
    """Why requests were outside although the service would have met the objective, else empty.

    Requests that were given up before the limit had passed since they were sent, as when a probe
    ends early, say nothing about the service. Those that still waited for a connection never left
    the generator.
    """
    required, limit_ns = least.requirement, least.requirement.limit_ns or 0

    def is_decided(records: NDArray[np.void]) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = ~_given_up(records) | (_service_ns(records) >= limit_ns)
        return found

    decided = run.measured.choose(is_decided)
    sent = attained(required, decided, start_ns, end_ns, of="service")
    if not sent.count or sent.ratio < required.ratio:
        return ""
    unsent = len(run.measured.choose(_never_sent))
    still_open = len(run.measured) - len(decided) - unsent
    in_time = attained(required, decided, start_ns, end_ns).ratio >= required.ratio
    if in_time and unsent <= still_open:
        return ""
    waited = unsent + sum(worker.cap_wait_count for worker in run.health.workers)
    own = "requests waited for one of its connections" if waited else "it sent requests late"
    return f"counted from when they were sent, requests met {required.objective}: {own}"


def _is_slow_beyond_lag(run: Run, least: Attained) -> bool:
    """Whether lateness alone is the generator's fault, and far too short to explain a bad probe.

    The service then took longer than the limit for half of the requests, counted from when they
    were sent, and many times as long as they were late.
    """
    limit_ns, workers = least.requirement.limit_ns, run.health.workers
    if least.decision != "bad" or limit_ns is None:
        return False
    if any(item.problem or item.local_failure_count for item in workers):
        return False
    if any(item.cpu_ratio > BUSY_RATIO for item in workers):
        return False
    own = without_cap_wait(scheduled_samples(run.plan, run.measured))
    lag_ns = percentile_of(own.in_blocks("lag_ns"), 0.99)
    service_ns = percentile_of(run.measured.succeeded.in_blocks("service_ns"), 0.5)
    if lag_ns is None or service_ns is None:
        return False
    return service_ns > max(limit_ns, _BEYOND_LAG * lag_ns)


def _given_up(records: NDArray[np.void]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = records["error"] == ErrorKind.ABANDONED
    return found


def _service_ns(records: NDArray[np.void]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = records["done_ns"] - records["sent_ns"]
    return found


def _never_sent(records: NDArray[np.void]) -> NDArray[np.bool_]:
    """Requests that were given up while they waited for a connection."""
    waiting = (records["flags"] & Flag.CAP_WAIT) != 0
    found: NDArray[np.bool_] = _given_up(records) & waiting & (_service_ns(records) < _AT_ONCE_NS)
    return found
