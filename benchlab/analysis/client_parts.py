"""The parts of the latencies of a run that is not stored: as much as the client knows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchlab.runs.latency_parts import (
    CLASS_RATIOS,
    ENOUGH_IN_TAIL,
    AttributeCount,
    LatencyClass,
    LatencyParts,
    PartSum,
    attributes_of_request,
)
from benchlab.runs.run import Run
from benchlab.samples.percentiles import Extent, exact_percentiles
from benchlab.samples.samples import Flag, Samples
from benchlab.statistics.batch_means import BATCHES, batch_of, effective_count

__all__ = ["client_parts"]

_OPENING = ("dns", "connect", "tls")


def client_parts(run: Run, endpoint: str | None = None, *, force: bool = False) -> LatencyParts:
    """Count the parts of the measured requests of ``run``, of one endpoint or of all.

    They are those of `Store.latency_parts` for a run without spans; in bounded memory.

    Raises:
        InvalidRunError: the run is not valid, unless ``force``.
        InputError: the run has no such endpoint.
    """
    if not force and not run.is_imported:
        run.require_valid()
    measured = run.measured if endpoint is None else run.measured.endpoint(endpoint)
    latencies = measured.in_blocks("latency_ns")
    extent = Extent.of(latencies)
    classes = [LatencyClass() for _ in range(len(CLASS_RATIOS) + 1)]
    found = LatencyParts(
        run_id=run.id,
        name=run.name,
        endpoint=endpoint,
        trace_ratio=run.plan.trace_ratio,
        classes=tuple(classes),
        thresholds_ns=(),
        cause="The run is not stored, so it cannot be joined with spans."
        if run.plan.trace_ratio
        else "",
    )
    if extent is None:
        return found
    thresholds = exact_percentiles(latencies, extent, list(CLASS_RATIOS))
    opened = _Opened(run)
    for block in measured.blocks():
        number = np.searchsorted(thresholds, block.latency_ns, side="left")
        parts = _parts_of(block, opened)
        for each in np.unique(number).tolist():
            chosen = number == each
            latency_ns = int(block.latency_ns[chosen].sum())
            count = int(np.count_nonzero(chosen))
            sums = {
                key: PartSum(int(values[chosen].sum()), int(np.count_nonzero(values[chosen] > 0)))
                for key, values in parts.items()
            }
            sums = {key: part for key, part in sums.items() if part.sum_ns}
            classes[each] += LatencyClass(count, latency_ns, count, latency_ns, sums=sums)
    found = replace(found, classes=tuple(classes), thresholds_ns=tuple(thresholds))
    return _with_attributes(run, measured, found)


class _Opened:
    """How long it took to open the connections of requests, by ``seq``."""

    def __init__(self, run: Run) -> None:
        records = run.connections.records
        records = records[np.argsort(records["start_ns"], kind="stable")]
        records = records[records["seq"] >= 0]
        self.seqs, which = np.unique(records["seq"], return_inverse=True)
        self.phases = np.zeros((len(_OPENING), len(self.seqs)), dtype=np.int64)
        for row, name in zip(self.phases, _OPENING, strict=True):
            np.add.at(row, which, records[f"{name}_ns"])
        self.failed = np.zeros(len(self.seqs), dtype=np.bool_)
        self.failed[which] = records["error"] != 0  # the last attempt counts

    def of(self, seqs: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The phases of the requests, shape (3, requests), and whether opening failed."""
        if not len(self.seqs):
            return np.zeros((len(_OPENING), len(seqs)), dtype=np.int64), np.zeros(len(seqs), bool)
        at = np.minimum(np.searchsorted(self.seqs, seqs), len(self.seqs) - 1)
        known = self.seqs[at] == seqs
        return np.where(known, self.phases[:, at], 0), known & self.failed[at]


def _parts_of(block: Samples, opened: _Opened) -> dict[str, NDArray[np.int64]]:
    """The parts of each request, which add up to its latency."""
    flags = block.column("flags")
    again = (flags & (Flag.RETRY | Flag.HEDGE)) != 0
    waited = ~again & ((flags & Flag.CAP_WAIT) != 0)
    is_new = (flags & Flag.NEW_CONNECTION) != 0
    responded = block.column("first_byte_ns") > 0
    parts = {
        "earlier_tries": np.where(again, block.lag_ns, 0),
        "lag": np.where(again | waited, 0, block.lag_ns),
        "connection_wait": np.where(waited, block.lag_ns, 0),
    }
    phases, failed = opened.of(block.column("seq"))
    left = block.service_ns.copy()
    for name, phase in zip(_OPENING, phases, strict=True):
        took = np.minimum(np.maximum(phase, 0), np.maximum(left, 0))
        if name == "connect":
            took = np.where(failed & ~responded, left, took)
        parts[name] = np.where(is_new, took, 0)
        left -= parts[name]
    body = block.column("done_ns") - block.column("first_byte_ns")
    parts["body"] = np.where(responded, np.minimum(np.maximum(body, 0), np.maximum(left, 0)), 0)
    parts["first_byte"] = left - parts["body"]
    return parts


def _with_attributes(run: Run, measured: Samples, found: LatencyParts) -> LatencyParts:
    """The counts with those of attributes: endpoint, target, connection, status, result, size."""
    above_p99 = sum(each.count for each in found.classes[CLASS_RATIOS.index(0.99) + 1 :])
    tail_ratio = 0.99 if above_p99 >= ENOUGH_IN_TAIL else 0.9
    thresholds = found.thresholds_ns
    tail_ns = thresholds[CLASS_RATIOS.index(tail_ratio)]
    low_ns, high_ns = thresholds[0], thresholds[2]
    counts: dict[bool, Counter[tuple[str, str]]] = {True: Counter(), False: Counter()}
    over_time = np.zeros((3, BATCHES), dtype=np.int64)
    for block in measured.blocks():
        latency_ns = block.latency_ns
        batch = batch_of(block.column("intended_ns"), *run.window_ns)
        sides = (np.ones(len(block), bool), latency_ns < tail_ns, latency_ns > tail_ns)
        over_time += [np.bincount(batch[side], minlength=BATCHES) for side in sides]
        middle = (latency_ns > low_ns) & (latency_ns <= high_ns)
        for is_tail, chosen in ((True, sides[2]), (False, middle)):
            _count(run, block.where(chosen), counts[is_tail])
    independent = effective_count(*over_time)
    return replace(
        found,
        attributes=tuple(
            AttributeCount(*pair, False, counts[True][pair], counts[False][pair])
            for pair in dict.fromkeys([*counts[True], *counts[False]])
        ),
        tail_ratio=tail_ratio,
        tail_count=_held(counts[True]),
        middle_count=_held(counts[False]),
        effective_ratio=(independent or 0.0) / len(measured),
    )


def _held(counts: Counter[tuple[str, str]]) -> int:
    """The number of requests: each has one value of ``connection``."""
    return counts["connection", "new"] + counts["connection", "reused"]


def _count(run: Run, chosen: Samples, into: Counter[tuple[str, str]]) -> None:
    size = np.zeros(len(chosen), dtype=np.int64)
    has_bytes = chosen.column("bytes_in") > 0
    size[has_bytes] = np.floor(np.log2(chosen.column("bytes_in")[has_bytes])).astype(np.int64) + 1
    is_new = (chosen.column("flags") & Flag.NEW_CONNECTION) != 0
    rows = np.stack(
        [chosen.column("endpoint"), is_new, chosen.column("status"), chosen.column("error"), size]
    ).astype(np.int64)
    values, numbers = np.unique(rows, axis=1, return_counts=True)
    for row, number in zip(values.T.tolist(), numbers.tolist(), strict=True):
        for pair in attributes_of_request(run.plan, *row):
            into[pair] += number
