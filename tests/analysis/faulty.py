"""Runs of a simulated service with faults of known time, length and depth."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchlab.plan.faults import Fault
from benchlab.plan.shapes import LoadShape
from benchlab.runs.fault_record import FaultRecord
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Samples
from benchlab.units import NS_PER_S, seconds_to_ns
from tests.runs.synthetic import make_run

__all__ = ["Queue", "faulty_run", "record", "with_latencies"]


def record(start_s: float, length_s: float | None, *, number: int = 0) -> FaultRecord:
    """A fault from ``start_s`` after the start of the run on."""
    end_ns = None if length_s is None else seconds_to_ns(start_s + length_s)
    lasts = "" if length_s is None else f" for {length_s:g}s"
    text = f"latency 200ms at {start_s:g}s{lasts}"
    return FaultRecord(number, text, "latency", seconds_to_ns(start_s), end_ns)


def with_latencies(
    times_s: NDArray[np.float64],
    latency_s: NDArray[np.float64],
    failed: NDArray[np.bool_] | None = None,
    *,
    faults: Sequence[FaultRecord],
    duration_s: float,
    warmup_s: float = 0.0,
    load: LoadShape | None = None,
) -> Run:
    """A run of requests with these intended times and latencies."""
    rate_rps = len(times_s) / duration_s
    run = make_run(
        rate_rps=rate_rps, count=len(times_s), duration_s=duration_s, warmup_s=warmup_s, load=load
    )
    records = run.samples.records.copy()
    records["intended_ns"] = records["sent_ns"] = np.round(times_s * NS_PER_S)
    records["done_ns"] = records["intended_ns"] + np.round(latency_s * NS_PER_S).astype(np.int64)
    records["first_byte_ns"] = records["done_ns"]
    records["flags"] = records["intended_ns"] < seconds_to_ns(warmup_s)
    if failed is not None:
        records["error"][failed], records["status"][failed] = ErrorKind.STATUS, 503
    planned = [Fault.parse(each.fault) for each in faults]
    return replace(
        run,
        plan=run.plan.replace(faults=planned),
        samples=Samples(records, run.samples.endpoints),
        faults=tuple(faults),
    )


def faulty_run(
    seed: int,
    *,
    rate_rps: float = 500.0,
    duration_s: float = 30.0,
    warmup_s: float = 0.0,
    faults: Sequence[tuple[float, float]] = ((10.0, 5.0),),
    depth: float = 1.0,
    usual: float = 0.002,
    errors: bool = False,
) -> Run:
    """Requests at random times; of those during a fault the share ``depth`` is slow (or fails).

    Of the others the share ``usual`` is slow as well.
    """
    drawn = np.random.default_rng(seed)
    count = int(rate_rps * duration_s)
    times_s = np.sort(drawn.random(count)) * duration_s
    latency_s = 0.004 * drawn.lognormal(0, 0.4, count)
    bad = drawn.random(count) < usual
    for start_s, length_s in faults:
        inside = (times_s >= start_s) & (times_s < start_s + length_s)
        bad |= inside & (drawn.random(count) < depth)
    if not errors:
        latency_s[bad] += 0.2
    records = [record(*fault, number=number) for number, fault in enumerate(faults)]
    return with_latencies(
        times_s,
        latency_s,
        bad if errors else None,
        faults=records,
        duration_s=duration_s,
        warmup_s=warmup_s,
    )


@dataclass
class Queue:
    """A service that does one thing at a time, for users who give up and try again.

    A request whose response takes longer than ``timeout_s`` fails, and is sent again up to
    ``retries`` times; the service does not know, and works on what nobody waits for.
    """

    seed: int
    rate_rps: float = 700.0
    capacity_rps: float = 1000.0
    retries: int = 0
    timeout_s: float = 0.5

    def run(self, start_s: float, length_s: float, duration_s: float) -> Run:
        """A run during which the service stands still for ``length_s``."""
        drawn = np.random.default_rng(self.seed)
        count = int(self.rate_rps * duration_s)
        times_s = np.sort(drawn.random(count)) * duration_s
        took_s = drawn.gamma(4, 1 / 4 / self.capacity_rps, count * (self.retries + 1)).tolist()
        latency_s = np.zeros(count)
        failed = np.zeros(count, dtype=np.bool_)
        waiting = [(at_s, number, 0) for number, at_s in enumerate(times_s.tolist())]
        free_s = 0.0
        first_s = times_s.tolist()
        while waiting:
            at_s, number, tried = heapq.heappop(waiting)
            begin_s = max(at_s, free_s)
            if start_s <= begin_s < start_s + length_s:
                begin_s = start_s + length_s
            free_s = begin_s + took_s.pop()
            if free_s - at_s <= self.timeout_s:
                latency_s[number] = free_s - first_s[number] + 0.001
            elif tried < self.retries:
                heapq.heappush(waiting, (at_s + self.timeout_s, number, tried + 1))
            else:
                latency_s[number] = at_s + self.timeout_s - first_s[number]
                failed[number] = True
        faults = [record(start_s, length_s)]
        return with_latencies(times_s, latency_s, failed, faults=faults, duration_s=duration_s)
