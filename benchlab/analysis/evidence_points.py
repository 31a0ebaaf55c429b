"""The points of the plots that show the evidence for causes, few enough to keep and to draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.causes.cause import Cause
from benchlab.runs.latency_parts import ENOUGH_IN_TAIL
from benchlab.runs.request_spans import RequestSpans
from benchlab.runs.run import Run
from benchlab.samples.percentiles import Extent, exact_percentile, exact_percentiles
from benchlab.samples.samples import ErrorKind, Flag, Samples
from benchlab.units import NS_PER_MS, NS_PER_S

__all__ = ["Counts", "EvidencePoints", "Pairs", "Scatter", "Tail", "evidence_points", "tail_of"]

_MOST_DRAWN = 200_000
"""Requests of which groups are made and others drawn; of more, every second or third is taken."""

_MOST_SLOW, _MOST_OTHERS = 120, 200
"""Points of a scatter: requests of the tail, and others."""

_MOST_NAMES = 8
_BINS = 120

Records = NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Tail:
    """What is slow in a run: the requests above ``low_ns``, the percentile at ``ratio``.

    It is the 99th percentile, or the 90th if fewer than 50 requests are above that one. ``count``
    of the ``run_count`` requests are in the tail; ``median_ns`` is of all of them.
    """

    ratio: float
    low_ns: int
    median_ns: int
    count: int
    run_count: int


@dataclass(frozen=True, slots=True, eq=False)
class Scatter:
    """A point per request, some of all; ``is_slow`` are those of the tail. Latencies in ms.

    ``failed`` are those that failed. ``x`` is what ``x_label`` says; ``by_size`` where that may
    span several orders of magnitude.
    """

    x_label: str
    x: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    is_slow: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    by_size: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """A histogram of the latencies of all requests: ``edges_ms`` grow by the same factor."""

    edges_ms: NDArray[np.float64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Two durations in ms for each name: a part of the latency, or ``of_groups`` of requests."""

    labels: tuple[str, str]
    names: tuple[str, ...]
    first_ms: tuple[float, ...]
    second_ms: tuple[float, ...]
    of_groups: bool = False


EvidencePoints: TypeAlias = Scatter | Counts | Pairs
"""What the plot of a cause is made of."""


def tail_of(samples: Samples) -> Tail | None:
    """The tail of the latencies of ``samples``; None without any."""
    latencies = samples.in_blocks("latency_ns")
    extent = Extent.of(latencies)
    if extent is None:
        return None
    median, p90, p99 = exact_percentiles(latencies, extent, [0.5, 0.9, 0.99])
    above = {
        low: sum(int(np.count_nonzero(each > low)) for each in latencies) for low in (p90, p99)
    }
    ratio, low = (0.99, p99) if above[p99] >= ENOUGH_IN_TAIL else (0.9, p90)
    return Tail(ratio, low, median, above[low], extent.count)


def evidence_points(
    run: Run, causes: Sequence[Cause], tail: Tail, spans: RequestSpans | None
) -> tuple[EvidencePoints, ...]:
    """The points for each of ``causes``, in bounded memory; `Cause.figure` says which."""
    if not causes:
        return ()
    drawn = _Drawn(run, tail, spans)
    return tuple(_FORMS.get(cause.figure, _over_time)(drawn) for cause in causes)


class _Drawn:
    """The requests of which the points are made."""

    def __init__(self, run: Run, tail: Tail, spans: RequestSpans | None) -> None:
        self.run, self.tail, self.spans = run, tail, spans
        every = -(-tail.run_count // _MOST_DRAWN)
        some, slow, start = [], [], 0
        slow_every = max(1, tail.count // _MOST_DRAWN)
        seen = 0
        for block in run.measured.blocks():
            some.append(block.records[-start % every :: every])
            start += len(block)
            above = block.records[block.latency_ns > tail.low_ns]
            slow.append(above[-seen % slow_every :: slow_every])
            seen += len(above)
        self.some, self.slow = np.concatenate(some), np.concatenate(slow)

    @property
    def points(self) -> tuple[Records, NDArray[np.bool_]]:
        """Some requests of the tail, and some others, in order; and which of them are the slow."""
        others = self.some[_latency_ns(self.some) <= self.tail.low_ns]
        chosen = [_evenly(self.slow, _MOST_SLOW), _evenly(others, _MOST_OTHERS)]
        is_slow = np.repeat([True, False], [len(each) for each in chosen])
        return np.concatenate(chosen), is_slow

    def scatter(
        self,
        x_label: str,
        x_of: Callable[[Records], NDArray[np.float64]],
        *,
        by_size: bool = False,
    ) -> Scatter:
        """Latency against a number of each request."""
        records, is_slow = self.points
        failed = records["error"] != ErrorKind.OK
        latency_ms = _latency_ns(records) / NS_PER_MS
        return Scatter(x_label, x_of(records), latency_ms, is_slow, failed, by_size)

    def is_middle(self, records: Records) -> NDArray[np.bool_]:
        """Whether requests are between the 40th and the 60th percentile, near the median."""
        low, high = np.quantile(_latency_ns(self.some), [0.4, 0.6])
        latency_ns = _latency_ns(records)
        found: NDArray[np.bool_] = (latency_ns >= low) & (latency_ns <= high)
        return found


def _latency_ns(records: Records) -> NDArray[np.int64]:
    found: NDArray[np.int64] = records["done_ns"] - records["intended_ns"]
    return found


def _evenly(records: Records, most: int) -> Records:
    if len(records) <= most:
        return records
    at = np.linspace(0, len(records) - 1, most).round().astype(int)
    at[len(at) // 2] = int(np.argmax(_latency_ns(records)))
    chosen: Records = records[np.unique(at)]
    return chosen


def _over_time(drawn: _Drawn) -> Scatter:
    return drawn.scatter("intended time (s)", lambda records: records["intended_ns"] / NS_PER_S)


def _against_size(drawn: _Drawn) -> Scatter:
    return drawn.scatter(
        "size of the response (bytes)",
        lambda records: np.maximum(records["bytes_in"], 1).astype(float),
        by_size=True,
    )


def _against_in_flight(drawn: _Drawn) -> Scatter:
    return drawn.scatter(
        "other requests in flight", lambda records: _in_flight_at(drawn.run, records)
    )


def _in_flight_at(run: Run, records: Records) -> NDArray[np.float64]:
    """How many other requests were in flight when each of a few was sent."""
    moments = np.unique(records["sent_ns"])
    counts = np.zeros(len(moments) + 1, dtype=np.int64)
    for block in run.samples.blocks():
        for name, sign in (("sent_ns", 1), ("done_ns", -1)):
            first = np.searchsorted(moments, block.column(name))
            counts += sign * np.bincount(first, minlength=len(counts))
    held = np.cumsum(counts)[np.searchsorted(moments, records["sent_ns"])]
    return np.maximum(held - 1, 0).astype(float)


def _histogram(drawn: _Drawn) -> Counts:
    latencies = drawn.run.measured.in_blocks("latency_ns")
    extent = Extent.of(latencies)
    assert extent is not None
    low, high = max(extent.low, 1_000), max(extent.high, 2_000)
    edges = np.geomspace(low, max(high, low * 1.1), _BINS + 1)
    counts = sum(np.histogram(np.maximum(each, low), edges)[0] for each in latencies)
    return Counts(edges / NS_PER_MS, np.asarray(counts, dtype=np.int64))


def _by_group(drawn: _Drawn) -> Pairs:
    """Median and 99th percentile by whatever tells slow requests best from others."""
    best = max(_groupings(drawn), key=lambda each: _lift(drawn, each[1]), default=None)
    if best is None:
        return _phases(drawn)
    names, numbers = best
    order = np.lexsort((_latency_ns(drawn.some), numbers))
    ordered_ns = _latency_ns(drawn.some)[order]
    ends = np.searchsorted(numbers[order], np.arange(len(names) + 1))
    rows = []
    for name, begin, end in zip(names, ends, ends[1:], strict=False):
        if begin < end:
            held = ordered_ns[begin:end]
            p50, p99 = (exact_percentile(held, ratio) / NS_PER_MS for ratio in (0.5, 0.99))
            rows.append((name, p50, p99))
    rows.sort(key=lambda row: -row[1])
    return replace(_pairs(("p50", "p99"), rows[:_MOST_NAMES]), of_groups=True)


def _groupings(drawn: _Drawn) -> list[tuple[list[str], NDArray[np.int64]]]:
    """Ways to tell the requests apart: the names of groups, and the group of each, -1 for none."""
    run, records = drawn.run, drawn.some
    codes = records["endpoint"].astype(np.int64)
    endpoints = list(run.samples.endpoints)
    plan = run.plan
    targets = [
        str(plan.requests[code].origin) if code < len(plan.requests) else ""
        for code in range(len(endpoints))
    ]
    is_new = (records["flags"] & Flag.NEW_CONNECTION) != 0
    found = [
        (["reused connection", "new connection"], is_new.astype(np.int64)),
        *(_named(names, codes) for names in (endpoints, targets) if names),
    ]
    if drawn.spans is not None and drawn.spans.instances:
        spans = drawn.spans
        at = np.minimum(np.searchsorted(spans.seq, records["seq"]), len(spans) - 1)
        known = spans.seq[at] == records["seq"]
        found.append((list(spans.instances), np.where(known, spans.instance[at], -1)))
    if "connection" in (records.dtype.names or ()):
        held, which = np.unique(records["connection"], return_inverse=True)
        found.append(([f"connection {number}" for number in held.tolist()], which))
    return [each for each in found if len(np.unique(each[1][each[1] >= 0])) > 1]


def _named(names: Sequence[str], codes: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int64]]:
    place = {name: at for at, name in enumerate(dict.fromkeys(names))}
    return list(place), np.array([place[name] for name in names])[codes]


def _lift(drawn: _Drawn, numbers: NDArray[np.int64]) -> float:
    """By how much the share of one group in the tail exceeds its share of all."""
    is_slow = _latency_ns(drawn.some) > drawn.tail.low_ns
    known = numbers >= 0
    if not (known & is_slow).any():
        return 0.0
    of_all = np.bincount(numbers[known]) / np.count_nonzero(known)
    of_slow = np.bincount(numbers[known & is_slow], minlength=len(of_all))
    return float((of_slow / of_slow.sum() - of_all).max())


def _phases(drawn: _Drawn) -> Pairs:
    """The mean of each phase of a request, in the tail and near the median."""
    middle = drawn.some[drawn.is_middle(drawn.some)]
    rows = []
    for name, begin, end in (
        ("before it was sent", "intended_ns", "sent_ns"),
        ("until the first byte", "sent_ns", "first_byte_ns"),
        ("until the last byte", "first_byte_ns", "done_ns"),
    ):
        slow_ms, middle_ms = (_mean_ms(each, begin, end) for each in (drawn.slow, middle))
        rows.append((name, slow_ms, middle_ms))
    return _pairs((f"above p{drawn.tail.ratio * 100:g}", "p40–60"), rows)


def _mean_ms(records: Records, begin: str, end: str) -> float:
    whole = records[records["first_byte_ns"] > 0]
    return float((whole[end] - whole[begin]).mean()) / NS_PER_MS if len(whole) else 0.0


def _child_spans(drawn: _Drawn) -> Pairs:
    """The mean time in spans of each name per request, in the tail and near the median."""
    spans = drawn.spans
    if spans is None or not spans.children:
        return _phases(drawn)
    middle = drawn.some[drawn.is_middle(drawn.some)]
    sides = [np.isin(spans.seq, records["seq"]) for records in (drawn.slow, middle)]
    rows = []
    for child in spans.children:
        slow_ms, middle_ms = (
            float(child.duration_ns[side[child.index]].sum()) / max(side.sum(), 1) / NS_PER_MS
            for side in sides
        )
        rows.append((f"{child.service} · {child.name}", slow_ms, middle_ms))
    rows.sort(key=lambda row: row[2] - row[1])
    return _pairs((f"above p{drawn.tail.ratio * 100:g}", "p40–60"), rows[:_MOST_NAMES])


def _pairs(labels: tuple[str, str], rows: Sequence[tuple[str, float, float]]) -> Pairs:
    names, first, second = zip(*rows, strict=True) if rows else ((), (), ())
    return Pairs(labels, tuple(names), tuple(first), tuple(second))


_FORMS: dict[str, Callable[[_Drawn], EvidencePoints]] = {
    "timeline": _over_time,
    "scatter": _over_time,
    "histogram": _histogram,
    "by_group": _by_group,
    "size": _against_size,
    "in_flight": _against_in_flight,
    "phases": _phases,
    "child_spans": _child_spans,
}
