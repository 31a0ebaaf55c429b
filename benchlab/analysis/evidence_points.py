"""The points of the plots that show the evidence for causes, few enough to keep and to draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.causes.cause import Cause
from benchlab.analysis.causes.groups import Grouping, groupings_of
from benchlab.analysis.causes.requests import Floats, Mask, Requests
from benchlab.units import NS_PER_MS, NS_PER_S

__all__ = ["Counts", "EvidencePoints", "Pairs", "Scatter", "evidence_points"]

_MOST_SLOW, _MOST_OTHERS, _MOST_FAILED = 80, 100, 30
"""Points of a scatter: requests of the tail, others, and some that failed."""

_MOST_NAMES = 6
_MOST_BANDS = 100
_BINS = 120

Places: TypeAlias = NDArray[np.int64]
Spans: TypeAlias = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Scatter:
    """A point per request, some of all; ``is_slow`` are those of the tail. Latencies in ms.

    ``failed`` are those that failed. ``x`` is what ``x_label`` says; ``by_size`` where that may
    span several orders of magnitude. Over time, ``pauses`` are those that the evidence names, and
    ``faults`` are when something was broken on purpose: begin and end in s.
    """

    x_label: str
    x: Floats
    latency_ms: Floats
    is_slow: Mask
    failed: Mask
    by_size: bool = False
    pauses: Spans = ()
    faults: Spans = ()


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """A histogram of the latencies of all requests: ``edges_ms`` grow by the same factor.

    ``marks_ms`` are latencies to mark: where the modes are.
    """

    edges_ms: Floats
    counts: NDArray[np.int64]
    marks_ms: tuple[float, ...] = ()


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


def evidence_points(requests: Requests, causes: Sequence[Cause]) -> tuple[EvidencePoints, ...]:
    """The points for each of ``causes``; `Cause.figure` says which."""
    return tuple(_FORMS.get(cause.figure, _over_time)(requests, cause) for cause in causes)


def _scatter(requests: Requests, x_label: str, x: Floats) -> Scatter:
    """The latency of some requests against a number of each."""
    is_slow = np.zeros(len(requests), dtype=np.bool_)
    is_slow[requests.tail] = True
    fine = ~is_slow & ~requests.failed
    chosen = np.concatenate(
        [
            _evenly(np.flatnonzero(of), most, requests.latency)
            for of, most in (
                (is_slow, _MOST_SLOW),
                (fine, _MOST_OTHERS),
                (requests.failed & ~is_slow, _MOST_FAILED),
            )
        ]
    )
    return Scatter(
        x_label=x_label,
        x=x[chosen],
        latency_ms=requests.latency[chosen] / NS_PER_MS,
        is_slow=is_slow[chosen],
        failed=requests.failed[chosen],
    )


def _evenly(places: Places, most: int, latency: Floats) -> Places:
    """At most so many of ``places``, evenly over time, and the slowest of them."""
    if len(places) <= most:
        return places
    chosen = places[np.linspace(0, len(places) - 1, most - 1).round().astype(int)]
    return np.unique(np.append(chosen, places[np.argmax(latency[places])]))


def _over_time(requests: Requests, cause: Cause) -> Scatter:
    found = _scatter(requests, "time since start (s)", requests.intended / NS_PER_S)
    return replace(found, pauses=_pauses(requests, cause), faults=_faults(requests))


def _faults(requests: Requests) -> Spans:
    """When faults of the plan were on, in s, as far as the requests reach."""
    end_ns = float(requests.done.max())
    spans = (
        (each.began_ns, end_ns if each.ended_ns is None else min(end_ns, each.ended_ns))
        for each in requests.run.faults
        if not each.error
    )
    return tuple(
        (begin_ns / NS_PER_S, stop_ns / NS_PER_S)
        for begin_ns, stop_ns in spans
        if begin_ns < stop_ns
    )


def _pauses(requests: Requests, cause: Cause) -> Spans:
    """When the service stood still, in s, as far as the evidence says it."""
    numbers = {name: value for each in cause.evidence for name, value in each.numbers.items()}
    length = numbers.get("length_ns", 0.0)
    if "start_ns" in numbers:
        starts = np.array([numbers["start_ns"]])
    elif numbers.get("period_ns") and cause.requests:
        # Who comes first waits longest: the slowest example came when a pause began.
        first = requests.intended[np.isin(requests.seq, cause.requests[:1])]
        if not len(first):
            return ()
        period = numbers["period_ns"]
        starts = np.arange(
            first[0] - np.floor((first[0] - requests.intended[0]) / period) * period,
            requests.intended[-1],
            period,
        )
    else:
        return ()
    if len(starts) > _MOST_BANDS:
        return ()
    return tuple((start / NS_PER_S, (start + length) / NS_PER_S) for start in starts.tolist())


def _against_size(requests: Requests, _: Cause) -> Scatter:
    """Against the size of responses, or that of requests where they differ more."""
    sides = [("response", requests.bytes_in), ("request", requests.bytes_out)]
    side, sizes = max(sides, key=lambda each: _spread(each[1]))
    found = _scatter(requests, f"size of the {side}", np.maximum(sizes, 1))
    return replace(found, by_size=True)


def _spread(sizes: Floats) -> float:
    return float(sizes.max() / max(sizes.min(), 1.0))


def _against_in_flight(requests: Requests, _: Cause) -> Scatter:
    return _scatter(requests, "other requests in flight", requests.in_flight.astype(np.float64))


def _histogram(requests: Requests, cause: Cause) -> Counts:
    latency = np.maximum(requests.latency, 1_000.0)
    low, high = float(latency.min()), float(latency.max())
    edges = np.geomspace(low, max(high, low * 1.1), _BINS + 1)
    edges[0], edges[-1] = low, max(high, edges[-1])
    counts, _ = np.histogram(latency, edges)
    marks = [
        each.numbers[name] / NS_PER_MS
        for each in cause.evidence
        for name in ("fast_ns", "slow_ns")
        if name in each.numbers
    ]
    return Counts(edges / NS_PER_MS, counts.astype(np.int64), tuple(marks))


def _by_group(requests: Requests, _: Cause) -> EvidencePoints:
    """Median and 99th percentile by whatever tells slow requests best from others."""
    best = max(groupings_of(requests), key=lambda each: _lift(requests, each), default=None)
    if best is None:
        return _phases(requests, _)
    order = np.lexsort((requests.latency, best.of))
    ordered = requests.latency[order] / NS_PER_MS
    ends = np.searchsorted(best.of[order], np.arange(len(best.names) + 1))
    rows = []
    for name, begin, end in zip(best.names, ends, ends[1:], strict=False):
        if begin < end:
            p50, p99 = np.quantile(ordered[begin:end], [0.5, 0.99]).tolist()
            rows.append((f"{best.kind} {name}", p50, p99))
    rows.sort(key=lambda row: -row[1])
    shown = rows if len(rows) <= _MOST_NAMES else [*rows[: _MOST_NAMES - 1], rows[-1]]
    return replace(_pairs(("p50", "p99"), shown), of_groups=True)


def _lift(requests: Requests, grouping: Grouping) -> float:
    """By how much the share of one group in the tail exceeds its share of all."""
    of_slow = grouping.of[requests.tail]
    of_slow, of_all = (of[of >= 0] for of in (of_slow, grouping.of))
    if not len(of_slow):
        return 0.0
    count = len(grouping.names)
    shares = [np.bincount(of, minlength=count) / len(of) for of in (of_slow, of_all)]
    return float((shares[0] - shares[1]).max())


def _middle(requests: Requests) -> Mask:
    """Requests between the 40th and the 60th percentile, near the median."""
    low, high = np.quantile(requests.latency, [0.4, 0.6])
    return np.asarray((requests.latency >= low) & (requests.latency <= high))


def _labels(requests: Requests) -> tuple[str, str]:
    return f"above p{requests.tail_ratio * 100:g}", "p40–60"


def _phases(requests: Requests, _: Cause) -> Pairs:
    """The mean of each phase of a request, in the tail and near the median."""
    before = np.maximum(requests.sent - requests.intended, 0)
    rest = np.maximum(requests.service - requests.opening - requests.body, 0)
    middle = _middle(requests)
    rows = []
    for name, took in (
        ("waiting to be sent", before),
        ("opening a connection", requests.opening),
        ("until the first byte", rest),
        ("until the last byte", requests.body),
    ):
        slow_ms, middle_ms = (float(took[of].mean()) / NS_PER_MS for of in (requests.tail, middle))
        rows.append((name, slow_ms, middle_ms))
    return _pairs(_labels(requests), rows)


def _child_spans(requests: Requests, cause: Cause) -> Pairs:
    """The mean time in spans of each name per request, in the tail and near the median."""
    traced = requests.traced
    if traced is None or not traced.spans.children:
        return _phases(requests, cause)
    is_slow = np.isin(np.arange(len(requests)), requests.tail)
    sides = []
    for chosen in (is_slow, _middle(requests)):
        side = np.zeros(len(traced.spans), dtype=np.bool_)
        side[traced.row] = chosen[traced.index]
        sides.append(side)
    rows = []
    for child in traced.spans.children:
        slow_ms, middle_ms = (
            float(child.duration_ns[side[child.index]].sum()) / max(side.sum(), 1) / NS_PER_MS
            for side in sides
        )
        rows.append((f"{child.service} · {child.name}", slow_ms, middle_ms))
    rows.sort(key=lambda row: row[2] - row[1])
    return _pairs(_labels(requests), rows[:_MOST_NAMES])


def _pairs(labels: tuple[str, str], rows: Sequence[tuple[str, float, float]]) -> Pairs:
    names, first, second = zip(*rows, strict=True) if rows else ((), (), ())
    return Pairs(labels, tuple(names), tuple(first), tuple(second))


_FORMS: dict[str, Callable[[Requests, Cause], EvidencePoints]] = {
    "timeline": _over_time,
    "errors": _over_time,
    "scatter": _against_in_flight,
    "sizes": _against_size,
    "histogram": _histogram,
    "by_group": _by_group,
    "phases": _phases,
    "traces": _child_spans,
}
