"""How much of a run's tail a cause accounts for in truth: what the service added to each request.

A trial counts only if the cause is responsible for at least `LEAST_RATIO` of the p99, both ways:
the p99 without what was added is smaller by that share, and what was added is that share of the
latency of the requests at or above the p99. A failed request counts as slower than any: errors
account for the p99 if more than 1 % of the requests failed by them.

Of the target nothing is known of single requests: what it takes beyond ``high_ms``, the p99 that it
would have alone, was added; by a slow instance only if that is as much as the instance adds. What a
proxy or a signal to the process added is what the service itself did not take.

Of two causes, each must be so strong in both ways: the p99 counts that the service would have with
this one alone, and what it added to the requests above the p99 that there is with both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.units import NS_PER_MS
from tests.trials.corpus import Truth

__all__ = ["LEAST_RATIO", "is_counted", "strengths"]

LEAST_RATIO = 0.2

_TAIL = 0.99
_FEW = 0.01


def strengths(run: Run, trial: dict[str, Any], truth: Truth) -> list[dict[str, float]]:
    """For each cause, ``alone_ratio`` of the p99 and ``tail_ratio`` of the requests above it."""
    records = run.measured.records
    records = records[np.argsort(records["seq"], kind="stable")]
    latency = (records["done_ns"] - records["intended_ns"]).astype(np.float64)
    is_failed = records["error"] != ErrorKind.OK
    added = [
        _added(run, trial, truth, records, number, cause)
        for number, cause in enumerate(trial["causes"])
    ]
    added = [np.minimum(part, latency) for part in added]
    found = []
    for cause, part in zip(trial["causes"], added, strict=True):
        if cause == "errors":
            ratio = float(np.mean(is_failed))
            found.append({"alone_ratio": float(ratio > _FEW), "tail_ratio": float(ratio > _FEW)})
            continue
        good = ~is_failed
        rest = np.maximum(latency - np.sum(added, axis=0), 0)[good]
        alone = rest + part[good]
        with_it, without = np.quantile(alone, _TAIL), np.quantile(rest, _TAIL)
        tail = good & (latency >= np.quantile(latency[good], _TAIL))
        found.append(
            {
                "alone_ratio": float((with_it - without) / with_it) if with_it else 0.0,
                "tail_ratio": float(part[tail].sum() / latency[tail].sum()),
            }
        )
    return found


def is_counted(found: list[dict[str, float]]) -> bool:
    """Whether every cause is as strong as the trials demand."""
    return all(min(item["alone_ratio"], item["tail_ratio"]) >= LEAST_RATIO for item in found)


def _added(
    run: Run,
    trial: dict[str, Any],
    truth: Truth,
    records: NDArray[np.void],
    number: int,
    cause: str,
) -> NDArray[np.float64]:
    """What a cause added to the latency of each request, in ns."""
    latency = (records["done_ns"] - records["intended_ns"]).astype(np.float64)
    if cause == "connection_cap":
        lag: NDArray[np.float64] = (records["sent_ns"] - records["intended_ns"]).astype(np.float64)
        lag[(records["flags"] & Flag.CAP_WAIT) == 0] = 0
        return lag
    if trial.get("place") == "target":
        high_ns = trial["service"]["high_ms"] * NS_PER_MS
        slower: NDArray[np.float64] = np.maximum(latency - high_ns, 0.0)
        for fault in trial["service"]["faults"]:
            # A quicker request was not on the slow instance; it may be that none was.
            slower[latency < fault["body"].get("slow_ms", 0.0) * NS_PER_MS] = 0
        return slower
    if cause in {"generator", "noise"} or trial.get("place") == "proxy":
        beyond: NDArray[np.float64] = np.maximum(latency - _of(truth, "own_ns", records), 0.0)
        return beyond
    name = "first_ns" if number == 0 else "second_ns"
    added = _of(truth, name, records)
    if trial["service"].get("handshake_cause") == number:
        connections = run.connections.records
        spent = connections["dns_ns"] + connections["connect_ns"] + connections["tls_ns"]
        at = np.searchsorted(records["seq"], connections["seq"])
        at = np.minimum(at, len(records) - 1)
        is_here = records["seq"][at] == connections["seq"]
        np.add.at(added, at[is_here], spent[is_here].astype(np.float64))
    for which, start, end in truth["pauses"]:
        if which == number:
            begun = np.maximum(records["intended_ns"], start - run.started_at_ns)
            ended = np.minimum(records["done_ns"], end - run.started_at_ns)
            added += np.maximum(ended - begun, 0)
    return added


def _of(truth: Truth, name: str, records: NDArray[np.void]) -> NDArray[np.float64]:
    """A column of the truth for each record; 0 where the service never saw the request."""
    if not len(truth["seq"]):
        return np.zeros(len(records))
    at = np.minimum(np.searchsorted(truth["seq"], records["seq"]), len(truth["seq"]) - 1)
    return np.where(truth["seq"][at] == records["seq"], truth[name][at], 0).astype(np.float64)
